using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 1: one thread an element of y, straight from the formula of <see cref="ConvShape"/>.
///
/// Launch: N H W K / 256 groups of 256 threads. 18 N H W C K FLOPs; every multiply-add loads two floats, so 1/4 FLOP a byte before caches.
/// Neighbouring threads take neighbouring pixels of one channel, C floats apart: 32 sectors for 128 bytes that are used, and the stores to
/// y the same.
/// </summary>
internal static class Conv1Naive
{
    public const int GroupSize = 256;

    public static int Groups(ConvShape s) => s.N * s.H * s.W * s.K / GroupSize;

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        int pixels = s.N * s.H * s.W;
        int t = Grid.IdxX * GroupSize + Group.IdxX;
        // Neighbouring threads have neighbouring pixels: their values of x lie C floats apart.
        int k = t / pixels, m = t - k * pixels;
        int line = m / s.W, column = m - line * s.W;
        int n = line / s.H, row = line - n * s.H;
        float sum = 0f;
        for (int tap = 0; tap < 9; tap++)
        {
            int h = row + tap / 3 - 1, v = column + tap % 3 - 1;
            if (h < 0 || h >= s.H || v < 0 || v >= s.W)
                continue;
            int from = ((n * s.H + h) * s.W + v) * s.C;
            for (int i = 0; i < s.C; i++)
                sum += x[from + i] * w[(tap * s.C + i) * s.K + k];
        }
        y[m * s.K + k] = sum;
    }
}
