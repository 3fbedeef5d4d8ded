using BDense.Kernels.Ilgpu.Convolution;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>What is multiplied on tensor cores, as their kernels copy it: whole pieces of 16 bytes, in BF16 rounded.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>
    /// x as the kernels of a precision copy it, in a tensor of its own: padded, and for BF16 rounded; null where it is so already, as BF16
    /// activations of whole pieces are.
    /// </summary>
    internal Tensor? Factors(Precision precision, Tensor x, int channels)
    {
        int padded = ConvolutionPlan.Padded(precision, channels);
        bool isRounded = x.Type == ElementType.BFloat16;
        if (padded == channels && (precision == Precision.Tf32 || isRounded))
            return null;
        var y = Empty(new Shape(x.Length / channels, precision == Precision.Bf16 ? padded / 2 : padded));
        if (isRounded)
            Launch(PadRoundedKernel, y.Length, Bits(x), channels, padded / 2, View(y));
        else
            FillFactors(precision, x, channels, y);
        return y;
    }

    private void FillFactors(Precision precision, Tensor x, int channels, Tensor y)
    {
        int padded = ConvolutionPlan.Padded(precision, channels);
        if (precision != Precision.Bf16)
            Launch(PadChannelsKernel, y.Length, View(x), channels, padded, View(y));
        else if (padded == channels)
            Launch(ToBFloat16Kernel, y.Length / 4, View4(x), View4(y));
        else
            Launch(PadBFloat16Kernel, y.Length, View(x), channels, padded / 2, View(y));
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

    /// <summary>The same of a source in BF16.</summary>
    [Kernel]
    internal static void PadRoundedKernel(Index1D i, ArrayView<ushort> x, int channels, int pairs, ArrayView<float> y)
    {
        int p = i / pairs, c = 2 * (i - p * pairs);
        uint low = c < channels ? (uint)x[p * channels + c] : 0u, high = c + 1 < channels ? (uint)x[p * channels + c + 1] : 0u;
        y[i] = Interop.IntAsFloat(low | high << 16);
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
        Exchange(precision, w, s.K, s.R * s.S, s.C, y);
        return y;
    }

    private void Exchange(Precision precision, Tensor w, int outer, int taps, int inner, Tensor y)
    {
        int padded = ConvolutionPlan.Padded(precision, outer);
        if (precision == Precision.Bf16)
            Launch(ExchangeBFloat16Kernel, y.Length, View(w), outer, padded / 2, taps, inner, View(y));
        else
            Launch(ExchangeChannelsKernel, y.Length, View(w), outer, padded, taps, inner, View(y));
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
