using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Profiling;

/// <summary>An operation that launches hot kernels at an estimate's workload, but for one extent of it.</summary>
/// <param name="Kernels">What it launches.</param>
/// <param name="Extent">The extent's name.</param>
/// <param name="Sizes">Two values of it that software runs.</param>
/// <param name="Headline">The estimate's.</param>
/// <param name="Make">Makes the operands and gives the operation.</param>
internal sealed record CountedWorkload(IReadOnlyList<string> Kernels, string Extent, (int Small, int Large) Sizes, int Headline,
    Func<OperandSource, int, Action> Make)
{
    /// <summary>What the backend is set to.</summary>
    public Precision Precision { get; init; }

    /// <summary>Whether activations are BF16 in memory.</summary>
    public bool IsRounded { get; init; }

    /// <summary>The tile of tensor-core kernels.</summary>
    public TileChoice? Tile { get; init; }

    /// <summary>Whether a result has the extent in both directions: its counts have a linear and a square part, and nothing else.</summary>
    public bool IsSquare { get; init; }

    /// <summary>The headline's value from those at both sizes.</summary>
    public long At(double small, double large)
    {
        double a = Sizes.Small, b = Sizes.Large, h = Headline;
        // Through both: p + q h, or q h + r h^2.
        return (long)Math.Round(IsSquare ? h * ((small / a) + (h - a) * ((large / b) - (small / a)) / (b - a))
            : small + (h - a) * (large - small) / (b - a));
    }

    /// <summary>As a note says it.</summary>
    public string Text => $"{Extent} {Sizes.Small} and {Sizes.Large} for {Headline}";
}

/// <summary>
/// The workloads of <see cref="Estimates"/> as operations: what each hot kernel does there. Kernels that an NVIDIA GPU does not launch at
/// its estimate's shape (those for processors, odd channels) have none.
/// </summary>
internal static class CountedWorkloads
{
    private const int Batch = 64, Groups = 32;

    private static readonly (int, int) s_images = (1, 2), s_rows = (256, 512), s_values = (1 << 18, 1 << 19);

    /// <summary>All of them.</summary>
    public static IEnumerable<CountedWorkload> All => [.. Float32(), .. Passes(isRounded: false), .. Passes(isRounded: true),
        .. KernelRegistry.BuiltIn.Select(kernel => kernel.Written).OfType<IWrittenKernel>().Select(Of).OfType<CountedWorkload>()];

    /// <summary>A written kernel's; null for odd channels.</summary>
    private static CountedWorkload? Of(IWrittenKernel written) => written switch
    {
        ConvolutionKernel { IsOdd: false } k => Convolution(k.Name, k.Tile, k.Shape, k.IsTransposed, k.IsActivated, k.IsSliced, k.IsRounded,
            k.IsMeasured),
        WarpgroupConvolutionKernel k => Convolution(k.Name, k.Tile, k.Shape, k.IsTransposed, false, k.IsSliced, k.IsRounded, k.IsMeasured),
        WgradKernel k => Wgrad(k.Name, k.Tile, k.Shape, k.IsActivated),
        WarpgroupWgradKernel k => Wgrad(k.Name, k.Tile, MmaShape.Bf16, isActivated: false),
        MatrixProductKernel k => Product(k.Name, k.Tile, k.Shape, k.OutermostA, k.OutermostB, k.IsSliced),
        BulkProductKernel k => Product(k.Name, k.Tile, k.Shape, k.OutermostA, k.OutermostB, isSliced: false),
        // On an H100 the others are not launched.
        AttentionKernel k when k.Shape == MmaShape.Tf32 || k.Head == 32 => Attention([k.Name], k.Head, k.Pass != AttentionPass.Forward) with
        {
            Precision = Of(k.Shape),
            IsRounded = k.IsRounded,
        },
        WarpgroupAttentionKernel k => Attention([k.Name], k.Head, k.Pass != AttentionPass.Forward) with
        {
            Precision = Precision.Bf16,
            IsRounded = k.IsRounded,
        },
        _ => null,
    };

    private static Precision Of(MmaShape shape) => shape == MmaShape.Tf32 ? Precision.Tf32 : Precision.Bf16;

    private static CountedWorkload Convolution(string kernel, ITile tile, MmaShape shape, bool isDgrad, bool isActivated, bool isSliced,
        bool isRounded, bool isMeasured) => new([kernel], "images", s_images, Batch, (t, n) =>
    {
        var s = Estimates.Layer with { N = n };
        Tensor x = Image(t, s.Input, isRounded), w = t.Normal(s.Weight), y = t.Empty(s.Output, TypeOf(isRounded));
        if (isDgrad)
            return () => t.Backend.Conv2dDgrad(s, x, w, y);
        var prologue = isActivated ? new ConvolutionPrologue(t.Normal(new(n, 2 * s.C)), Silu: true) : default;
        var epilogue = new ConvolutionEpilogue(null, Moments: isMeasured ? t.Empty(s.OutputBlocks.Moments) : null);
        return () => t.Backend.FusedConv2d(s, x, w, prologue, epilogue, y);
    })
        {
            Precision = Of(shape),
            IsRounded = isRounded,
            Tile = new TileChoice(tile.Text, isSliced ? 2 : 1),
        };

