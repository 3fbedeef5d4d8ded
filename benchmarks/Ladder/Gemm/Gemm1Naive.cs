using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 1: one thread an element of C, straight from the formula c[m,n] = sum_k a[m,k] b[k,n].
///
/// Launch: M N / 256 groups of 256 threads. 2 M N K FLOPs; every multiply-add loads two floats, 8 bytes, so 8 M N K bytes of loads: an
/// arithmetic intensity of 1/4 FLOP a byte before caches. Worse, neighbouring threads take neighbouring rows, so one load of A by a warp
/// touches 32 rows K floats apart: 32 sectors of 32 bytes for 128 bytes that are used, and the stores to C the same.
/// </summary>
internal static class Gemm1Naive
{
    public const int GroupSize = 256;

    public static int Groups(GemmShape s) => s.M * s.N / GroupSize;

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        int t = Grid.IdxX * GroupSize + Group.IdxX;
        // Neighbouring threads have neighbouring rows: their values of A lie K floats apart.
        int n = t / s.M, m = t - n * s.M;
        float sum = 0f;
        for (int k = 0; k < s.K; k++)
            sum += a[m * s.K + k] * b[k * s.N + n];
        c[m * s.N + n] = sum;
    }
}
