using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    protected override void FillCore(Tensor y, float value) => Launch(FillKernel, y.Length, View(y), value);

    protected override void ClampCore(Tensor x, float low, float high, Tensor y) =>
        Launch(ClampKernel, y.Length, View(x), low, high, View(y));

    protected override void MultiplyCore(Tensor a, Tensor b, Tensor y) => Launch(MultiplyKernel, y.Length, View(a), View(b), View(y));

    /// <summary>y_i = a_i b_i. One thread an element; 8 bytes read and 4 written each, 1 FLOP.</summary>
    [Kernel]
    internal static void MultiplyKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] * b[i];

    /// <summary>y_i = value. One thread an element; 4 bytes written each.</summary>
    [Kernel]
    internal static void FillKernel(Index1D i, ArrayView<float> y, float value) => y[i] = value;

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
