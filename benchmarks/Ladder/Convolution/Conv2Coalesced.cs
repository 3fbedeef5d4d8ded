using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 2: the same thread for each element, but neighbours take neighbouring output channels. Only the line that turns the thread's number
/// into (pixel, channel) differs from step 1.
///
/// Launch: N H W K / 256 groups of 256 threads. FLOPs and loads as before. Faster because a warp reads 32 weights as 128 bytes in a row,
/// one value of x for all its threads, and writes 128 bytes in a row.
/// </summary>
internal static class Conv2Coalesced
{
    public const int GroupSize = 256;

    public static int Groups(ConvShape s) => s.N * s.H * s.W * s.K / GroupSize;

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        int t = Grid.IdxX * GroupSize + Group.IdxX;
        // Neighbouring threads have neighbouring channels: a warp reads one value of x and 32 weights side by side.
        int m = t / s.K, k = t - m * s.K;
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
