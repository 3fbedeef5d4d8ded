using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 6: everything four floats at a time. A's tile lies transposed in shared memory, so that 8 rows of it are two loads of 16 bytes, as
/// 8 columns of B are; global loads and stores are of 16 bytes too.
///
/// Launch: (M/128) (N/64) groups of 128 threads, the tile of step 5; 6 KiB of shared memory. FLOPs and bytes as in step 5: 2 M N K FLOPs,
/// 21.3 a byte. Faster because 64 multiply-adds need 4 load instructions instead of 16, and a step's tiles 3 instead of 12. A thread's 8
/// columns are two blocks of 4, 32 apart: eight neighbouring threads then read 128 bytes in a row, all 32 banks once. Thread t fetches row
/// t, so that the transposing stores of a warp fall side by side, also without conflicts.
/// </summary>
internal static class Gemm6Vectorised
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    /// <summary>The same in Float4s.</summary>
    private const int Rows4 = Rows / 4, Columns4 = Columns / 4;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        var tileA = SharedMemory.Allocate<Float4>(Depth * Rows4);
        var tileB = SharedMemory.Allocate<Float4>(Depth * Columns4);
        var tileA1 = tileA.Cast<float>(); // the same memory, for single stores
        var a4 = a.Cast<Float4>();
        var b4 = b.Cast<Float4>();
        var out4 = c.Cast<Float4>();
        int t = Group.IdxX;
        int tilesN = s.N / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;
        int row4 = t / 8 * 2, column4 = t % 8;
        var acc = new Tile8x8();
        for (int k0 = 0; k0 < s.K; k0 += Depth)
        {
            int from = ((firstM + t) * s.K + k0) / 4;
            StoreColumn(tileA1, t, a4[from]);
            StoreColumn(tileA1, t + 4 * Rows, a4[from + 1]);
            tileB[t] = b4[((k0 + t / Columns4) * s.N + firstN) / 4 + t % Columns4];
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int at = k * Rows4 + row4, bt = k * Columns4 + column4;
                acc.AddOuter(tileA[at], tileA[at + 1], tileB[bt], tileB[bt + 8]);
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
