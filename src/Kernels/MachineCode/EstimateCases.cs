using BDense.Kernels.Ilgpu;

namespace BDense.Kernels.MachineCode;

/// <summary>The workloads that hot kernels are estimated at.</summary>
public static partial class Estimates
{
    /// <summary>Bytes that rounding to BF16 moves for a value; slices that sums other than wgrad's are cut into, about.</summary>
    private const int Rounded = 6, FewSlices = 2;

    /// <summary>Of wgrad's sum.</summary>
    internal const int Slices = 8;

    /// <summary>Of the DDPM network.</summary>
    internal const int Parameters = 35_746_307;

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
        foreach (string kernel in KernelRegistry.BuiltIn.Where(k => k.Written is not null).Select(k => k.Name)
            .Where(name => !name.Contains("Attention", StringComparison.Ordinal)))
            yield return kernel.Contains("Product", StringComparison.Ordinal) ? ProductCase(kernel, product)
                : ConvolutionCase(kernel, conv, convText);
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

        // With activations in BF16 half the bytes.
        yield return new("TensorAttentionStatisticsKernel", "64x256 tokens, head 256", Unit.Float32,
            OpCost.Of(2 * tokens + tokens / 256, tokens / 128, 2 * tokens));
        yield return new("TensorAttentionRoundedStatisticsKernel", "64x256 tokens, head 256", Unit.Float32,
            OpCost.Of(tokens + tokens / 256, tokens / 128, 2 * tokens));

        // The same on tensor cores; at a head of 256 dk and dv are kernels of their own, each with the scores.
        foreach (int d in new[] { 32, 64, 128, 256 })
        {
            string text = $"64x256 tokens, {256 / d} x head {d}";
            foreach (var (prefix, unit, part) in new[] { ("Tensor", Unit.Tf32, 1), ("Tensor", Unit.Bf16, 1),
                ("TensorRounded", Unit.Bf16, 2), ("Warpgroup", Unit.Bf16, 1), ("WarpgroupRounded", Unit.Bf16, 2) })
            {
                Case Pass(string name, int read, int written, int products) => new($"{prefix}Attention{name}{d}{unit}Kernel", text, unit,
                    OpCost.Of(read * tokens / part, written * tokens / part, products * row));
                yield return Pass("", 3, 1, 2);
                yield return Pass("QueryGradient", 4, 1, 3);
                yield return Pass("KeyValueGradient", 4, 2, 4);
                yield return Pass("KeyGradient", 4, 1, 3);
                yield return Pass("ValueGradient", 3, 1, 2);
            }
        }

        const string layer = "64x32x32x256";
        yield return new("GroupNormPartialKernel", layer, Unit.Float32, OpCost.Of(x, 0, 4 * x));
        yield return new("GroupNormMergeMomentsKernel", layer, Unit.Float32, OpCost.Of(x / MomentsShape.BlockPixels, 0, x / 8));
        foreach (var (type, part) in new[] { ("", 1), ("BFloat16", 2) })
        {
            yield return new($"GroupNormPartial4{type}Kernel", layer, Unit.Float32, OpCost.Of(x / part, 0, 4 * x));
            yield return new($"GroupNormApply4{type}Kernel", layer, Unit.Float32, OpCost.Of(x / part, x / part, 8 * x));
            yield return new($"GroupNormBackwardPartial4{type}Kernel", layer, Unit.Float32, OpCost.Of(2 * x / part, 0, 12 * x));
            yield return new($"GroupNormBackwardApply4{type}Kernel", layer, Unit.Float32, OpCost.Of(2 * x / part, x / part, 12 * x));
            yield return new($"ScaleShift4{type}Kernel", layer, Unit.Float32, OpCost.Of(x / part, x / part, 6 * x));
            yield return new($"Silu{type}Kernel", layer, Unit.Float32, OpCost.Of(x / part, x / part, 4 * x));
            yield return new($"SiluBackward{type}Kernel", layer, Unit.Float32, OpCost.Of(2 * x / part, x / part, 7 * x));
            yield return new($"LinearCombination2x4{type}Kernel", layer, Unit.Float32, OpCost.Of(2 * x / part, x / part, 3 * x));
        }
        yield return new("WidenBFloat16x4Kernel", layer, Unit.Float32, OpCost.Of(x / 2, x, x));
        yield return new("RoundBFloat16x4Kernel", layer, Unit.Float32, OpCost.Of(x, x / 2, x));
        const long parameters = Parameters;
        yield return new("SumOfSquares4Kernel", "35.7M gradients", Unit.Float32, OpCost.Of(parameters, 0, 2 * parameters));
        yield return new("AdamKernel", "35.7M parameters, moving average", Unit.Float32,
            OpCost.Of(5 * parameters, 4 * parameters, 16 * parameters));
        const long pixels = 64 * 32 * 32 * 3, branches = 4;
        yield return new("TrajectoryLossKernel", "64x32x32x3, 4 branches", Unit.Float32,
            OpCost.Of((1 + 2 * branches) * pixels, branches * pixels, pixels * (4 * branches * branches + 6 * branches)));
    }

    /// <summary>Of BF16 factors half the bytes are read; slices are written, and read again by their sum.</summary>
    private static Case ProductCase(string kernel, in MatMulShape product)
    {
        bool bf16 = kernel.Contains("Bf16", StringComparison.Ordinal), sliced = kernel.Contains("Sliced", StringComparison.Ordinal);
        long factors = 2L * product.A.Length;
        return new(kernel, "4096^3", bf16 ? Unit.Bf16 : Unit.Tf32, OpCost.Of(factors / (bf16 ? 2 : 1), product.C.Length, 2 * product.Macs),
            (sliced ? 8L * FewSlices * product.C.Length : 0) + (bf16 ? Rounded * factors : 0));
    }

    /// <summary>
    /// The same. With a prologue x is rounded in registers; with activations in BF16 (rounded) they are read and written as they are, and
    /// weights alone are rounded first.
    /// </summary>
    private static Case ConvolutionCase(string kernel, in Conv2dShape conv, string text)
    {
        bool Has(string word) => kernel.Contains(word, StringComparison.Ordinal);
        bool wgrad = Has("Wgrad"), bf16 = Has("Bf16"), isRounded = Has("Rounded");
        long x = conv.Input.Length, w = conv.Weight.Length, part = bf16 ? 2 : 1;
        long y = (isRounded ? x / 2 : x) + (Has("Measured") ? x / MomentsShape.BlockPixels : 0);
        var cost = wgrad ? OpCost.Of(2 * x / part, w, 2 * conv.Macs) : OpCost.Of((x + w) / part, y, 2 * conv.Macs);
        long rounded = !bf16 ? 0 : (Has("Activated") || isRounded ? 0 : x) + (wgrad ? x : w);
        return new(kernel, wgrad ? "wgrad " + text : text, bf16 ? Unit.Bf16 : Unit.Tf32, cost,
            Rounded * rounded + (wgrad ? 8 * Slices * w : Has("Sliced") ? 8L * FewSlices * x : 0));
    }
}
