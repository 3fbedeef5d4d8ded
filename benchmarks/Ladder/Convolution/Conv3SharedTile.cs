using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using ILGPU;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 3: a group of 16 x 16 threads computes 16 pixels by 16 channels, and brings 16 values of the sum for both into shared memory, where
/// each is used 16 times. Sixteen source channels at a time, so that a tile of x belongs to one tap: implicit GEMM, A's tile is gathered
/// from the image and exists in shared memory only.
///
/// Launch: (N H W/16) (K/16) groups of 256 threads; 2 KiB of shared memory. 18 N H W C K FLOPs; a sixteenth of step 2's loads, 4 FLOPs a
/// byte. Each multiply-add still loads two values from shared memory, and that is the new limit.
/// </summary>
internal static class Conv3SharedTile
{
    public const int GroupSize = 256;

    private const int Tile = 16;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Tile * (s.K / Tile);

    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, ArrayView<float> x, ArrayView<float> w, ArrayView<float> y)
    {
        var tileX = SharedMemory.Allocate<float>(Tile * Tile);
        var tileW = SharedMemory.Allocate<float>(Tile * Tile);
        int row = Group.IdxX / Tile, column = Group.IdxX % Tile;
        int tilesK = s.K / Tile;
        int m = Grid.IdxX / tilesK * Tile + row, k = Grid.IdxX % tilesK * Tile + column;
        float sum = 0f;
        for (int tap = 0; tap < 9; tap++)
        {
            int from = Source(s, m, tap);
            for (int c0 = 0; c0 < s.C; c0 += Tile)
            {
                tileX[Group.IdxX] = from < 0 ? 0f : x[from + c0 + column];
                tileW[Group.IdxX] = w[(tap * s.C + c0 + row) * s.K + k];
                Group.Barrier(); // the tiles are complete
                for (int i = 0; i < Tile; i++)
                    sum += tileX[row * Tile + i] * tileW[i * Tile + column];
                Group.Barrier(); // and have been used by all
            }
        }
        y[m * s.K + k] = sum;
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
