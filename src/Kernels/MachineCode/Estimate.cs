using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels.Ilgpu;

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
/// <param name="Limiter">memory, multiply-adds, issue (of other instructions), tensor cores, shared memory or L2 cache.</param>
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

    /// <summary>Bytes that rounding to BF16 moves for a value; slices that wgrad's sum is cut into, about, and others'.</summary>
    private const int Rounded = 6, Slices = 8, FewSlices = 2;

    private enum Unit { Float32, Tf32, Bf16 }

    /// <param name="Kernel">A hot kernel.</param>
    /// <param name="Workload">For people.</param>
    /// <param name="Unit">Where its products are computed.</param>
    /// <param name="Cost">Bytes and FLOPs.</param>
    /// <param name="PassBytes">Bytes that passes of their own move before and behind it.</param>
    private sealed record Case(string Kernel, string Workload, Unit Unit, OpCost Cost, long PassBytes = 0);

    /// <summary>The largest layer of EDM's CIFAR-10 network at batch 64.</summary>
    internal static Conv2dShape Layer => Conv2dShape.Same(64, 32, 32, 256, 256, 3);

    /// <summary>A square product.</summary>
    internal static MatMulShape Product => new(1, 4096, 4096, 4096);

    /// <summary>At 16 x 16 tokens of that network.</summary>
    internal static AttentionShape Tokens => new(64, 256, 1, 256);

    /// <summary>
    /// The three shapes above, heads of other sizes, and the DDPM network's parameters. The case list stands above this floor; a test holds
    /// the three to be rows of it, so that estimates and measurements are of the same.
    /// </summary>
    private static IEnumerable<Case> Cases()
    {
        var conv = Layer;
        const string convText = "3x3 64x32x32, 256->256";
        long x = conv.Input.Length, w = conv.Weight.Length;
        var product = Product;
        foreach (string kernel in new[] { "ConvSharedTileKernel", "ConvTile8Kernel", "ConvTile4Kernel", "ConvTile8EpilogueKernel",
            "ConvSharedTileEpilogueKernel", "ConvSharedTileActivatedKernel" })
            yield return new(kernel, convText, Unit.Float32, OpCost.Of(x + w, x, 2 * conv.Macs));
        foreach (string kernel in KernelCatalog.Names.Where(
            n => n.StartsWith("Tensor", StringComparison.Ordinal) && !n.StartsWith("TensorAttention", StringComparison.Ordinal)))
        {
            // Of BF16 factors half the bytes are read.
            bool wgrad = kernel.Contains("Wgrad", StringComparison.Ordinal), sliced = kernel.Contains("Sliced", StringComparison.Ordinal),
                bf16 = kernel.Contains("Bf16", StringComparison.Ordinal);
            if (kernel.Contains("Product", StringComparison.Ordinal))
            {
                long slices = sliced ? 8L * FewSlices * product.C.Length : 0;
                yield return new(kernel, "4096^3", bf16 ? Unit.Bf16 : Unit.Tf32,
                    OpCost.Of(2L * product.A.Length / (bf16 ? 2 : 1), product.C.Length, 2 * product.Macs),
                    slices + (bf16 ? Rounded * 2L * product.A.Length : 0));
                continue;
            }
            var cost = wgrad ? OpCost.Of(2 * x / (bf16 ? 2 : 1), w, 2 * conv.Macs) : OpCost.Of((x + w) / (bf16 ? 2 : 1), x, 2 * conv.Macs);
            // With a prologue x is rounded in registers. Slices are written, and read again by their sum.
            long rounded = !bf16 ? 0 : (kernel.Contains("Activated", StringComparison.Ordinal) ? 0 : x) + (wgrad ? x : w);
            yield return new(kernel, wgrad ? "wgrad " + convText : convText, bf16 ? Unit.Bf16 : Unit.Tf32, cost,
                Rounded * rounded + (wgrad ? 8 * Slices * w : sliced ? 8L * FewSlices * x : 0));
        }
        foreach (string kernel in new[] { "WgradSharedTileKernel", "WgradSharedTileActivatedKernel", "WgradTileKernel" })
            yield return new(kernel, "wgrad " + convText, Unit.Float32, OpCost.Of(2 * x, w, 2 * conv.Macs));
        foreach (string kernel in new[] { "MatMulSharedTileKernel", "MatMulKernel" })
            yield return new(kernel, "4096^3", Unit.Float32, OpCost.Of(2L * product.A.Length, product.C.Length, 2 * product.Macs));

        // Scores are computed once for each 64 channels of the output (32 for keys and values), as the kernels' own docs count.
        var attention = Tokens;
        long row = 2L * attention.N * attention.Tokens * attention.Tokens * attention.HeadSize; // one product of Tokens x Tokens x d
        long tokens = attention.Output.Length;
        yield return new("AttentionKernel", "64x256 tokens, head 256", Unit.Float32, OpCost.Of(3 * tokens, tokens, 4 * row + row));
        yield return new("AttentionQueryGradientKernel", "64x256 tokens, head 256", Unit.Float32,
            OpCost.Of(4 * tokens, tokens, 8 * row + row));
        yield return new("AttentionKeyValueGradientKernel", "64x256 tokens, head 256", Unit.Float32,
            OpCost.Of(4 * tokens, 2 * tokens, 16 * row + 2 * row));

        // Through shared memory the scores are computed once; a narrower width has heads of its own size, as many channels in all.
        foreach (int d in new[] { 64, 128, 256 })
        {
            string text = $"64x256 tokens, {256 / d} x head {d}";
            yield return new($"AttentionShared{d}Kernel", text, Unit.Float32, OpCost.Of(3 * tokens, tokens, 2 * row));
            yield return new($"AttentionSharedQueryGradient{d}Kernel", text, Unit.Float32, OpCost.Of(4 * tokens, tokens, 3 * row));
            yield return new($"AttentionSharedKeyValueGradient{d}Kernel", text, Unit.Float32, OpCost.Of(4 * tokens, 2 * tokens, 4 * row));
        }

        yield return new("TensorAttentionStatisticsKernel", "64x256 tokens, head 256", Unit.Float32,
            OpCost.Of(2 * tokens + tokens / 256, tokens / 128, 2 * tokens));

        // The same on tensor cores; at a head of 256 dk and dv are kernels of their own, each with the scores.
        foreach (int d in new[] { 32, 64, 128, 256 })
        {
            string text = $"64x256 tokens, {256 / d} x head {d}";
            foreach (var unit in new[] { Unit.Tf32, Unit.Bf16 })
            {
                yield return new($"TensorAttention{d}{unit}Kernel", text, unit, OpCost.Of(3 * tokens, tokens, 2 * row));
                yield return new($"TensorAttentionQueryGradient{d}{unit}Kernel", text, unit, OpCost.Of(4 * tokens, tokens, 3 * row));
                yield return new($"TensorAttentionKeyValueGradient{d}{unit}Kernel", text, unit, OpCost.Of(4 * tokens, 2 * tokens, 4 * row));
                yield return new($"TensorAttentionKeyGradient{d}{unit}Kernel", text, unit, OpCost.Of(4 * tokens, tokens, 3 * row));
                yield return new($"TensorAttentionValueGradient{d}{unit}Kernel", text, unit, OpCost.Of(3 * tokens, tokens, 2 * row));
            }
        }

        const string layer = "64x32x32x256";
        yield return new("GroupNormPartialKernel", layer, Unit.Float32, OpCost.Of(x, 0, 4 * x));
        yield return new("GroupNormPartial4Kernel", layer, Unit.Float32, OpCost.Of(x, 0, 4 * x));
        yield return new("GroupNormApply4Kernel", layer, Unit.Float32, OpCost.Of(x, x, 8 * x));
        yield return new("GroupNormBackwardPartial4Kernel", layer, Unit.Float32, OpCost.Of(2 * x, 0, 12 * x));
        yield return new("GroupNormBackwardApply4Kernel", layer, Unit.Float32, OpCost.Of(2 * x, x, 12 * x));
        yield return new("ScaleShift4Kernel", layer, Unit.Float32, OpCost.Of(x, x, 6 * x));
        yield return new("SiluKernel", layer, Unit.Float32, OpCost.Of(x, x, 4 * x));
        yield return new("SiluBackwardKernel", layer, Unit.Float32, OpCost.Of(2 * x, x, 7 * x));
        yield return new("LinearCombination2x4Kernel", layer, Unit.Float32, OpCost.Of(2 * x, x, 3 * x));
        const long parameters = 35_746_307;
        yield return new("SumOfSquares4Kernel", "35.7M gradients", Unit.Float32, OpCost.Of(parameters, 0, 2 * parameters));
        yield return new("AdamKernel", "35.7M parameters, moving average", Unit.Float32,
            OpCost.Of(5 * parameters, 4 * parameters, 16 * parameters));
        const long pixels = 64 * 32 * 32 * 3, branches = 4;
        yield return new("TrajectoryLossKernel", "64x32x32x3, 4 branches", Unit.Float32,
            OpCost.Of((1 + 2 * branches) * pixels, branches * pixels, pixels * (4 * branches * branches + 6 * branches)));
    }

    /// <summary>
    /// One estimate for each case and GPU; hot kernels without a case are left out and named in <paramref name="missing"/>.
    /// </summary>
    /// <exception cref="BDenseException">ptxas or nvdisasm is not there.</exception>
    public static IReadOnlyList<Estimate> All(out IReadOnlyList<string> missing, CancellationToken cancellation = default)
    {
        if (KernelCatalog.AssemblerVersion is null)
            throw new BDenseException("estimates count machine instructions: ptxas is not on PATH; it comes with the CUDA toolkit");
        var cases = Cases().Where(c => KernelCatalog.Names.Contains(c.Kernel)).ToList();
        missing = [.. KernelRegistry.BuiltIn.Where(k => k.Hot).Select(k => k.Name).Except(cases.Select(c => c.Kernel))];
        var rows = KernelCatalog.Rows(cases.Select(c => c.Kernel), GpuModel.All.Select(g => g.Architecture), cancellation)
            .ToDictionary(r => (r.Name, r.Architecture));
        return [.. from c in cases from gpu in GpuModel.All select Of(c, gpu, rows[(c.Kernel, gpu.Architecture.Name)])];
    }

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
        double flops = loop.Hmma * (unit == Unit.Tf32 ? 2048.0 : 4096.0); // m16n8k8, m16n8k16
        double perCycle = (unit == Unit.Tf32 ? 1 : 2) * gpu.Tf32 * 1e12 / (gpu.Multiprocessors * gpu.Gigahertz * 1e9);
        double tensor = flops / (perCycle * gpu.MmaShare),
            shared = 4.0 * (loop.Ldsm + loop.Ldgsts + loop.Lds128) + (loop.Lds - loop.Lds128);
        double roof = gpu.MmaShare * tensor;
        if (row.Name.StartsWith("TensorAttention", StringComparison.Ordinal))
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

    [GeneratedRegex(@"^Tensor[A-Za-z]+(\d+)x(\d+)w")]
    private static partial Regex Tile();
}