    private static CountedWorkload Wgrad(string kernel, ITile tile, MmaShape shape, bool isActivated) => new([kernel], "images", s_images,
        Batch, (t, n) =>
    {
        var s = Estimates.Layer with { N = n };
        Tensor x = t.Normal(s.Input), dy = t.Normal(s.Output), dw = t.Zeros(s.Weight);
        var prologue = isActivated ? new ConvolutionPrologue(t.Normal(new(n, 2 * s.C)), Silu: true) : default;
        return () => t.Backend.FusedConv2dWgrad(s, x, prologue, dy, dw, null);
    })
    { Precision = Of(shape), Tile = new TileChoice(tile.Text, Estimates.Slices) };

    private static CountedWorkload Product(string kernel, ITile tile, MmaShape shape, bool outermostA, bool outermostB, bool isSliced) =>
        Product(kernel, transA: outermostA, transB: !outermostB) with
        {
            Precision = Of(shape),
            Tile = new TileChoice(tile.Text, isSliced ? 2 : 1),
        };

    private static CountedWorkload Product(string kernel, bool transA, bool transB) => new([kernel], "rows and columns", s_rows,
        Estimates.Product.M, (t, rows) =>
    {
        var s = Estimates.Product with { M = rows, N = rows, TransA = transA, TransB = transB };
        Tensor a = t.Normal(s.A), b = t.Normal(s.B), c = t.Empty(s.C);
        return () => t.Backend.MatMul(s, a, b, c);
    })
    { IsSquare = true };

    private static CountedWorkload Attention(IReadOnlyList<string> kernels, int head, bool isBackward) => new(kernels, "samples", s_images,
        Batch, (t, n) =>
    {
        var s = Estimates.Tokens with { N = n, Heads = Estimates.Tokens.C / head, HeadSize = head };
        bool isRounded = t.Backend.ActivationType == ElementType.BFloat16;
        Tensor qkv = Image(t, s.Qkv, isRounded), y = t.Empty(s.Output, TypeOf(isRounded)), lse = t.Empty(s.LogSumExp);
        if (!isBackward)
            return () => t.Backend.Attention(s, qkv, y, lse);
        Tensor dy = Image(t, s.Output, isRounded), dqkv = t.Empty(s.Qkv, TypeOf(isRounded));
        t.Backend.Attention(s, qkv, y, lse);
        return () => t.Backend.AttentionBackward(s, dy, qkv, y, lse, dqkv);
    });

    /// <summary>ILGPU's products.</summary>
    private static IEnumerable<CountedWorkload> Float32()
    {
        yield return Layer("ConvSharedTileKernel", (b, s, o) => b.Conv2d(s, o.X, o.W, null, o.Y));
        yield return Layer("ConvSharedTileEpilogueKernel",
            (b, s, o) => b.FusedConv2d(s, o.X, o.W, default, new ConvolutionEpilogue(null, Scale: 0.5f), o.Y));
        yield return Layer("ConvSharedTileActivatedKernel",
            (b, s, o) => b.FusedConv2d(s, o.X, o.W, new ConvolutionPrologue(o.Factors, Silu: true), new ConvolutionEpilogue(null), o.Y));
        yield return Layer("WgradSharedTileKernel", (b, s, o) => b.Conv2dWgrad(s, o.X, o.Dy, o.Dw, null));
        yield return Layer("WgradSharedTileActivatedKernel",
            (b, s, o) => b.FusedConv2dWgrad(s, o.X, new ConvolutionPrologue(o.Factors, Silu: true), o.Dy, o.Dw, null));
        yield return Product("MatMulSharedTileKernel", transA: false, transB: false);
        foreach (int d in new[] { 64, 128, 256 })
        {
            yield return Attention([$"AttentionShared{d}Kernel"], d, isBackward: false);
            yield return Attention([$"AttentionSharedQueryGradient{d}Kernel", $"AttentionSharedKeyValueGradient{d}Kernel"], d,
                isBackward: true);
        }
    }

    private sealed record LayerOperands(Tensor X, Tensor W, Tensor Y, Tensor Factors, Tensor Dy, Tensor Dw);

    private static CountedWorkload Layer(string kernel, Action<Backend, Conv2dShape, LayerOperands> run) =>
        new([kernel], "images", s_images,
        Batch, (t, n) =>
    {
        var s = Estimates.Layer with { N = n };
        var o = new LayerOperands(t.Normal(s.Input), t.Normal(s.Weight), t.Empty(s.Output), t.Normal(new(n, 2 * s.C)), t.Normal(s.Output),
            t.Zeros(s.Weight));
        return () => run(t.Backend, s, o);
    });

