using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 5: a thread computes 8 pixels by 8 channels. Values of both x and w stay in registers and are used 8 times each.
///
/// Launch: (N H W/128) (K/64) groups of 128 threads, 128 pixels by 64 channels each, 8 source channels at a time; 6 KiB of shared memory.
/// 18 N H W C K FLOPs at 21.3 FLOPs a byte of global loads. Faster because 64 multiply-adds now load 16 values from shared memory (step 4:
/// 72), and run independently of each other. A thread fetches all 8 channels of one pixel, so it locates that pixel once a tap. The price
/// is
/// registers: some hundred a thread, so fewer warps are resident.
/// </summary>
internal static class Conv5Tile2D
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Rows * (s.K / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        var tileX = SharedMemory.Allocate<float>(Rows * Depth);
        var tileW = SharedMemory.Allocate<float>(Depth * Columns);
        int t = Group.IdxX;
        int tilesK = s.K / Columns;
        int firstM = Grid.IdxX / tilesK * Rows, firstK = Grid.IdxX % tilesK * Columns;
        int row = t / 8 * 8, column = t % 8 * 8;
        var acc = new Tile8x8();
        for (int tap = 0; tap < 9; tap++)
        {
            int from = Source(s, firstM + t, tap);
            for (int c0 = 0; c0 < s.C; c0 += Depth)
            {
                for (int i = 0; i < Depth; i++)
                    tileX[t * Depth + i] = from < 0 ? 0f : x[from + c0 + i];
                for (int i = 0; i < Depth / 2; i++)
                    tileW[t + i * GroupSize] = w[(tap * s.C + c0 + t / Columns + 2 * i) * s.K + firstK + t % Columns];
                Group.Barrier();
                for (int i = 0; i < Depth; i++)
                {
                    int at = row * Depth + i, bt = i * Columns + column;
                    acc.AddOuter(Four(tileX, at, Depth), Four(tileX, at + 4 * Depth, Depth), Four(tileW, bt, 1), Four(tileW, bt + 4, 1));
                }
                Group.Barrier();
            }
        }
        int to = (firstM + row) * s.K + firstK + column;
        Store(y, to, acc.R0L);
        Store(y, to + 4, acc.R0R);
        Store(y, to + s.K, acc.R1L);
        Store(y, to + s.K + 4, acc.R1R);
        Store(y, to + 2 * s.K, acc.R2L);
        Store(y, to + 2 * s.K + 4, acc.R2R);
        Store(y, to + 3 * s.K, acc.R3L);
        Store(y, to + 3 * s.K + 4, acc.R3R);
        Store(y, to + 4 * s.K, acc.R4L);
        Store(y, to + 4 * s.K + 4, acc.R4R);
        Store(y, to + 5 * s.K, acc.R5L);
        Store(y, to + 5 * s.K + 4, acc.R5R);
        Store(y, to + 6 * s.K, acc.R6L);
        Store(y, to + 6 * s.K + 4, acc.R6R);
        Store(y, to + 7 * s.K, acc.R7L);
        Store(y, to + 7 * s.K + 4, acc.R7R);
    }

    /// <summary>Four values <paramref name="stride"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Four(ArrayView<float> from, int at, int stride) =>
        new(from[at], from[at + stride], from[at + 2 * stride], from[at + 3 * stride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ArrayView<float> to, int at, Float4 v)
    {
        to[at] = v.X;
        to[at + 1] = v.Y;
        to[at + 2] = v.Z;
        to[at + 3] = v.W;
    }

    /// <summary>Where pixel <paramref name="m"/> reads through a tap, as an index of x; -1 in the padding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Source(ConvShape s, int m, int tap)
    {
        int line = m / s.W, column = m - line * s.W;
        int n = line / s.H, row = line - n * s.H;
        int h = row + tap / 3 - 1, v = column + tap % 3 - 1;
        return h < 0 || h >= s.H || v < 0 || v >= s.W ? -1 : ((n * s.H + h) * s.W + v) * s.C;
    }
}
