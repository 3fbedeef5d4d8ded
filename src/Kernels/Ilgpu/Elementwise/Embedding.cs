using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst) =>
        Launch(EmbeddingKernel, t.Length * frequencies.Length, View(t), View(frequencies), sinFirst ? 1 : 0, View(y));

    /// <summary>
    /// With a = t_n f_j in one period: y[n,j] = cos a, y[n,J+j] = sin a, or the other way round. One thread a pair; 8 bytes written.
    /// </summary>
    [Kernel]
    internal static void EmbeddingKernel(Index1D i, ArrayView<float> t, ArrayView<float> frequencies, int sinFirst, ArrayView<float> y)
    {
        int count = frequencies.IntLength;
        int n = i / count;
        int j = i - n * count;
        float a = DeviceMath.ReduceProduct(t[n], frequencies[j]);
        int first = 2 * n * count + j;
        float sin = XMath.Sin(a), cos = XMath.Cos(a);
        y[first] = sinFirst != 0 ? sin : cos;
        y[first + count] = sinFirst != 0 ? cos : sin;
    }
}