    /// <summary>What only moves, of activations in either type.</summary>
    private static IEnumerable<CountedWorkload> Passes(bool isRounded)
    {
        string type = isRounded ? "BFloat16" : "";
        CountedWorkload Pass(Func<OperandSource, GroupNormShape, Tensor, Tensor, Action> make, params string[] kernels) =>
            new(kernels, "images", s_images, Batch, (t, n) =>
            {
                var s = new GroupNormShape(n, Estimates.Layer.P * Estimates.Layer.Q, Estimates.Layer.K, Groups, 1e-5f, Silu: false);
                return make(t, s, Image(t, s.Activation, isRounded), t.Empty(s.Activation, TypeOf(isRounded)));
            })
            { IsRounded = isRounded };

        yield return Pass((t, s, x, y) =>
        {
            Tensor gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), stats = t.Empty(s.Stats);
            return () => t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats);
        }, $"GroupNormPartial4{type}Kernel", $"GroupNormApply4{type}Kernel");
        yield return Pass((t, s, x, y) =>
        {
            Tensor gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), stats = t.Empty(s.Stats), dx = t.Empty(x.Shape, x.Type),
                dgamma = t.Zeros(gamma.Shape), dbeta = t.Zeros(beta.Shape);
            t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats);
            return () => t.Backend.GroupNormBackward(s, y, x, stats, gamma, beta, null, dx, dgamma, dbeta, null);
        }, $"GroupNormBackwardPartial4{type}Kernel", $"GroupNormBackwardApply4{type}Kernel");
        yield return Pass((t, s, x, y) =>
        {
            var factors = t.Normal(s.ScaleShift);
            return () => t.Backend.ScaleShift(x, factors, silu: false, y);
        }, $"ScaleShift4{type}Kernel");
        yield return Pass((t, _, x, y) => () => t.Backend.Silu(x, y), $"Silu{type}Kernel");
        yield return Pass((t, s, x, y) =>
        {
            var dy = Image(t, x.Shape, isRounded);
            return () => t.Backend.SiluBackward(dy, x, y);
        }, $"SiluBackward{type}Kernel");
        yield return Pass((t, _, x, y) =>
        {
            var other = Image(t, x.Shape, isRounded);
            return () => t.Backend.LinearCombination([0.5f, 0.5f], [x, other], y);
        }, $"LinearCombination2x4{type}Kernel");
        yield return Pass((t, _, x, _) =>
        {
            var converted = t.Empty(x.Shape, TypeOf(!isRounded));
            return () => t.Backend.Convert(x, converted);
        }, isRounded ? "WidenBFloat16x4Kernel" : "RoundBFloat16x4Kernel");
        // Statistics of attention's gradients, before the kernels of tensor cores.
        yield return Attention([isRounded ? "TensorAttentionRoundedStatisticsKernel" : "TensorAttentionStatisticsKernel"], 256,
            isBackward: true) with
        { Precision = isRounded ? Precision.Bf16 : Precision.Tf32, IsRounded = isRounded };
        if (isRounded)
            yield break;
        yield return Pass((t, s, x, y) =>
        {
            Tensor gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), stats = t.Empty(s.Stats), moments = t.Empty(s.Moments.Moments);
            t.Backend.Moments(s.Moments, x, moments);
            return () => t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats, moments);
        }, "GroupNormMergeMomentsKernel");
        yield return new(["SumOfSquares4Kernel"], "gradients", s_values, Estimates.Parameters, (t, n) =>
        {
            Tensor x = t.Normal(new(n)), y = t.Empty(new(1));
            return () => t.Backend.SumOfSquares(x, y);
        });
        yield return new(["AdamKernel"], "parameters", s_values, Estimates.Parameters, (t, n) =>
        {
            var shape = new Shape(n);
            Tensor p = t.Normal(shape), g = t.Normal(shape), m = t.Normal(shape), v = t.Uniform(shape), ema = t.Normal(shape),
                norm = t.Uniform(new(1));
            return () => t.Backend.Adam(new AdamStep(1e-3f, 1, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm);
        });
        yield return new(["TrajectoryLossKernel"], "images", s_images, Batch, (t, n) =>
        {
            var s = new TrajectoryShape(n, Estimates.Layer.P * Estimates.Layer.Q, 3, 4);
            Tensor x0 = t.Normal(s.State), heads = t.Normal(s.Heads), targets = t.Normal(s.States), skip = t.Normal(s.PerBranch),
                map = t.Normal(s.Map), weights = t.Uniform(s.PerBranch), dheads = t.Empty(s.Heads), losses = t.Empty(s.Losses);
            return () => t.Backend.TrajectoryLoss(s, Distance.L2, 1f, x0, heads, targets, skip, map, weights, dheads, losses);
        });
    }

    private static ElementType TypeOf(bool isRounded) => isRounded ? ElementType.BFloat16 : ElementType.Float32;

    private static Tensor Image(OperandSource t, Shape shape, bool isRounded)
    {
        var x = t.Normal(shape);
        if (!isRounded)
            return x;
        var rounded = t.Empty(shape, ElementType.BFloat16);
        t.Backend.Convert(x, rounded);
        return rounded;
    }
}
