using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void ConcatCore(Tensor a, Tensor b, Tensor y) =>
        Launch(ConcatKernel, y.Length, View(a), View(b), a.Shape[-1], b.Shape[-1], View(y));

    private protected override void SplitCore(Tensor y, Tensor a, Tensor b) =>
        Launch(SplitKernel, y.Length, View(y), a.Shape[-1], b.Shape[-1], View(a), View(b));

    /// <summary>y[p,:] = a[p,:] then b[p,:]. One thread an element of y; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ConcatKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, int channelsA, int channelsB, ArrayView<float> y)
    {
        int pixel = i / (channelsA + channelsB);
        int c = i - pixel * (channelsA + channelsB);
        y[i] = c < channelsA ? a[pixel * channelsA + c] : b[pixel * channelsB + c - channelsA];
    }

    /// <summary>a[p,:] then b[p,:] = y[p,:]. One thread an element of y; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void SplitKernel(Index1D i, ArrayView<float> y, int channelsA, int channelsB, ArrayView<float> a, ArrayView<float> b)
    {
        int pixel = i / (channelsA + channelsB);
        int c = i - pixel * (channelsA + channelsB);
        if (c < channelsA)
            a[pixel * channelsA + c] = y[i];
        else
            b[pixel * channelsB + c - channelsA] = y[i];
    }
}
