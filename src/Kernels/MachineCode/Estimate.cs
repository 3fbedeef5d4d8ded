using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Kernels.MachineCode;

/// <summary>A GPU as its maker describes it: dense peaks, no sparsity.</summary>
/// <param name="Name">With its form, since clocks and memory differ.</param>
/// <param name="Architecture">As ptxas takes it.</param>
/// <param name="Gigahertz">The clock that the peak of the tensor cores is given for.</param>
/// <param name="Float32">TFLOP/s of the ordinary units.</param>
/// <param name="Tf32">TFLOP/s of the tensor cores; twice that in BF16.</param>
/// <param name="Bandwidth">TB/s of device memory.</param>
public sealed record GpuModel(string Name, GpuArchitecture Architecture, double Gigahertz, double Float32, double Tf32, double Bandwidth)
{
    /// <summary>Those that estimates are made for.</summary>
    public static IReadOnlyList<GpuModel> All { get; } =
    [
        new("A100 SXM 80 GB", GpuArchitecture.Find("sm_80"), 1.41, 19.5, 156, 2.04),
        new("H100 SXM 80 GB", GpuArchitecture.Find("sm_90"), 1.83, 66.9, 494.7, 3.35),
    ];

    /// <summary>Multiprocessors of the whole GPU.</summary>
    public int Multiprocessors => Architecture.Model.Multiprocessors;

    /// <summary>What mma.sync reaches of the tensor cores' peak.</summary>
    public double MmaShare => Architecture.Model.Rates.MatrixShare;

    /// <summary>TB/s that multiprocessors read from the L2 cache.</summary>
    public double L2 => Architecture.Model.Rates.SecondLevelBytesPerSecond / 1e12;
}

/// <summary>What a hot kernel is expected to do on a GPU, written down before anyone measured it.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Workload">What is computed.</param>
/// <param name="Gpu">Where.</param>
/// <param name="Bytes">The least that must move between the chip and its memory.</param>
/// <param name="Flops">What the kernel does, repeated work included.</param>
/// <param name="Occupancy">Theoretical, 0 to 1.</param>
/// <param name="Limiter">memory, multiply-adds, issue (of other instructions), special functions, tensor cores, shared memory or L2
/// cache.</param>
/// <param name="Milliseconds">By the limiter alone, and the passes before and behind the kernel
/// (<paramref name="PassMilliseconds"/>).</param>
/// <param name="RoofShare">The kernel's, without passes, of the roof that the limiter's side has: bandwidth, float32 peak or tensor
/// peak.</param>
/// <param name="PassMilliseconds">Of it: rounding to BF16, exchanging weights, adding up wgrad's slices.</param>
public sealed record Estimate(string Kernel, string Workload, string Gpu, long Bytes, long Flops, double Occupancy, string Limiter,
    double Milliseconds, double RoofShare, double PassMilliseconds);

/// <summary>Estimates from bytes, FLOPs and machine code: a roofline whose roofs are lowered by what the main loop does besides.</summary>
/// <remarks>
/// Memory: 0.9 of the bandwidth. Ordinary units: the main loop's multiply-adds among its instructions, since a scheduler issues one a
/// cycle. Tensor cores: mma.sync's share of the peak, or shared memory, at 128 bytes a cycle for ldmatrix and cp.async, or the L2 cache,
/// from which every group reads its rows and columns anew; whichever is slowest. Latency that too few warps leave uncovered, tails and
/// launches are not in it: measured times are longer.
/// </remarks>
public static partial class Estimates
{
    private const double BandwidthShare = 0.9;

    /// <summary>
    /// One estimate for each case and GPU; hot kernels without a case are left out and named in <paramref name="missing"/>.
    /// </summary>
    /// <param name="missing">Without a case.</param>
    /// <param name="cancellation">Looked at between kernels.</param>
    /// <param name="only">These kernels; all without it.</param>
    /// <exception cref="BDenseException">ptxas or nvdisasm is not there.</exception>
    public static IReadOnlyList<Estimate> All(out IReadOnlyList<string> missing, CancellationToken cancellation = default,
        IReadOnlyCollection<string>? only = null)
    {
        if (KernelCatalog.AssemblerVersion is null)
            throw new BDenseException("estimates count machine instructions: ptxas is not on PATH; it comes with the CUDA toolkit");
        var cases = Cases().Where(c => KernelCatalog.Names.Contains(c.Kernel)).ToList();
        missing = [.. KernelRegistry.BuiltIn.Where(k => k.Hot).Select(k => k.Name).Except(cases.Select(c => c.Kernel))];
        cases = [.. cases.Where(c => only?.Contains(c.Kernel) != false)];
        var rows = KernelCatalog.Rows(cases.Select(c => c.Kernel), GpuModel.All.Select(g => g.Architecture), cancellation)
            .ToDictionary(r => (r.Name, r.Architecture));
        // What is for Hopper has no row on another GPU.
        return
        [
            .. from c in cases from gpu in GpuModel.All
                where rows.ContainsKey((c.Kernel, gpu.Architecture.Name))
                select Of(c, gpu, rows[(c.Kernel, gpu.Architecture.Name)]),
        ];
    }

