using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 4: a thread computes 8 rows of one column. A value of B goes from shared memory into a register once and is used 8 times.
///
/// Launch: (M/64) (N/32) groups of 256 threads, a 64 x 32 tile of C each, 8 values of the sum at a time; 3 KiB of shared memory. 2 M N K
/// FLOPs; 4 M N K (1/64 + 1/32) bytes from global memory: 10.7 FLOPs a byte. Faster because 8 multiply-adds now load 9 values from shared
/// memory instead of 16, and the 8 of A are the same for a whole warp (a broadcast).
/// </summary>
internal static class Gemm4Tile1D
{
    public const int GroupSize = 256;

    private const int Rows = 64, Columns = 32, Depth = 8;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        var tileA = SharedMemory.Allocate<float>(Rows * Depth);
        var tileB = SharedMemory.Allocate<float>(Depth * Columns);
        int t = Group.IdxX;
        int tilesN = s.N / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;
        int row = t / Columns * 8, column = t % Columns;
        var top = new Float4(0f, 0f, 0f, 0f);
        var bottom = top;
        for (int k0 = 0; k0 < s.K; k0 += Depth)
        {
            tileA[t] = a[(firstM + t / Depth) * s.K + k0 + t % Depth];
            tileA[t + GroupSize] = a[(firstM + t / Depth + Rows / 2) * s.K + k0 + t % Depth];
            tileB[t] = b[(k0 + t / Columns) * s.N + firstN + column];
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int at = row * Depth + k;
                float v = tileB[k * Columns + column];
                Float4.AddScaled(ref top, v, new Float4(tileA[at], tileA[at + Depth], tileA[at + 2 * Depth], tileA[at + 3 * Depth]));
                Float4.AddScaled(ref bottom, v,
                    new Float4(tileA[at + 4 * Depth], tileA[at + 5 * Depth], tileA[at + 6 * Depth], tileA[at + 7 * Depth]));
            }
            Group.Barrier();
        }
        int to = (firstM + row) * s.N + firstN + column;
        c[to] = top.X;
        c[to + s.N] = top.Y;
        c[to + 2 * s.N] = top.Z;
        c[to + 3 * s.N] = top.W;
        c[to + 4 * s.N] = bottom.X;
        c[to + 5 * s.N] = bottom.Y;
        c[to + 6 * s.N] = bottom.Z;
        c[to + 7 * s.N] = bottom.W;
    }
}
