using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 6: everything four floats at a time. x's tile lies transposed in shared memory, so that 8 rows of it are two loads of 16 bytes, as
/// 8 columns of w are; global loads and stores are of 16 bytes too.
///
/// Launch: (N H W/128) (K/64) groups of 128 threads, the tile of step 5; 6 KiB of shared memory. FLOPs and bytes as in step 5: 18 N H W C K
/// FLOPs, 21.3 a byte. Faster because 64 multiply-adds need 4 load instructions instead of 16, and a step's tiles 3 instead of 12. A
/// thread's 8 columns are two blocks of 4, 32 apart: eight neighbouring threads then read 128 bytes in a row, all 32 banks once. Thread t
/// fetches row t, so that the transposing stores of a warp fall side by side, also without conflicts.
/// </summary>
internal static class Conv6Vectorised
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    /// <summary>The same in Float4s.</summary>
    private const int Rows4 = Rows / 4, Columns4 = Columns / 4;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Rows * (s.K / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        var tileX = SharedMemory.Allocate<Float4>(Depth * Rows4);
        var tileW = SharedMemory.Allocate<Float4>(Depth * Columns4);
        var tileX1 = tileX.Cast<float>(); // the same memory, for single stores
        var x4 = x.Cast<Float4>();
        var w4 = w.Cast<Float4>();
        var out4 = y.Cast<Float4>();
        int t = Group.IdxX;
        int tilesK = s.K / Columns;
        int firstM = Grid.IdxX / tilesK * Rows, firstK = Grid.IdxX % tilesK * Columns;
        int row4 = t / 8 * 2, column4 = t % 8;
        var acc = new Tile8x8();
        for (int tap = 0; tap < 9; tap++)
        {
            int from = Source(s, firstM + t, tap);
            for (int c0 = 0; c0 < s.C; c0 += Depth)
            {
                var zero = new Float4(0f, 0f, 0f, 0f);
                StoreColumn(tileX1, t, from < 0 ? zero : x4[(from + c0) / 4]);
                StoreColumn(tileX1, t + 4 * Rows, from < 0 ? zero : x4[(from + c0) / 4 + 1]);
                tileW[t] = w4[((tap * s.C + c0 + t / Columns4) * s.K + firstK) / 4 + t % Columns4];
                Group.Barrier();
                for (int i = 0; i < Depth; i++)
                {
                    int at = i * Rows4 + row4, bt = i * Columns4 + column4;
                    acc.AddOuter(tileX[at], tileX[at + 1], tileW[bt], tileW[bt + 8]);
                }
                Group.Barrier();
            }
        }
        int to = ((firstM + t / 8 * 8) * s.K + firstK) / 4 + column4;
        out4[to] = acc.R0L;
        out4[to + 8] = acc.R0R;
        out4[to + s.K / 4] = acc.R1L;
        out4[to + s.K / 4 + 8] = acc.R1R;
        out4[to + 2 * s.K / 4] = acc.R2L;
        out4[to + 2 * s.K / 4 + 8] = acc.R2R;
        out4[to + 3 * s.K / 4] = acc.R3L;
        out4[to + 3 * s.K / 4 + 8] = acc.R3R;
        out4[to + 4 * s.K / 4] = acc.R4L;
        out4[to + 4 * s.K / 4 + 8] = acc.R4R;
        out4[to + 5 * s.K / 4] = acc.R5L;
        out4[to + 5 * s.K / 4 + 8] = acc.R5R;
        out4[to + 6 * s.K / 4] = acc.R6L;
        out4[to + 6 * s.K / 4 + 8] = acc.R6R;
        out4[to + 7 * s.K / 4] = acc.R7L;
        out4[to + 7 * s.K / 4 + 8] = acc.R7R;
    }

    /// <summary>Four values of one row into four rows of the transposed tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreColumn(ArrayView<float> tile, int at, Float4 v)
    {
        tile[at] = v.X;
        tile[at + Rows] = v.Y;
        tile[at + 2 * Rows] = v.Z;
        tile[at + 3 * Rows] = v.W;
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
