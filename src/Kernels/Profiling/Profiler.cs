using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;

namespace BDense.Kernels.Profiling;

/// <summary>A pass of an operation, what it declared and what its launches did.</summary>
/// <param name="Name">forward, backward, dgrad, wgrad.</param>
/// <param name="Declared">By the operation itself (<see cref="OpCost"/>).</param>
/// <param name="Launches">In order.</param>
public sealed record ProfiledPass(string Name, OpCost Declared, IReadOnlyList<ProfiledLaunch> Launches)
{
    /// <summary>Between memory and the second-level cache, each launch beginning with an empty one.</summary>
    public long MemoryBytesRead => Launches.Sum(l => l.Counts.MemoryBytesRead);

    /// <summary>As <see cref="MemoryBytesRead"/>, the other way.</summary>
    public long MemoryBytesWritten => Launches.Sum(l => l.Counts.MemoryBytesWritten);

    /// <summary>Both.</summary>
    public long MemoryBytes => MemoryBytesRead + MemoryBytesWritten;

    /// <summary>By all lanes.</summary>
    public long BytesAskedRead => Launches.Sum(l => l.Counts.BytesAskedRead);

    /// <summary>As <see cref="BytesAskedRead"/>, the other way.</summary>
    public long BytesAskedWritten => Launches.Sum(l => l.Counts.BytesAskedWritten);

    /// <summary>Both.</summary>
    public long BytesAsked => BytesAskedRead + BytesAskedWritten;
}

/// <summary>A launch that was counted.</summary>
/// <param name="Kernel">The C# method.</param>
/// <param name="Registers">A thread's.</param>
/// <param name="FromAssembler">Whether ptxas gave them; otherwise they are the virtual GPU's estimate.</param>
/// <param name="Occupancy">With these registers.</param>
/// <param name="Roof">What limits it.</param>
/// <param name="Counts">What it did.</param>
public sealed record ProfiledLaunch(string Kernel, int Registers, bool FromAssembler, Occupancy Occupancy, Roof Roof, LaunchCounts Counts);

/// <summary>Runs operations on a virtual GPU and collects what their launches did.</summary>
/// <param name="backend">On the virtual GPU.</param>
/// <param name="gpu">That GPU.</param>
public sealed class Profiler(Backend backend, Gpu gpu)
{
    private const string Prefix = "Kernel_";

    private readonly Dictionary<string, int?> _registers = [];

    /// <summary>Whether the backend runs on a virtual GPU, which counts.</summary>
    public static bool IsOn(Backend backend) => backend is IlgpuBackend { VirtualGpu: not null };

    /// <exception cref="BDenseException">The backend runs on hardware, which does not count.</exception>
    public static Profiler On(Backend backend) => backend is IlgpuBackend { VirtualGpu: { } gpu } ? new(backend, gpu)
        : throw new BDenseException($"{backend.Name} is no virtual GPU: it does not count");

    /// <summary>Each pass once. Inputs are made before, uncounted.</summary>
    public IReadOnlyList<ProfiledPass> Run(CatalogOperation operation, IReadOnlyList<int> shape, CancellationToken cancellation = default)
    {
        using var operands = new OperandSource(backend);
        var passes = new List<ProfiledPass>();
        foreach (var pass in operation.Make(operands, shape))
        {
            cancellation.ThrowIfCancellationRequested();
            passes.Add(Run(pass.Name, pass.Run));
        }
        return passes;
    }

    /// <summary>Anything that runs on the backend.</summary>
    public ProfiledPass Run(string name, Action run)
    {
        backend.Synchronize();
        var launches = new List<LaunchCounts>();
        var declared = default(OpCost);
        var before = backend.OnOp;
        backend.OnOp = (_, cost) => declared += cost;
        gpu.Counted = launches.Add;
        try
        {
            run();
            backend.Synchronize();
        }
        finally
        {
            gpu.Counted = null;
            backend.OnOp = before;
        }
        return new ProfiledPass(name, declared, [.. launches.Select(Profiled)]);
    }

    /// <summary>Names of the kernels that an operation launches, which do not run: results are left as they are.</summary>
    public IReadOnlyList<string> Kernels(CatalogOperation operation, IReadOnlyList<int> shape)
    {
        var names = new List<string>();
        gpu.Wanted = launch =>
        {
            names.Add(NameOf(launch.Kernel));
            return false;
        };
        try
        {
            using var operands = new OperandSource(backend);
            var passes = operation.Make(operands, shape);
            backend.Synchronize();
            names.Clear();
            foreach (var pass in passes)
                pass.Run();
            backend.Synchronize();
        }
        finally
        {
            gpu.Wanted = null;
        }
        return [.. names.Distinct()];
    }

    private ProfiledLaunch Profiled(LaunchCounts counts)
    {
        string name = NameOf(counts.Kernel);
        int? assembled = Registers(name);
        int registers = assembled ?? counts.Kernel.Registers;
        var occupancy = Occupancy.Of(counts.Model, registers, counts.Kernel.StaticSharedBytes + counts.DynamicSharedBytes,
            (int)counts.Block.Count);
        return new(name, registers, assembled is not null, occupancy, Roof.Of(counts), counts);
    }

    private int? Registers(string kernel)
    {
        if (!_registers.TryGetValue(kernel, out int? registers))
        {
            string architecture = $"sm_{gpu.Model.Major}{gpu.Model.Minor}";
            registers = KernelCatalog.Names.Contains(kernel)
                ? KernelCatalog.Rows([kernel], [GpuArchitecture.Find(architecture)])[0].Registers : null;
            _registers.Add(kernel, registers);
        }
        return registers;
    }

    /// <summary>ILGPU puts a word before the method's name.</summary>
    private static string NameOf(PtxKernel kernel) =>
        kernel.Name.StartsWith(Prefix, StringComparison.Ordinal) ? kernel.Name[Prefix.Length..] : kernel.Name;
}
