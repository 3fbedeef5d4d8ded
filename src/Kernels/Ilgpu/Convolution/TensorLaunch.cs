using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private Precision _precision;

    /// <summary>
    /// What convolutions, matrix products and attention multiply in; float32 unless set. With BF16 activations are BF16 in memory, too
    /// (<see cref="Backend.ActivationType"/>).
    /// </summary>
    /// <exception cref="BDenseException">The device does not have it.</exception>
    public Precision Precision
    {
        get => _precision;
        set
        {
            ConvolutionPlan.Require(value, _accelerator, Name);
            _precision = value;
            ActivationType = value == Precision.Bf16 ? ElementType.BFloat16 : ElementType.Float32;
        }
    }

    private readonly HashSet<(string Operation, int From, int To)> _noticed = [];

    /// <summary>
    /// Says once for each operation and its channels (of a product: the sum's length and the columns) that another precision than the one
    /// asked for is used.
    /// </summary>
    internal void NoticePrecision(string operation, int from, int to, Precision got)
    {
        if (got != Precision && OnNotice is { } notice && _noticed.Add((operation, from, to)))
            notice(ConvolutionPlan.Fall(Precision, got, operation, from, to));
    }

    /// <summary>The same for attention, by heads and tokens.</summary>
    private void NoticePrecision(in AttentionShape s, Precision got, bool backward)
    {
        string operation = backward ? "attention's gradient" : "attention";
        if (got != Precision && OnNotice is { } notice && _noticed.Add((operation, s.HeadSize, s.Tokens)))
            notice(AttentionPlan.Fall(Precision, got, operation, s, backward, SharedLimit));
    }

    /// <summary>
    /// Forward on tensor cores: true if it was done, false where the shape or the precision asks for the ordinary kernels.
    /// </summary>
    private bool TensorConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue p, in ConvolutionEpilogue e, Tensor y)
    {
        bool aligned = AreAligned(x, w, y, p.ScaleShift, e.Embedding, e.Residual);
        var precision = p.ScaleShift is null ? ConvolutionPlan.Choose(Precision, aligned)
            : ConvolutionPlan.Choose(Precision, s.C, s.K, aligned);
        NoticePrecision("convolution", s.C, s.K, precision);
        if (precision == Precision.Fp32)
            return false;
        var g = TensorConvolution.Of(ImagePass.Forward(s));
        if (p.ScaleShift is { } factors)
            g.Prologue = TensorActivationFactors.Of(Address(factors), s.C, p.Silu);
        using var weights = Factors(precision, w, s.C);
        TensorGemm(precision, g, s.C, x, weights ?? w, e, y);
        return true;
    }

    /// <summary>dgrad on tensor cores: the same sum with the weights' two channel axes exchanged.</summary>
    private bool TensorDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        var precision = ConvolutionPlan.Choose(Precision, AreAligned(dy, dx));
        NoticePrecision("dgrad", s.K, s.C, precision);
        if (precision == Precision.Fp32)
            return false;
        using var crsk = Exchanged(precision, s, w);
        TensorGemm(precision, TensorConvolution.Of(ImagePass.Dgrad(s)), s.K, dy, crsk, new ConvolutionEpilogue(null), dx);
        return true;
    }

    /// <param name="precision">Of the products.</param>
    /// <param name="g">All but the addresses.</param>
    /// <param name="channels">Of x.</param>
    /// <param name="x">Source.</param>
    /// <param name="w">Weights as the kernels copy them (<see cref="Factors"/>).</param>
    /// <param name="e">What is around.</param>
    /// <param name="y">Result.</param>
    private void TensorGemm(Precision precision, TensorConvolution g, int channels, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        using var factorX = g.IsActivated ? null : Factors(precision, x, channels);
        g.SourceBytes = ConvolutionPlan.Padded(precision, channels) * (precision == Precision.Bf16 ? 2 : 4);
        (g.X, g.W, g.Y) = (Address(factorX ?? x), Address(w), Address(y));
        g.Embedding = e.Embedding is null ? 0 : Address(e.Embedding);
        g.Residual = e.Residual is null ? 0 : Address(e.Residual);
        (g.HasBias, g.Silu, g.Scale) = (e.Bias is null ? 0 : 1, e.Silu ? 1 : 0, e.Scale);
        var (start, p) = (View(e.Bias ?? w), g.Problem);
        var key = new TuningKey(g.IsActivated ? "activated" : g.IsTransposed == 0 ? "forward" : "dgrad", precision, p.M, p.N, p.Steps,
            g.Rows * g.Columns, g.Stride);
        if (!IsDecided(key, out var choice))
            choice = DecideConvolution(key, g, start);
        LaunchConvolution(choice, precision, g, start);
    }

    private TensorChoice DecideConvolution(in TuningKey key, TensorConvolution g, ArrayView<float> bias)
    {
        var (p, precision) = (g.Problem, key.Precision);
        // The result is overwritten: a trial leaves nothing behind.
        return Decide(key, [.. TensorPlan.Candidates(p, SharedLimit)], TensorPlan.Choose(p, _accelerator.NumMultiprocessors, SharedLimit),
            choice => LaunchConvolution(choice, precision, g, bias));
    }

    private void LaunchConvolution(TensorChoice choice, Precision precision, in TensorConvolution g, ArrayView<float> bias)
    {
        var tile = TensorPlan.Find(choice.Tile);
        int groups = Threads((long)((g.Pixels + tile.Rows - 1) / tile.Rows) * ((g.Channels + tile.Columns - 1) / tile.Columns));
        LaunchGroups(g.IsActivated ? ActivatedKernel(choice.Tile, precision) : ConvolutionKernel(choice.Tile, precision), groups, g, bias);
    }

    private static Action<TensorConvolution, ArrayView<float>> ConvolutionKernel(TileName tile, Precision precision) =>
        (tile, precision) switch
        {
            (TileName.T128x256, Precision.Tf32) => TensorConv128x256Tf32Kernel,
            (TileName.T128x256, _) => TensorConv128x256Bf16Kernel,
            (TileName.T128x128, Precision.Tf32) => TensorConv128x128Tf32Kernel,
            (TileName.T128x128, _) => TensorConv128x128Bf16Kernel,
            (TileName.T128x128x4, Precision.Tf32) => TensorConv128x128x4Tf32Kernel,
            (TileName.T128x128x4, _) => TensorConv128x128x4Bf16Kernel,
            (TileName.T128x64, Precision.Tf32) => TensorConv128x64Tf32Kernel,
            (TileName.T128x64, _) => TensorConv128x64Bf16Kernel,
            (TileName.T64x128, Precision.Tf32) => TensorConv64x128Tf32Kernel,
            (TileName.T64x128, _) => TensorConv64x128Bf16Kernel,
            (TileName.T64x64, Precision.Tf32) => TensorConv64x64Tf32Kernel,
            (TileName.T64x64, _) => TensorConv64x64Bf16Kernel,
            (TileName.T128x32, Precision.Tf32) => TensorConv128x32Tf32Kernel,
            _ => TensorConv128x32Bf16Kernel,
        };

    private static Action<TensorConvolution, ArrayView<float>> ActivatedKernel(TileName tile, Precision precision) =>
        (tile, precision) switch
        {
            (TileName.T128x128, Precision.Tf32) => TensorConvActivated128x128Tf32Kernel,
            (TileName.T128x128, _) => TensorConvActivated128x128Bf16Kernel,
            (TileName.T64x64, Precision.Tf32) => TensorConvActivated64x64Tf32Kernel,
            (TileName.T64x64, _) => TensorConvActivated64x64Bf16Kernel,
            (TileName.T128x32, Precision.Tf32) => TensorConvActivated128x32Tf32Kernel,
            (TileName.T128x32, _) => TensorConvActivated128x32Bf16Kernel,
            _ => throw new InvalidOperationException($"{tile} has no prologue"),
        };

    /// <summary>wgrad on tensor cores, the sum over the pixels in slices; the bias is not its business.</summary>
    private bool TensorWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw)
    {
        bool aligned = AreAligned(x, prologue.ScaleShift, dy, dw);
        var precision = prologue.ScaleShift is null ? ConvolutionPlan.Choose(Precision, aligned)
            : ConvolutionPlan.ChooseWgrad(Precision, s.C, s.K, aligned);
        NoticePrecision("wgrad", s.C, s.K, precision);
        if (precision == Precision.Fp32 || s.N == 0)
            return precision != Precision.Fp32;
        using Tensor? factorX = prologue.ScaleShift is null ? Factors(precision, x, s.C) : null, factorDy = Factors(precision, dy, s.K);
        var g = Ilgpu.TensorWgrad.Of(s, precision == Precision.Bf16 ? 2 : 4);
        (g.X, g.Dy) = (Address(factorX ?? x), Address(factorDy ?? dy));
        if (prologue.ScaleShift is { } factors)
            g.Prologue = TensorActivationFactors.Of(Address(factors), s.C, prologue.Silu);
        var p = g.Problem;
        var key = new TuningKey(g.IsActivated ? "activated wgrad" : "wgrad", precision, p.M, p.N, p.Steps, s.R * s.S, s.Stride);
        if (!IsDecided(key, out var choice))
            choice = DecideWgrad(key, g, dw.Shape);
        LaunchWgrad(choice, precision, g, dw);
        return true;
    }

    private TensorChoice DecideWgrad(in TuningKey key, TensorWgrad g, Shape weights)
    {
        var (p, precision) = (g.Problem, key.Precision);
        // dw is added to: trials add to scratch memory.
        using var scratch = _tuner is null ? Empty(new Shape(0)) : Zeros(weights);
        return Decide(key, [.. TensorPlan.Candidates(p, SharedLimit)], TensorPlan.Choose(p, _accelerator.NumMultiprocessors, SharedLimit),
            choice => LaunchWgrad(choice, precision, g, scratch));
    }

    /// <summary>Slices into scratch memory, then their sum in a fixed order.</summary>
    private void LaunchWgrad(TensorChoice choice, Precision precision, TensorWgrad g, Tensor dw)
    {
        using var partial = Empty(new Shape(choice.Slices, g.Outputs, g.Columns));
        g.Partial = Address(partial);
        g.StepsPerSlice = (g.Problem.Steps + choice.Slices - 1) / choice.Slices;
        var tile = TensorPlan.Find(choice.Tile);
        int tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        LaunchGroups(g.IsActivated ? ActivatedWgradKernel(choice.Tile, precision) : WgradKernel(choice.Tile, precision),
            Threads((long)tiles * choice.Slices), g, tiles);
        SumSlices(partial, choice.Slices, g.SourceBytes * g.Depth / TensorTile.StepBytes, dw);
    }

    /// <summary>dw += the slices, in order; they have <paramref name="channels"/> where dw may have fewer.</summary>
    internal void SumSlices(Tensor partial, int slices, int channels, Tensor dw)
    {
        if (partial.Length == slices * dw.Length)
            Launch(SumSlicesKernel, dw.Length / 4, View4(partial), slices, View4(dw));
        else
            Launch(SumPaddedSlicesKernel, dw.Length, View(partial), slices, dw.Shape[dw.Shape.Rank - 1], channels,
                partial.Length / slices, View(dw));
    }

    private static Action<TensorWgrad, int> WgradKernel(TileName tile, Precision precision) => (tile, precision) switch
    {
        (TileName.T128x128, Precision.Tf32) => TensorWgrad128x128Tf32Kernel,
        (TileName.T128x128, _) => TensorWgrad128x128Bf16Kernel,
        (TileName.T128x128x4, Precision.Tf32) => TensorWgrad128x128x4Tf32Kernel,
        (TileName.T128x128x4, _) => TensorWgrad128x128x4Bf16Kernel,
        (TileName.T64x128, Precision.Tf32) => TensorWgrad64x128Tf32Kernel,
        (TileName.T64x128, _) => TensorWgrad64x128Bf16Kernel,
        (_, Precision.Tf32) => TensorWgrad64x64Tf32Kernel,
        _ => TensorWgrad64x64Bf16Kernel,
    };

    private static Action<TensorWgrad, int> ActivatedWgradKernel(TileName tile, Precision precision) => (tile, precision) switch
    {
        (TileName.T128x128, Precision.Tf32) => TensorWgradActivated128x128Tf32Kernel,
        (TileName.T128x128, _) => TensorWgradActivated128x128Bf16Kernel,
        (TileName.T64x64, Precision.Tf32) => TensorWgradActivated64x64Tf32Kernel,
        (TileName.T64x64, _) => TensorWgradActivated64x64Bf16Kernel,
        _ => throw new InvalidOperationException($"{tile} has no wgrad with a prologue"),
    };

    private static long Address(Tensor x) => ((DeviceStorage)x.Storage).Buffer.NativePtr + 4L * x.Offset;

    /// <summary>
    /// x as the kernels of a precision copy it, in a tensor of its own: padded, and for BF16 rounded; null where it is so already.
    /// </summary>
    internal Tensor? Factors(Precision precision, Tensor x, int channels)
    {
        int padded = ConvolutionPlan.Padded(precision, channels);
        if (padded == channels)
            return precision == Precision.Bf16 ? ToBFloat16(x) : null;
        var y = Empty(new Shape(x.Length / channels, precision == Precision.Bf16 ? padded / 2 : padded));
        if (precision == Precision.Bf16)
            Launch(PadBFloat16Kernel, y.Length, View(x), channels, padded / 2, View(y));
        else
            Launch(PadChannelsKernel, y.Length, View(x), channels, padded, View(y));
        return y;
    }

    /// <summary>x in BF16, two values in the place of a float; 8 divides x's length.</summary>
    /// <remarks>
    /// A pass of its own, and not a conversion while a tile is loaded: a 3x3 convolution reads every pixel nine times for each tile of
    /// columns. At 256 channels and tiles of 128 that is 36 bytes an element from the L2 cache in BF16 and 72 in float32, against 6
    /// that this pass moves once; and a tile that is loaded through registers cannot use cp.async. A 1x1 convolution would gain
    /// (8 bytes against 4 + 6), but it is a small part of a network's products.
    /// </remarks>
    private Tensor ToBFloat16(Tensor x)
    {
        var y = Empty(new Shape(x.Length / 2));
        Launch(ToBFloat16Kernel, y.Length / 4, View4(x), View4(y));
        return y;
    }

    /// <summary>y = x in BF16, the earlier of two values in the lower half. One thread eight values; 32 bytes read, 16 written.</summary>
    [Kernel]
    internal static void ToBFloat16Kernel(Index1D i, ArrayView<Float4> x, ArrayView<Float4> y)
    {
        var (a, b) = (x[2 * i], x[2 * i + 1]);
        y[i] = new Float4(PairBFloat16(a.X, a.Y), PairBFloat16(a.Z, a.W), PairBFloat16(b.X, b.Y), PairBFloat16(b.Z, b.W));
    }

    /// <summary>y[p,c] = x[p,c], 0 behind the last channel. One thread an element of y; 4 bytes written and up to 4 read.</summary>
    [Kernel]
    internal static void PadChannelsKernel(Index1D i, ArrayView<float> x, int channels, int padded, ArrayView<float> y)
    {
        int p = i / padded, c = i - p * padded;
        y[i] = c < channels ? x[p * channels + c] : 0f;
    }

    /// <summary>The same in BF16, two channels a thread; <paramref name="pairs"/> of a row of y.</summary>
    [Kernel]
    internal static void PadBFloat16Kernel(Index1D i, ArrayView<float> x, int channels, int pairs, ArrayView<float> y)
    {
        int p = i / pairs, c = 2 * (i - p * pairs);
        y[i] = PairBFloat16(c < channels ? x[p * channels + c] : 0f, c + 1 < channels ? x[p * channels + c + 1] : 0f);
    }

    private static float PairBFloat16(float low, float high) => Interop.IntAsFloat(RoundBFloat16(low) | RoundBFloat16(high) << 16);

    /// <summary>To nearest, ties to even; NaN stays NaN.</summary>
    internal static uint RoundBFloat16(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        return (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFF : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }

    /// <summary>Weights [K, R, S, C] as dgrad's kernels copy them: [C, R, S, K], padded and rounded, in one pass.</summary>
    internal Tensor Exchanged(Precision precision, in Conv2dShape s, Tensor w)
    {
        int padded = ConvolutionPlan.Padded(precision, s.K);
        var y = Empty(new Shape(s.C, s.R, s.S, precision == Precision.Bf16 ? padded / 2 : padded));
        if (precision == Precision.Bf16)
            Launch(ExchangeBFloat16Kernel, y.Length, View(w), s.K, padded / 2, s.R * s.S, s.C, View(y));
        else
            Launch(ExchangeChannelsKernel, y.Length, View(w), s.K, padded, s.R * s.S, s.C, View(y));
        return y;
    }

    /// <summary>y[c,t,k] = x[k,t,c], 0 behind the last k. One thread an element, written in order; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ExchangeChannelsKernel(Index1D i, ArrayView<float> x, int outer, int padded, int taps, int inner,
        ArrayView<float> y)
    {
        int rest = i / padded, k = i - rest * padded, c = rest / taps, t = rest - c * taps;
        y[i] = k < outer ? x[(k * taps + t) * inner + c] : 0f;
    }

    /// <summary>The same in BF16, two k a thread; <paramref name="pairs"/> of a row of y.</summary>
    [Kernel]
    internal static void ExchangeBFloat16Kernel(Index1D i, ArrayView<float> x, int outer, int pairs, int taps, int inner,
        ArrayView<float> y)
    {
        int rest = i / pairs, k = 2 * (i - rest * pairs), c = rest / taps, t = rest - c * taps;
        int at = (k * taps + t) * inner + c;
        y[i] = PairBFloat16(k < outer ? x[at] : 0f, k + 1 < outer ? x[at + taps * inner] : 0f);
    }
}
