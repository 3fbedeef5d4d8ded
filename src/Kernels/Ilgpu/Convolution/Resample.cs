using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void DownsampleCore(Tensor x, Tensor y, float factor)
    {
        if (y.Type == ElementType.BFloat16)
            Launch(Downsample4BFloat16Kernel, y.Length / 4, Bits4(x), y.Shape[2], y.Shape[3] / 4, factor, Bits4(y));
        else if (y.Shape[3] % 4 == 0 && AreAligned(x, y))
            Launch(Downsample4Kernel, y.Length / 4, View4(x), y.Shape[2], y.Shape[3] / 4, factor, View4(y));
        else
            Launch(DownsampleKernel, y.Length, View(x), y.Shape[2], y.Shape[3], factor, View(y));
    }

    private protected override void UpsampleCore(Tensor x, Tensor y, float factor)
    {
        if (y.Type == ElementType.BFloat16)
            Launch(Upsample4BFloat16Kernel, y.Length / 4, Bits4(x), y.Shape[2], y.Shape[3] / 4, factor, Bits4(y));
        else if (y.Shape[3] % 4 == 0 && AreAligned(x, y))
            Launch(Upsample4Kernel, y.Length / 4, View4(x), y.Shape[2], y.Shape[3] / 4, factor, View4(y));
        else
            Launch(UpsampleKernel, y.Length, View(x), y.Shape[2], y.Shape[3], factor, View(y));
    }

    /// <summary>
    /// y[n,p,q,c] = factor (x[n,2p,2q,c] + x[n,2p,2q+1,c] + x[n,2p+1,2q,c] + x[n,2p+1,2q+1,c]). One thread an element of y; 16 bytes read,
    /// 4 written, 4 FLOPs.
    /// </summary>
    [Kernel]
    internal static void DownsampleKernel(Index1D i, ArrayView<float> x, int width, int channels, float factor, ArrayView<float> y)
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width; // of all samples: row r of y is made of rows 2r and 2r + 1 of x
        int q = pixel - row * width;
        int stride = 2 * width * channels;
        int first = 2 * row * stride + 2 * q * channels + c;
        y[i] = factor * (x[first] + x[first + channels] + (x[first + stride] + x[first + stride + channels]));
    }

    /// <summary>The same for four channels a thread; <paramref name="channels"/> counts fours.</summary>
    [Kernel]
    internal static void Downsample4Kernel(Index1D i, ArrayView<Float4> x, int width, int channels, float factor, ArrayView<Float4> y) =>
        Downsample4<InFloat32, Float4>(i, x, width, channels, factor, y);

    /// <summary>The same in BF16.</summary>
    [Kernel]
    internal static void Downsample4BFloat16Kernel(
        Index1D i, ArrayView<BFloat16x4> x, int width, int channels, float factor, ArrayView<BFloat16x4> y) =>
        Downsample4<InBFloat16, BFloat16x4>(i, x, width, channels, factor, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Downsample4<TE, T>(Index1D i, ArrayView<T> x, int width, int channels, float factor, ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width;
        int q = pixel - row * width;
        int stride = 2 * width * channels;
        int first = 2 * row * stride + 2 * q * channels + c;
        var above = Float4.Add(TE.Widen(x[first]), TE.Widen(x[first + channels]));
        var below = Float4.Add(TE.Widen(x[first + stride]), TE.Widen(x[first + stride + channels]));
        y[i] = TE.Round(Float4.Scale(factor, Float4.Add(above, below)));
    }

    /// <summary>
    /// y[n,h,w,c] = factor x[n,h/2,w/2,c]. One thread an element of y; 1 byte read (through the cache), 4 written, 1 FLOP.
    /// </summary>
    [Kernel]
    internal static void UpsampleKernel(Index1D i, ArrayView<float> x, int width, int channels, float factor, ArrayView<float> y)
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width;
        int w = pixel - row * width;
        y[i] = factor * x[(row / 2 * (width / 2) + w / 2) * channels + c];
    }

    /// <summary>The same for four channels a thread; <paramref name="channels"/> counts fours.</summary>
    [Kernel]
    internal static void Upsample4Kernel(Index1D i, ArrayView<Float4> x, int width, int channels, float factor, ArrayView<Float4> y) =>
        Upsample4<InFloat32, Float4>(i, x, width, channels, factor, y);

    /// <summary>The same in BF16.</summary>
    [Kernel]
    internal static void Upsample4BFloat16Kernel(
        Index1D i, ArrayView<BFloat16x4> x, int width, int channels, float factor, ArrayView<BFloat16x4> y) =>
        Upsample4<InBFloat16, BFloat16x4>(i, x, width, channels, factor, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Upsample4<TE, T>(Index1D i, ArrayView<T> x, int width, int channels, float factor, ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width;
        int w = pixel - row * width;
        y[i] = TE.Round(Float4.Scale(factor, TE.Widen(x[(row / 2 * (width / 2) + w / 2) * channels + c])));
    }
}
