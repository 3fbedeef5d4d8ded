using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void ConcatCore(Tensor a, Tensor b, Tensor y)
    {
        // Two BF16 are moved as one float.
        if (y.Type == ElementType.BFloat16)
            Launch(ConcatKernel, y.Length / 2, Pairs(a), Pairs(b), a.Shape[-1] / 2, b.Shape[-1] / 2, Pairs(y));
        else
            Launch(ConcatKernel, y.Length, View(a), View(b), a.Shape[-1], b.Shape[-1], View(y));
    }

    private protected override void SplitCore(Tensor y, Tensor a, Tensor b)
    {
        if (y.Type == ElementType.BFloat16)
            Launch(SplitKernel, y.Length / 2, Pairs(y), a.Shape[-1] / 2, b.Shape[-1] / 2, Pairs(a), Pairs(b));
        else
            Launch(SplitKernel, y.Length, View(y), a.Shape[-1], b.Shape[-1], View(a), View(b));
    }

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
