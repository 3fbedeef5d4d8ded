using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void TransposeCore(Tensor x, Tensor y) =>
        Launch(TransposeBlocksKernel, x.Length, View(x), x.Shape[0], x.Shape[1], x.Shape[2], View(y));

    /// <summary>y[j,i,e] = x[i,j,e]. One thread an element, written in order, blocks read in order; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void TransposeBlocksKernel(Index1D t, ArrayView<float> x, int rows, int columns, int block, ArrayView<float> y)
    {
        int place = t / block, j = place / rows, i = place - j * rows;
        y[t] = x[(i * columns + j) * block + (t - place * block)];
    }
}
