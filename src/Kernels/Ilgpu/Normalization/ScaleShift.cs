using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y)
    {
        if (x.Length == 0)
            return;
        int n = scaleShift.Shape[0], channels = scaleShift.Shape[1] / 2, sample = x.Length / n;
        if (channels % 4 == 0 && AreAligned(x, scaleShift, y))
            Launch(ScaleShift4Kernel, x.Length / 4, View4(x), View4(scaleShift), sample / 4, channels / 4, silu ? 1 : 0, View4(y));
        else
            Launch(ScaleShiftKernel, x.Length, View(x), View(scaleShift), sample, channels, silu ? 1 : 0, View(y));
    }

    /// <summary>
    /// y = act(scale x + shift), four channels a thread. 16 bytes read, 16 written (the factors stay in the cache), 8 or 24 FLOPs.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void ScaleShift4Kernel(Index1D i, ArrayView<Float4> x, ArrayView<Float4> scaleShift, int sample4, int channels4,
        int silu, ArrayView<Float4> y)
    {
        int n = i / sample4;
        int at = 2 * n * channels4 + i % channels4;
        var u = scaleShift[at + channels4];
        Float4.AddProduct(ref u, x[i], scaleShift[at]);
        if (silu != 0)
            u = new Float4(DeviceMath.Silu(u.X), DeviceMath.Silu(u.Y), DeviceMath.Silu(u.Z), DeviceMath.Silu(u.W));
        y[i] = u;
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
