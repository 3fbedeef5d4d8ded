using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// How a convolution's window is filled from x: scale, shift and SiLU, and the means of 2x2 blocks, on the way
/// (<see cref="ConvolutionPrologue"/>). Nothing is set: x is copied.
/// </summary>
internal unsafe struct ConvolutionInput
{
    /// <summary>C scales, then C shifts, of each image; or null.</summary>
    public float* ScaleShift;

    public bool Silu, Halve;

    /// <summary>Of the images as the convolution sees them.</summary>
    public int H, W, C;

    /// <summary>Whether x is not simply copied.</summary>
    public readonly bool Any => ScaleShift != null || Halve;

    /// <summary>Floats of an image of x.</summary>
    public readonly long ImageFloats => (Halve ? 4L : 1L) * H * W * C;

    /// <summary>The same from image <paramref name="n"/> on.</summary>
    public readonly ConvolutionInput From(int n)
    {
        var from = this;
        if (ScaleShift != null)
            from.ScaleShift += (long)n * 2 * C;
        return from;
    }

    /// <summary>
    /// Pixels (h, w0 ..) of image n, inside the image, to <paramref name="target"/>, <paramref name="pitch"/> floats apart with zeros
    /// behind the channels.
    /// </summary>
    public readonly void Load(float* x, int n, int h, int w0, int count, float* target, int pitch) =>
        Load(x, n, h, w0, count, target, pitch, 0, C);

    /// <summary>The same of <paramref name="channels"/> channels from <paramref name="first"/> on.</summary>
    public readonly void Load(float* x, int n, int h, int w0, int count, float* target, int pitch, int first, int channels)
    {
        float* scale = ScaleShift == null ? null : ScaleShift + ((long)n * 2 * C) + first;
        float* image = x + (n * ImageFloats) + first;
        if (!Halve)
        {
            float* source = image + ((((long)h * W) + w0) * C);
            if (Silu)
                ScaleShiftPixels<ScaledSilu>(source, C, target, pitch, count, channels, scale, scale + C);
            else
                ScaleShiftPixels<Scaled>(source, C, target, pitch, count, channels, scale, scale + C);
        }
        else
        {
            float* top = image + ((((4L * h) * W) + (2 * w0)) * C);
            if (scale == null)
                Halved<Unchanged>(top, target, pitch, count, channels, null);
            else if (Silu)
                Halved<ScaledSilu>(top, target, pitch, count, channels, scale);
            else
                Halved<Scaled>(top, target, pitch, count, channels, scale);
        }
        for (int i = 0; i < count && pitch > channels; i++)
            new Span<float>(target + ((long)i * pitch) + channels, pitch - channels).Clear();
    }

    /// <summary>target[i,c] = act(scale[c] x[i,c] + shift[c]): down the channels' columns, so that the factors stay in registers.</summary>
    public static void ScaleShiftPixels<TActivation>(float* x, float* target, int pitch, int pixels, int channels, float* scale)
        where TActivation : struct, IActivation =>
            ScaleShiftPixels<TActivation>(x, channels, target, pitch, pixels, channels, scale, scale + channels);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaleShiftPixels<TActivation>(float* x, int stride, float* target, int pitch, int pixels, int channels,
        float* scale, float* shift)
        where TActivation : struct, IActivation
    {
        int lanes = Vector<float>.Count, c = 0;
        for (; c <= channels - lanes; c += lanes)
        {
            Vector<float> a = Vector.Load(scale + c), b = Vector.Load(shift + c);
            float* from = x + c, to = target + c;
            for (int i = 0; i < pixels; i++, from += stride, to += pitch)
                TActivation.Of(Vector.Load(from), a, b).Store(to);
        }
        if (c == channels)
            return;
        int rest = channels - c;
        Vector<float> lastA = Simd.Load(scale + c, rest), lastB = Simd.Load(shift + c, rest);
        for (int i = 0; i < pixels; i++)
            Simd.Store(TActivation.Of(Simd.Load(x + ((long)i * stride) + c, rest), lastA, lastB), target + ((long)i * pitch) + c, rest);
    }

    /// <summary>The mean of four pixels, each through its activation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Halved<TActivation>(float* top, float* target, int pitch, int pixels, int channels, float* scale)
        where TActivation : struct, IActivation
    {
        int lanes = Vector<float>.Count, stride = C, c = 0;
        float* bottom = top + (2L * W * stride);
        var quarter = new Vector<float>(0.25f);
        for (; c <= channels - lanes; c += lanes)
        {
            Vector<float> a = scale == null ? default : Vector.Load(scale + c), b = scale == null ? default
                : Vector.Load(scale + stride + c);
            float* t = top + c, u = bottom + c, to = target + c;
            for (int i = 0; i < pixels; i++, t += 2 * stride, u += 2 * stride, to += pitch)
            {
                var sum = TActivation.Of(Vector.Load(t), a, b) + TActivation.Of(Vector.Load(t + stride), a, b)
                    + (TActivation.Of(Vector.Load(u), a, b) + TActivation.Of(Vector.Load(u + stride), a, b));
                (sum * quarter).Store(to);
            }
        }
        if (c == channels)
            return;
        int rest = channels - c;
        Vector<float> lastA = scale == null ? default : Simd.Load(scale + c, rest), lastB = scale == null ? default
            : Simd.Load(scale + stride + c, rest);
        for (int i = 0; i < pixels; i++)
        {
            float* t = top + (2L * i * stride) + c, u = bottom + (2L * i * stride) + c;
            var sum = TActivation.Of(Simd.Load(t, rest), lastA, lastB) + TActivation.Of(Simd.Load(t + stride, rest), lastA, lastB)
                + (TActivation.Of(Simd.Load(u, rest), lastA, lastB) + TActivation.Of(Simd.Load(u + stride, rest), lastA, lastB));
            Simd.Store(sum * quarter, target + ((long)i * pitch) + c, rest);
        }
    }
}

/// <summary>What scale and shift are followed by, known at compile time.</summary>
internal interface IActivation
{
    static abstract Vector<float> Of(Vector<float> x, Vector<float> scale, Vector<float> shift);
}

/// <summary>silu(scale x + shift)</summary>
internal readonly struct ScaledSilu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Of(Vector<float> x, Vector<float> scale, Vector<float> shift) =>
        Simd.Silu(Vector.MultiplyAddEstimate(x, scale, shift));
}

/// <summary>scale x + shift</summary>
internal readonly struct Scaled : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Of(Vector<float> x, Vector<float> scale, Vector<float> shift) =>
        Vector.MultiplyAddEstimate(x, scale, shift);
}

/// <summary>x</summary>
internal readonly struct Unchanged : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Of(Vector<float> x, Vector<float> scale, Vector<float> shift) => x;
}
