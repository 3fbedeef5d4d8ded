using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void FillCore(Tensor y, float value)
    {
        if (InFours(y))
            Launch(Fill4Kernel, Pair4.Threads(y.Length), View4(y), value);
        else
            Launch(FillKernel, y.Length, View(y), value);
    }

    private protected override void ClampCore(Tensor x, float low, float high, Tensor y) =>
        Launch(ClampKernel, y.Length, View(x), low, high, View(y));

    private protected override void MultiplyCore(Tensor a, Tensor b, Tensor y) =>
        Launch(MultiplyKernel, y.Length, View(a), View(b), View(y));

    /// <summary>y_i = a_i b_i. One thread an element; 8 bytes read and 4 written each, 1 FLOP.</summary>
    [Kernel]
    internal static void MultiplyKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] * b[i];

    /// <summary>y_i = value. One thread an element; 4 bytes written each.</summary>
    [Kernel]
    internal static void FillKernel(Index1D i, ArrayView<float> y, float value) => y[i] = value;

    /// <summary>
    /// The same, 32 bytes a thread (<see cref="Pair4"/>): stores wait for nothing, but starting a thread for 4 bytes takes longer than they
    /// do.
    /// </summary>
    [Kernel]
    internal static void Fill4Kernel(Index1D i, ArrayView<Float4> y, float value)
    {
        int at = Pair4.First(i);
        var four = new Float4(value, value, value, value);
        if (at < y.IntLength)
            y[at] = four;
        if (at + Pair4.Step < y.IntLength)
            y[at + Pair4.Step] = four;
    }

    /// <summary>y_i = min(max(x_i, low), high), NaN kept. One thread an element; 4 bytes read and 4 written each.</summary>
    [Kernel]
    internal static void ClampKernel(Index1D i, ArrayView<float> x, float low, float high, ArrayView<float> y)
    {
        // Comparisons, not Min and Max: those of a GPU drop NaN.
        float v = x[i];
        v = v < low ? low : v;
        y[i] = v > high ? high : v;
    }
}
