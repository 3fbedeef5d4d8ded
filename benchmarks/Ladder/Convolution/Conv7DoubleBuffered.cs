using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 7: two tiles in shared memory. While the multiply-adds use one, the next step's values come from global memory into registers, and
/// are put into the other afterwards.
///
/// Launch: (N H W/128) (K/64) groups of 128 threads, the tile of step 6; 12 KiB of shared memory. FLOPs and bytes as before. Faster because
/// the some 500 cycles of a global load pass behind 512 multiply-adds a thread instead of before them, and one barrier a step is left of
/// two. The price is 12 registers that hold what is on its way.
/// </summary>
internal static class Conv7DoubleBuffered
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    /// <summary>The same in Float4s.</summary>
    private const int Rows4 = Rows / 4, Columns4 = Columns / 4;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Rows * (s.K / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        var tileX = SharedMemory.Allocate<Float4>(2 * Depth * Rows4);
        var tileW = SharedMemory.Allocate<Float4>(2 * Depth * Columns4);
        var tileX1 = tileX.Cast<float>(); // the same memory, for single stores
        var x4 = x.Cast<Float4>();
        var w4 = w.Cast<Float4>();
        var out4 = y.Cast<Float4>();
        int t = Group.IdxX;
        int tilesK = s.K / Columns;
        int firstM = Grid.IdxX / tilesK * Rows, firstK = Grid.IdxX % tilesK * Columns;
        int row4 = t / 8 * 2, column4 = t % 8;
        var acc = new Tile8x8();
        // Step -1 only fetches. tap and c0 are those of the step to be fetched.
        int steps = 9 * s.C / Depth;
        int tap = 0, c0 = 0, from = Source(s, firstM + t, 0);
        for (int step = -1; step < steps; step++)
        {
            var x0 = new Float4(0f, 0f, 0f, 0f);
            var x1 = x0;
            var w0 = x0;
            if (step + 1 < steps)
            {
                if (from >= 0)
                {
                    x0 = x4[(from + c0) / 4];
                    x1 = x4[(from + c0) / 4 + 1];
                }
                w0 = w4[((tap * s.C + c0 + t / Columns4) * s.K + firstK) / 4 + t % Columns4];
                c0 += Depth;
                if (c0 == s.C)
                {
                    c0 = 0;
                    tap++;
                    from = Source(s, firstM + t, tap);
                }
            }
            if (step >= 0)
            {
                // While these run, the loads above are on their way.
                int buffer = step & 1;
                for (int i = 0; i < Depth; i++)
                {
                    int at = buffer * Depth * Rows4 + i * Rows4 + row4, bt = buffer * Depth * Columns4 + i * Columns4 + column4;
                    acc.AddOuter(tileX[at], tileX[at + 1], tileW[bt], tileW[bt + 8]);
                }
            }
            if (step + 1 < steps)
            {
                int next = step + 1 & 1;
                StoreColumn(tileX1, next * Depth * Rows + t, x0);
                StoreColumn(tileX1, next * Depth * Rows + t + 4 * Rows, x1);
                tileW[next * Depth * Columns4 + t] = w0;
            }
            Group.Barrier();
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
