using BDense.Kernels.Ilgpu;

namespace BDense.Kernels.Profiling;

/// <summary>What a hot kernel does at its estimate's workload, as a virtual GPU counts it at two smaller ones.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="At">Where it was counted.</param>
/// <param name="Bytes">Between memory and the second-level cache, which begins empty and is written back.</param>
/// <param name="Wavefronts">Cycles of shared memory, of all multiprocessors together.</param>
/// <param name="TensorCycles">Cycles of tensor cores, likewise, at the rate that the instruction reaches.</param>
public sealed record CountedKernel(string Kernel, string At, long Bytes, long Wavefronts, long TensorCycles);

/// <summary>
/// Counts beside estimates. A headline's shape takes minutes to hours in software, so each operation runs at two values of one extent (one
/// and two images, 256 and 512 rows and columns), and its counts are extended: in a straight line through both, which is exact for what is
/// done for each image and for what is done once; for a product's rows and columns with a linear part (operands) and a square one (tiles
/// and results). What a cache cannot hold at the headline and can here does not show.
/// </summary>
public static class CountedKernels
{
    /// <summary>How many operations are run for these kernels, each twice.</summary>
    public static int Workloads(IReadOnlyCollection<string> wanted) => Of(wanted).Count();

    private static IEnumerable<CountedWorkload> Of(IReadOnlyCollection<string> wanted) =>
        CountedWorkloads.All.Where(workload => workload.Kernels.Any(wanted.Contains));

    /// <summary>Those of the kernels that are wanted and that a GPU launches at their workload.</summary>
    /// <param name="backend">On a virtual GPU.</param>
    /// <param name="wanted">Kernels' names.</param>
    /// <param name="progress">Told how many operations are done.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    /// <exception cref="BDenseException">The backend runs on hardware, which does not count.</exception>
    public static IReadOnlyList<CountedKernel> Of(Backend backend, IReadOnlyCollection<string> wanted, Action<int>? progress = null,
        CancellationToken cancellation = default)
    {
        var profiler = Profiler.On(backend);
        var ilgpu = (IlgpuBackend)backend;
        var (precision, type) = (ilgpu.Precision, ilgpu.ActivationType);
        var rows = new List<CountedKernel>();
        try
        {
            int done = 0;
            foreach (var workload in Of(wanted))
            {
                rows.AddRange(Of(profiler, ilgpu, workload, cancellation).Where(row => wanted.Contains(row.Kernel)));
                progress?.Invoke(++done);
            }
        }
        finally
        {
            (ilgpu.Precision, ilgpu.ActivationType, ilgpu.ForcedTile) = (precision, type, null);
        }
        return rows;
    }

    private static IEnumerable<CountedKernel> Of(Profiler profiler, IlgpuBackend backend, CountedWorkload workload,
        CancellationToken cancellation)
    {
        (backend.Precision, backend.ForcedTile) = (workload.Precision, workload.Tile);
        backend.ActivationType = workload.IsRounded ? ElementType.BFloat16 : ElementType.Float32;
        var (small, large) = (Run(workload.Sizes.Small), Run(workload.Sizes.Large));
        foreach (string kernel in workload.Kernels)
        {
            Work a = Sum(small, kernel), b = Sum(large, kernel);
            yield return new CountedKernel(kernel, workload.Text, workload.At(a.Bytes, b.Bytes), workload.At(a.Wavefronts, b.Wavefronts),
                workload.At(a.TensorCycles, b.TensorCycles));
        }

        IReadOnlyList<ProfiledLaunch> Run(int size)
        {
            cancellation.ThrowIfCancellationRequested();
            using var operands = new OperandSource(backend);
            return profiler.Run(workload.Text, workload.Make(operands, size)).Launches;
        }
    }

    private readonly record struct Work(double Bytes, double Wavefronts, double TensorCycles);

    private static Work Sum(IReadOnlyList<ProfiledLaunch> launches, string kernel)
    {
        var of = launches.Where(launch => launch.Kernel == kernel).Select(launch => launch.Counts).ToList();
        return of.Count == 0
            ? throw new BDenseException($"{kernel} is not launched where its estimate says; launched are "
                + string.Join(", ", launches.Select(launch => launch.Kernel).Distinct()))
            : new(of.Sum(c => (double)(c.MemoryBytesRead + c.MemoryBytesWritten)), of.Sum(c => (double)c.Total.Wavefronts),
                of.Sum(c => c.TensorCycles));
    }
}
