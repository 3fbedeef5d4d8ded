using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y)
    {
        if (x.Length == 0)
            return;
        int n = scaleShift.Shape[0], channels = scaleShift.Shape[1] / 2, sample = x.Length / n;
        if (x.Type == ElementType.BFloat16)
        {
            using var factors = Aligned(scaleShift) ? scaleShift.Share() : Empty(scaleShift.Shape);
            if (!Aligned(scaleShift))
                LinearCombinationCore([1f], [scaleShift], factors);
            Launch(ScaleShift4BFloat16Kernel, x.Length / 4, Bits4(x), View4(factors), sample / 4, channels / 4, silu ? 1 : 0, Bits4(y));
        }
        else if (channels % 4 == 0 && AreAligned(x, scaleShift, y))
            Launch(ScaleShift4Kernel, x.Length / 4, View4(x), View4(scaleShift), sample / 4, channels / 4, silu ? 1 : 0, View4(y));
        else
            Launch(ScaleShiftKernel, x.Length, View(x), View(scaleShift), sample, channels, silu ? 1 : 0, View(y));
    }

    /// <summary>
    /// y = act(scale x + shift), four channels a thread. 16 bytes read, 16 written (the factors stay in the cache), 8 or 24 FLOPs.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void ScaleShift4Kernel(Index1D i, ArrayView<Float4> x, ArrayView<Float4> scaleShift, int sample4, int channels4,
        int silu, ArrayView<Float4> y) =>
        ScaleShift4<InFloat32, Float4>(i, x, scaleShift, sample4, channels4, silu, y);

    /// <summary>The same in BF16: 8 bytes read, 8 written.</summary>
    [Kernel(Hot = true)]
    internal static void ScaleShift4BFloat16Kernel(Index1D i, ArrayView<BFloat16x4> x, ArrayView<Float4> scaleShift, int sample4,
        int channels4, int silu, ArrayView<BFloat16x4> y) =>
        ScaleShift4<InBFloat16, BFloat16x4>(i, x, scaleShift, sample4, channels4, silu, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleShift4<TE, T>(Index1D i, ArrayView<T> x, ArrayView<Float4> scaleShift, int sample4, int channels4,
        int silu, ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int n = i / sample4;
        int at = 2 * n * channels4 + i % channels4;
        var u = scaleShift[at + channels4];
        Float4.AddProduct(ref u, TE.Widen(x[i]), scaleShift[at]);
        if (silu != 0)
            u = new Float4(DeviceMath.Silu(u.X), DeviceMath.Silu(u.Y), DeviceMath.Silu(u.Z), DeviceMath.Silu(u.W));
        y[i] = TE.Round(u);
    }

    /// <summary>As <see cref="ScaleShift4Kernel"/>, one element a thread, for any number of channels.</summary>
    [Kernel]
    internal static void ScaleShiftKernel(Index1D i, ArrayView<float> x, ArrayView<float> scaleShift, int sample, int channels, int silu,
        ArrayView<float> y)
    {
        int n = i / sample;
        int at = 2 * n * channels + i % channels;
        float u = x[i] * scaleShift[at] + scaleShift[at + channels];
        y[i] = silu != 0 ? DeviceMath.Silu(u) : u;
    }
}
