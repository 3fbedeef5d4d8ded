using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 7: two tiles in shared memory. While the multiply-adds use one, the next step's values come from global memory into registers, and
/// are put into the other afterwards.
///
/// Launch: (M/128) (N/64) groups of 128 threads, the tile of step 6; 12 KiB of shared memory. FLOPs and bytes as before. Faster because the
/// some 500 cycles of a global load pass behind 512 multiply-adds a thread instead of before them, and one barrier a step is left of two.
/// The price is 12 registers that hold what is on its way.
/// </summary>
internal static class Gemm7DoubleBuffered
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    /// <summary>The same in Float4s.</summary>
    private const int Rows4 = Rows / 4, Columns4 = Columns / 4;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        var tileA = SharedMemory.Allocate<Float4>(2 * Depth * Rows4);
        var tileB = SharedMemory.Allocate<Float4>(2 * Depth * Columns4);
        var tileA1 = tileA.Cast<float>(); // the same memory, for single stores
        var a4 = a.Cast<Float4>();
        var b4 = b.Cast<Float4>();
        var out4 = c.Cast<Float4>();
        int t = Group.IdxX;
        int tilesN = s.N / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;
        int row4 = t / 8 * 2, column4 = t % 8;
        var acc = new Tile8x8();
        // Step -1 only fetches.
        int steps = s.K / Depth;
        for (int step = -1; step < steps; step++)
        {
            var a0 = new Float4(0f, 0f, 0f, 0f);
            var a1 = a0;
            var b0 = a0;
            if (step + 1 < steps)
            {
                int k0 = (step + 1) * Depth;
                int from = ((firstM + t) * s.K + k0) / 4;
                a0 = a4[from];
                a1 = a4[from + 1];
                b0 = b4[((k0 + t / Columns4) * s.N + firstN) / 4 + t % Columns4];
            }
            if (step >= 0)
            {
                // While these run, the loads above are on their way.
                int buffer = step & 1;
                for (int k = 0; k < Depth; k++)
                {
                    int at = buffer * Depth * Rows4 + k * Rows4 + row4, bt = buffer * Depth * Columns4 + k * Columns4 + column4;
                    acc.AddOuter(tileA[at], tileA[at + 1], tileB[bt], tileB[bt + 8]);
                }
            }
            if (step + 1 < steps)
            {
                int next = step + 1 & 1;
                StoreColumn(tileA1, next * Depth * Rows + t, a0);
                StoreColumn(tileA1, next * Depth * Rows + t + 4 * Rows, a1);
                tileB[next * Depth * Columns4 + t] = b0;
            }
            Group.Barrier();
        }
        int to = ((firstM + t / 8 * 8) * s.N + firstN) / 4 + column4;
        out4[to] = acc.R0L;
        out4[to + 8] = acc.R0R;
        out4[to + s.N / 4] = acc.R1L;
        out4[to + s.N / 4 + 8] = acc.R1R;
        out4[to + 2 * s.N / 4] = acc.R2L;
        out4[to + 2 * s.N / 4 + 8] = acc.R2R;
        out4[to + 3 * s.N / 4] = acc.R3L;
        out4[to + 3 * s.N / 4 + 8] = acc.R3R;
        out4[to + 4 * s.N / 4] = acc.R4L;
        out4[to + 4 * s.N / 4 + 8] = acc.R4R;
        out4[to + 5 * s.N / 4] = acc.R5L;
        out4[to + 5 * s.N / 4 + 8] = acc.R5R;
        out4[to + 6 * s.N / 4] = acc.R6L;
        out4[to + 6 * s.N / 4 + 8] = acc.R6R;
        out4[to + 7 * s.N / 4] = acc.R7L;
        out4[to + 7 * s.N / 4 + 8] = acc.R7R;
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
}
