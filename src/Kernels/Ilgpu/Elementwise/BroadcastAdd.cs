using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void BroadcastAddCore(Tensor x, Tensor e, Tensor y)
    {
        if (y.Type == ElementType.BFloat16 && y.Length > 0)
            Launch(BroadcastAddBFloat16Kernel, y.Length / 4, Bits4(x), View(e), y.Length / e.Shape[0] / 4, e.Shape[1], Bits4(y));
        else if (y.Length > 0)
            Launch(BroadcastAddKernel, y.Length, View(x), View(e), y.Length / e.Shape[0], e.Shape[1], View(y));
    }

    private protected override void BroadcastAddBackwardCore(Tensor dy, Tensor de)
    {
        if (dy.Length > 0)
            SumColumns(dy, de.Shape[0], dy.Length / de.Length, de.Shape[1], accumulate: false, de);
    }

    /// <summary>y[n,i,c] = x[n,i,c] + e[n,c]. One thread an element; 4 bytes read (e stays in the cache), 4 written, 1 FLOP.</summary>
    [Kernel]
    internal static void BroadcastAddKernel(Index1D i, ArrayView<float> x, ArrayView<float> e, int sampleLength, int channels,
        ArrayView<float> y)
    {
        int n = i / sampleLength;
        y[i] = x[i] + e[n * channels + i % channels];
    }

    /// <summary>The same in BF16, four channels a thread; 8 bytes read and 8 written.</summary>
    [Kernel]
    internal static void BroadcastAddBFloat16Kernel(Index1D i, ArrayView<BFloat16x4> x, ArrayView<float> e, int sampleFours, int channels,
        ArrayView<BFloat16x4> y)
    {
        int at = i / sampleFours * channels + 4 * i % channels;
        var v = Float4.Add(InBFloat16.Widen(x[i]), new Float4(e[at], e[at + 1], e[at + 2], e[at + 3]));
        y[i] = InBFloat16.Round(v);
    }
}
