using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 5: a thread computes 8 rows by 8 columns. Values of both A and B stay in registers and are used 8 times each.
///
/// Launch: (M/128) (N/64) groups of 128 threads, a 128 x 64 tile of C each, 8 values of the sum at a time; 6 KiB of shared memory. 2 M N K
/// FLOPs; 4 M N K (1/128 + 1/64) bytes from global memory: 21.3 FLOPs a byte. Faster because 64 multiply-adds now load 16 values from
/// shared memory (step 4: 72), and run independently of each other, so that one warp alone can keep the multipliers busy. The price is
/// registers: some hundred a thread, so fewer warps are resident.
/// </summary>
internal static class Gemm5Tile2D
{
    public const int GroupSize = 128;

    private const int Rows = 128, Columns = 64, Depth = 8;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        var tileA = SharedMemory.Allocate<float>(Rows * Depth);
        var tileB = SharedMemory.Allocate<float>(Depth * Columns);
        int t = Group.IdxX;
        int tilesN = s.N / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;
        int row = t / 8 * 8, column = t % 8 * 8;
        var acc = new Tile8x8();
        for (int k0 = 0; k0 < s.K; k0 += Depth)
        {
            for (int i = 0; i < Depth; i++)
                tileA[t + i * GroupSize] = a[(firstM + t / Depth + 16 * i) * s.K + k0 + t % Depth];
            for (int i = 0; i < Depth / 2; i++)
                tileB[t + i * GroupSize] = b[(k0 + t / Columns + 2 * i) * s.N + firstN + t % Columns];
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int at = row * Depth + k, bt = k * Columns + column;
                acc.AddOuter(Four(tileA, at, Depth), Four(tileA, at + 4 * Depth, Depth), Four(tileB, bt, 1), Four(tileB, bt + 4, 1));
            }
            Group.Barrier();
        }
        int to = (firstM + row) * s.N + firstN + column;
        Store(c, to, acc.R0L);
        Store(c, to + 4, acc.R0R);
        Store(c, to + s.N, acc.R1L);
        Store(c, to + s.N + 4, acc.R1R);
        Store(c, to + 2 * s.N, acc.R2L);
        Store(c, to + 2 * s.N + 4, acc.R2R);
        Store(c, to + 3 * s.N, acc.R3L);
        Store(c, to + 3 * s.N + 4, acc.R3R);
        Store(c, to + 4 * s.N, acc.R4L);
        Store(c, to + 4 * s.N + 4, acc.R4R);
        Store(c, to + 5 * s.N, acc.R5L);
        Store(c, to + 5 * s.N + 4, acc.R5R);
        Store(c, to + 6 * s.N, acc.R6L);
        Store(c, to + 6 * s.N + 4, acc.R6R);
        Store(c, to + 7 * s.N, acc.R7L);
        Store(c, to + 7 * s.N + 4, acc.R7R);
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
}
