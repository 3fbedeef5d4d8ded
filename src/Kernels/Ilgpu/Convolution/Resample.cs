using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void DownsampleCore(Tensor x, Tensor y, float factor)
    {
        if (y.Shape[3] % 4 == 0 && AreAligned(x, y))
            Launch(Downsample4Kernel, y.Length / 4, View4(x), y.Shape[2], y.Shape[3] / 4, factor, View4(y));
        else
            Launch(DownsampleKernel, y.Length, View(x), y.Shape[2], y.Shape[3], factor, View(y));
    }

    private protected override void UpsampleCore(Tensor x, Tensor y, float factor)
    {
        if (y.Shape[3] % 4 == 0 && AreAligned(x, y))
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
    internal static void Downsample4Kernel(Index1D i, ArrayView<Float4> x, int width, int channels, float factor, ArrayView<Float4> y)
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width;
        int q = pixel - row * width;
        int stride = 2 * width * channels;
        int first = 2 * row * stride + 2 * q * channels + c;
        y[i] = Float4.Scale(factor,
            Float4.Add(Float4.Add(x[first], x[first + channels]), Float4.Add(x[first + stride], x[first + stride + channels])));
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
    internal static void Upsample4Kernel(Index1D i, ArrayView<Float4> x, int width, int channels, float factor, ArrayView<Float4> y)
    {
        int pixel = i / channels;
        int c = i - pixel * channels;
        int row = pixel / width;
        int w = pixel - row * width;
        y[i] = Float4.Scale(factor, x[(row / 2 * (width / 2) + w / 2) * channels + c]);
    }
}
