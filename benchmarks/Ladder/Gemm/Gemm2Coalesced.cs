using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 2: the same thread for each element, but neighbours take neighbouring columns. Only the line that turns the thread's number into
/// (m, n) differs from step 1.
///
/// Launch: M N / 256 groups of 256 threads. 2 M N K FLOPs, 8 M N K bytes of loads as before. Faster because a warp's 32 loads of B are now
/// 128 bytes in a row (4 sectors instead of 32 scattered ones), its 32 loads of A one and the same word, and its stores 128 bytes in a row.
/// </summary>
internal static class Gemm2Coalesced
{
    public const int GroupSize = 256;

    public static int Groups(GemmShape s) => s.M * s.N / GroupSize;

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        int t = Grid.IdxX * GroupSize + Group.IdxX;
        // Neighbouring threads have neighbouring columns: a warp reads one value of A and 32 of B side by side.
        int m = t / s.N, n = t - m * s.N;
        float sum = 0f;
        for (int k = 0; k < s.K; k++)
            sum += a[m * s.K + k] * b[k * s.N + n];
        c[m * s.N + n] = sum;
    }
}
