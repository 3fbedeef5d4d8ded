using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 3: a group of 16 x 16 threads computes a 16 x 16 tile of C, and brings 16 x 16 tiles of A and B into shared memory, where each
/// value is used 16 times.
///
/// Launch: (M/16) (N/16) groups of 256 threads; 2 KiB of shared memory. 2 M N K FLOPs; 8 M N K / 16 bytes from global memory, a sixteenth
/// of step 2's loads: 4 FLOPs a byte. Each multiply-add still loads two values from shared memory, and that is the new limit: a
/// multiprocessor reads 32 words a cycle from it, and could do 64 or 128 multiply-adds.
/// </summary>
internal static class Gemm3SharedTile
{
    public const int GroupSize = 256;

    private const int Tile = 16;

    public static int Groups(GemmShape s) => s.M / Tile * (s.N / Tile);

    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        var tileA = SharedMemory.Allocate<float>(Tile * Tile);
        var tileB = SharedMemory.Allocate<float>(Tile * Tile);
        int row = Group.IdxX / Tile, column = Group.IdxX % Tile;
        int tilesN = s.N / Tile;
        int m = Grid.IdxX / tilesN * Tile + row, n = Grid.IdxX % tilesN * Tile + column;
        float sum = 0f;
        for (int k0 = 0; k0 < s.K; k0 += Tile)
        {
            tileA[Group.IdxX] = a[m * s.K + k0 + column];
            tileB[Group.IdxX] = b[(k0 + row) * s.N + n];
            Group.Barrier(); // the tiles are complete
            for (int k = 0; k < Tile; k++)
                sum += tileA[row * Tile + k] * tileB[k * Tile + column];
            Group.Barrier(); // and have been used by all
        }
        c[m * s.N + n] = sum;
    }
}