    /// <summary>What the workloads cost by their kernels' declarations.</summary>
    internal static IReadOnlyDictionary<string, OpCost> Costs =>
        Cases().GroupBy(c => c.Kernel).ToDictionary(of => of.Key, of => of.First().Cost);

    private static Estimate Of(Case c, GpuModel gpu, KernelRow row)
    {
        if (row.Whole is null)
            throw new BDenseException("estimates count machine instructions: nvdisasm is not on PATH; it comes with the CUDA toolkit");
        double memory = c.Cost.Bytes / (BandwidthShare * gpu.Bandwidth * 1e12);
        double peak = 1e12 * c.Unit switch { Unit.Float32 => gpu.Float32, Unit.Tf32 => gpu.Tf32, _ => 2 * gpu.Tf32 };
        var (share, limiter) = c.Unit == Unit.Float32 ? OrdinaryShare(row) : TensorShare(row, gpu, c.Unit);
        double compute = c.Cost.Flops / (peak * share), passes = c.PassBytes / (BandwidthShare * gpu.Bandwidth * 1e12);
        if (memory > compute)
            (compute, limiter, share) = (memory, "memory", BandwidthShare);
        return new(c.Kernel, c.Workload, gpu.Name, c.Cost.Bytes, c.Cost.Flops, row.Occupancy ?? 0, limiter, (compute + passes) * 1e3, share,
            passes * 1e3);
    }

    /// <summary>
    /// Multiply-adds among the instructions of the main loop; for a kernel without a loop, or whose loop has none, among all.
    /// </summary>
    private static (double Share, string Limiter) OrdinaryShare(KernelRow row)
    {
        var code = row.MainLoop is { Ffma: > 0 } loop ? loop : row.Whole!;
        double share = Math.Max(1, code.Ffma) / (double)code.Instructions;
        return (share, share > 0.75 ? "multiply-adds" : "issue");
    }

    /// <summary>
    /// A warp's products against its shared-memory traffic: 512 bytes an instruction of ldmatrix (four matrices), cp.async or a load of 16
    /// bytes a lane.
    /// </summary>
    private static (double Share, string Limiter) TensorShare(KernelRow row, GpuModel gpu, Unit unit)
    {
        var loop = row.MainLoop ?? row.Whole!;
        if (KernelRegistry.BuiltIn.FirstOrDefault(k => k.Name == row.Name)?.Written is WarpgroupAttentionKernel attention)
            return AttentionShare(attention, row, gpu);
        if (loop.Hgmma > 0)
        {
            // wgmma reads shared memory by itself, and reaches the peak if the operands come in time.
            double l2 = CacheShare(row, gpu, unit);
            return l2 < 1 ? (l2, "L2 cache") : (1, "tensor cores");
        }
        double flops = loop.Hmma * (unit == Unit.Tf32 ? 2048.0 : 4096.0); // m16n8k8, m16n8k16
        double perCycle = (unit == Unit.Tf32 ? 1 : 2) * gpu.Tf32 * 1e12 / (gpu.Multiprocessors * gpu.Gigahertz * 1e9);
        double tensor = flops / (perCycle * gpu.MmaShare),
            shared = 4.0 * (loop.Ldsm + loop.Ldgsts + loop.Lds128) + (loop.Lds - loop.Lds128);
        double roof = gpu.MmaShare * tensor;
        if (row.Name.Contains("Attention", StringComparison.Ordinal))
        {
            // Between its products is a softmax, which takes issue slots of the four schedulers; and its operands come by stores.
            shared += 4.0 * loop.Sts;
            double issue = loop.Instructions / 4.0;
            if (issue > Math.Max(tensor, shared))
                return (roof / issue, "issue");
        }
        var (share, limiter) = tensor >= shared ? (gpu.MmaShare, "tensor cores") : (roof / shared, "shared memory");
        double cache = CacheShare(row, gpu, unit);
        return cache < share ? (cache, "L2 cache") : (share, limiter);
    }

    /// <summary>
    /// A group's products of a step against its rows' and columns' 64 bytes from the L2 cache; with a prologue in BF16 the pixels, wgrad's
    /// columns, come as float32. Kernels whose name tells no tile are not bound by it.
    /// </summary>
    private static double CacheShare(KernelRow row, GpuModel gpu, Unit unit)
    {
        if (Tile().Match(row.Name) is not { Success: true } tile)
            return 1;
        double rows = int.Parse(tile.Groups[1].Value, CultureInfo.InvariantCulture),
            columns = int.Parse(tile.Groups[2].Value, CultureInfo.InvariantCulture);
        double flops = rows * columns * (unit == Unit.Tf32 ? 32 : 64), bytes = 64 * (rows + columns);
        if (unit == Unit.Bf16 && row.Name.Contains("Activated", StringComparison.Ordinal))
            bytes += 64 * (row.Name.Contains("Wgrad", StringComparison.Ordinal) ? columns : rows);
        return gpu.L2 * flops / bytes / ((unit == Unit.Tf32 ? 1 : 2) * gpu.Tf32);
    }

    [GeneratedRegex(@"^[A-Za-z]+?(\d+)x(\d+)[wg]")]
    private static partial Regex Tile();
}
