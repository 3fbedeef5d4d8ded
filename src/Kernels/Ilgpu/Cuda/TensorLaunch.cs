using BDense.Kernels.Ilgpu.Cuda;
using BDense.Kernels.Ilgpu.Tuning;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private Precision _precision;

    /// <summary>What convolutions, matrix products and attention multiply in; float32 unless set.</summary>
    /// <exception cref="BDenseException">The device does not have it.</exception>
    public Precision Precision
    {
        get => _precision;
        set
        {
            ConvolutionPlan.Require(value, _accelerator, Name);
            _precision = value;
        }
    }

    private readonly HashSet<(string Operation, int From, int To)> _noticed = [];

    /// <summary>Says once for each operation and its channels (of a product: the sum's length and the columns) that another precision than the one asked for is used.</summary>
    internal void NoticePrecision(string operation, int from, int to, Precision got)
    {
        if (got != Precision && OnNotice is { } notice && _noticed.Add((operation, from, to)))
            notice(ConvolutionPlan.Fall(Precision, got, operation, from, to));
    }

    /// <summary>Forward on tensor cores: true if it was done, false where the shape or the precision asks for the ordinary kernels.</summary>
    private bool TensorConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue p, in ConvolutionEpilogue e, Tensor y)
    {
        var precision = ConvolutionPlan.Choose(Precision, s.C, s.K, IsAligned(x, w, y, p.ScaleShift, e.Embedding, e.Residual));
        NoticePrecision("convolution", s.C, s.K, precision);
        if (precision == Precision.Fp32)
            return false;
        var g = TensorConvolution.Forward(s);
        if (p.ScaleShift is { } factors)
            g.Prologue = TensorActivationFactors.Of(Address(factors), s.C, p.Silu);
        TensorGemm(precision, g, x, w, e, y);
        return true;
    }

    /// <summary>dgrad on tensor cores: the same sum with the weights' two channel axes exchanged.</summary>
    private bool TensorDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        var precision = ConvolutionPlan.Choose(Precision, s.K, s.C, Aligned(dy) && Aligned(dx));
        NoticePrecision("dgrad", s.K, s.C, precision);
        if (precision == Precision.Fp32)
            return false;
        using var crsk = Empty(new Shape(s.C, s.R, s.S, s.K));
        Launch(ExchangeChannelsKernel, w.Length, View(w), s.K, s.R * s.S, s.C, View(crsk));
        TensorGemm(precision, TensorConvolution.Dgrad(s), dy, crsk, new ConvolutionEpilogue(null), dx);
        return true;
    }

    private void TensorGemm(Precision precision, TensorConvolution g, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        using Tensor? shortX = precision == Precision.Bf16 && !g.IsActivated ? ToBFloat16(x) : null, shortW = precision == Precision.Bf16 ? ToBFloat16(w) : null;
        if (precision == Precision.Bf16)
            g.SourceBytes /= 2;
        (g.X, g.W, g.Y) = (Address(shortX ?? x), Address(shortW ?? w), Address(y));
        g.Embedding = e.Embedding is null ? 0 : Address(e.Embedding);
        g.Residual = e.Residual is null ? 0 : Address(e.Residual);
        (g.HasBias, g.Silu, g.Scale) = (e.Bias is null ? 0 : 1, e.Silu ? 1 : 0, e.Scale);
        var (start, p) = (View(e.Bias ?? w), g.Problem);
        var key = new TuningKey(g.IsActivated ? "activated" : g.IsTransposed == 0 ? "forward" : "dgrad", precision, p.M, p.N, p.Steps, g.Rows * g.Columns, g.Stride);
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

    private static Action<TensorConvolution, ArrayView<float>> ConvolutionKernel(TensorTileName tile, Precision precision) => (tile, precision) switch
    {
        (TensorTileName.T128x256, Precision.Tf32) => TensorConv128x256Tf32Kernel,
        (TensorTileName.T128x256, _) => TensorConv128x256Bf16Kernel,
        (TensorTileName.T128x128, Precision.Tf32) => TensorConv128x128Tf32Kernel,
        (TensorTileName.T128x128, _) => TensorConv128x128Bf16Kernel,
        (TensorTileName.T128x128x4, Precision.Tf32) => TensorConv128x128x4Tf32Kernel,
        (TensorTileName.T128x128x4, _) => TensorConv128x128x4Bf16Kernel,
        (TensorTileName.T128x64, Precision.Tf32) => TensorConv128x64Tf32Kernel,
        (TensorTileName.T128x64, _) => TensorConv128x64Bf16Kernel,
        (TensorTileName.T64x128, Precision.Tf32) => TensorConv64x128Tf32Kernel,
        (TensorTileName.T64x128, _) => TensorConv64x128Bf16Kernel,
        (TensorTileName.T64x64, Precision.Tf32) => TensorConv64x64Tf32Kernel,
        (TensorTileName.T64x64, _) => TensorConv64x64Bf16Kernel,
        (TensorTileName.T128x32, Precision.Tf32) => TensorConv128x32Tf32Kernel,
        _ => TensorConv128x32Bf16Kernel,
    };

    private static Action<TensorConvolution, ArrayView<float>> ActivatedKernel(TensorTileName tile, Precision precision) => (tile, precision) switch
    {
        (TensorTileName.T128x128, Precision.Tf32) => TensorConvActivated128x128Tf32Kernel,
        (TensorTileName.T128x128, _) => TensorConvActivated128x128Bf16Kernel,
        (TensorTileName.T64x64, Precision.Tf32) => TensorConvActivated64x64Tf32Kernel,
        (TensorTileName.T64x64, _) => TensorConvActivated64x64Bf16Kernel,
        (TensorTileName.T128x32, Precision.Tf32) => TensorConvActivated128x32Tf32Kernel,
        (TensorTileName.T128x32, _) => TensorConvActivated128x32Bf16Kernel,
        _ => throw new InvalidOperationException($"{tile} has no prologue"),
    };

    /// <summary>wgrad on tensor cores, the sum over the pixels in slices; the bias is not its business.</summary>
    private bool TensorWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw)
    {
        var precision = ConvolutionPlan.ChooseWgrad(Precision, s.C, s.K, IsAligned(x, prologue.ScaleShift, dy, dw));
        NoticePrecision("wgrad", s.C, s.K, precision);
        if (precision == Precision.Fp32 || s.N == 0)
            return precision != Precision.Fp32;
        bool bf16 = precision == Precision.Bf16;
        using Tensor? shortX = bf16 && prologue.ScaleShift is null ? ToBFloat16(x) : null, shortDy = bf16 ? ToBFloat16(dy) : null;
        var g = Ilgpu.TensorWgrad.Of(s, bf16 ? 2 : 4);
        (g.X, g.Dy) = (Address(shortX ?? x), Address(shortDy ?? dy));
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
        using var partial = Empty(new Shape(choice.Slices, dw.Length));
        g.Partial = Address(partial);
        g.StepsPerSlice = (g.Problem.Steps + choice.Slices - 1) / choice.Slices;
        var tile = TensorPlan.Find(choice.Tile);
        int tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        LaunchGroups(g.IsActivated ? ActivatedWgradKernel(choice.Tile, precision) : WgradKernel(choice.Tile, precision), Threads((long)tiles * choice.Slices), g, tiles);
        Launch(SumSlicesKernel, dw.Length / 4, View4(partial), choice.Slices, View4(dw));
    }

    private static Action<TensorWgrad, int> WgradKernel(TensorTileName tile, Precision precision) => (tile, precision) switch
    {
        (TensorTileName.T128x128, Precision.Tf32) => TensorWgrad128x128Tf32Kernel,
        (TensorTileName.T128x128, _) => TensorWgrad128x128Bf16Kernel,
        (TensorTileName.T128x128x4, Precision.Tf32) => TensorWgrad128x128x4Tf32Kernel,
        (TensorTileName.T128x128x4, _) => TensorWgrad128x128x4Bf16Kernel,
        (TensorTileName.T64x128, Precision.Tf32) => TensorWgrad64x128Tf32Kernel,
        (TensorTileName.T64x128, _) => TensorWgrad64x128Bf16Kernel,
        (_, Precision.Tf32) => TensorWgrad64x64Tf32Kernel,
        _ => TensorWgrad64x64Bf16Kernel,
    };

    private static Action<TensorWgrad, int> ActivatedWgradKernel(TensorTileName tile, Precision precision) => (tile, precision) switch
    {
        (TensorTileName.T128x128, Precision.Tf32) => TensorWgradActivated128x128Tf32Kernel,
        (TensorTileName.T128x128, _) => TensorWgradActivated128x128Bf16Kernel,
        (TensorTileName.T64x64, Precision.Tf32) => TensorWgradActivated64x64Tf32Kernel,
        (TensorTileName.T64x64, _) => TensorWgradActivated64x64Bf16Kernel,
        _ => throw new InvalidOperationException($"{tile} has no wgrad with a prologue"),
    };

    private static long Address(Tensor x) => ((DeviceStorage)x.Storage).Buffer.NativePtr + 4L * x.Offset;

    /// <summary>x in BF16, two values in the place of a float; x's length is even.</summary>
    /// <remarks>
    /// A pass of its own, and not a conversion while a tile is loaded: a 3x3 convolution reads every pixel nine times for each tile of
    /// columns. At 256 channels and tiles of 128 that is 36 bytes an element from the L2 cache in BF16 and 72 in float32, against 6
    /// that this pass moves once; and a tile that is loaded through registers cannot use cp.async. A 1x1 convolution would gain
    /// (8 bytes against 4 + 6), but it is a small part of a network's products.
    /// </remarks>
    private Tensor ToBFloat16(Tensor x)
    {
        var y = Empty(new Shape(x.Length / 2));
        Launch(ToBFloat16Kernel, y.Length, View(x).Cast<Float2>(), View(y));
        return y;
    }

    /// <summary>y[i] = x[2i], x[2i+1] in BF16, the first in the lower half. One thread a pair; 8 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ToBFloat16Kernel(Index1D i, ArrayView<Float2> x, ArrayView<float> y)
    {
        var pair = x[i];
        y[i] = Interop.IntAsFloat(RoundBFloat16(pair.X) | RoundBFloat16(pair.Y) << 16);
    }

    /// <summary>To nearest, ties to even; NaN stays NaN.</summary>
    internal static uint RoundBFloat16(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        return (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFF : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }

    /// <summary>y[c,t,k] = x[k,t,c]: weights for dgrad. One thread an element, written in order; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ExchangeChannelsKernel(Index1D i, ArrayView<float> x, int outer, int taps, int inner, ArrayView<float> y)
    {
        int rest = i / outer;
        int k = i - rest * outer;
        int c = rest / taps;
        int t = rest - c * taps;
        y[i] = x[(k * taps + t) * inner + c];
    }
}
