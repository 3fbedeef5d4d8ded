using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 8: tensor cores. A warp multiplies 16 x 8 by 8 x 8 matrices in one instruction; what is left for the program is to bring every lane
/// its part of them.
///
/// Launch: (N H W/128) (K/64) groups of 256 threads, 128 x 64 of the result each, 16 values of the sum a step; 14.5 KiB of shared memory.
/// 18 N H W C K FLOPs, 4 (1/128 + 1/64) / 2 bytes each from global memory, as from step 5 on. Faster because one mma.sync does the work of
/// 32 FFMA instructions of a warp (1024 multiply-adds), at 8 (A100) to 16 (H100) times the rate of the ordinary units. Factors are rounded
/// to TF32: 10 bits of mantissa, a relative error up to 2^-11 each. Now the loads are what is slow: each step waits for its own.
/// CUDA alone, compute capability 8.0 and newer.
/// </summary>
internal static class Conv8TensorCore
{
    public const int GroupSize = 256;

    private const int Rows = 128, Columns = 64, Depth = 16;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Rows * (s.K / Columns);

    /// <param name="s">Extents.</param>
    /// <param name="x">Address of x.</param>
    /// <param name="w">Address of w.</param>
    /// <param name="y">Address of y.</param>
    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, long x, long w, long y)
    {
        CudaAsm.Emit(MmaText.DeclareOneStage);
        CudaAsm.Emit(MmaText.Zero);
        int t = Group.IdxX, warp = t >> 5, lane = t & 31;
        int tilesN = s.K / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;

        // What this thread copies a step: 16 bytes each of two rows of A, 64 rows apart, and of one row of B.
        int rowA = t >> 2, rowB = t >> 4;
        int toA = rowA * MmaText.PitchA + (t & 3) * 16, toB = MmaText.BytesA + rowB * MmaText.PitchB + (t & 15) * 16;
        int fromB = rowB * s.K + firstN + (t & 15) * 4;
        int pixel0 = firstM + rowA, pixel1 = pixel0 + 64, piece = (t & 3) * 4;

        // What this lane reads and writes.
        int warpM = (warp & 3) * 32, warpN = (warp >> 2) * 32, g = lane >> 2, i = lane & 3;
        int readA = (warpM + g) * MmaText.PitchA + i * 4, readB = MmaText.BytesA + i * MmaText.PitchB + (warpN + g) * 4;

        for (int tap = 0; tap < 9; tap++)
        {
            int source0 = Source(s, pixel0, tap), source1 = Source(s, pixel1, tap);
            for (int c0 = 0; c0 < s.C; c0 += Depth)
            {
                CudaAsm.Emit(MmaText.Copy, toA, x + ((long)source0 + c0 + piece) * 4, Utilities.Select(source0 >= 0, 1, 0));
                CudaAsm.Emit(MmaText.Copy, toA + 64 * MmaText.PitchA, x + ((long)source1 + c0 + piece) * 4,
                    Utilities.Select(source1 >= 0, 1, 0));
                CudaAsm.Emit(MmaText.Copy, toB, w + fromB * 4L, 1);
                fromB += Depth * s.K;
                CudaAsm.Emit("bar.sync 0;"); // the tiles are complete
                for (int k = 0; k < Depth; k += 8)
                {
                    CudaAsm.Emit(MmaText.LoadA, readA + k * 4);
                    CudaAsm.Emit(MmaText.LoadB, readB + k * MmaText.PitchB);
                    CudaAsm.Emit(MmaText.Round);
                    CudaAsm.Emit(MmaText.Multiply);
                }
                CudaAsm.Emit("bar.sync 0;"); // and have been used by all
            }
        }
        long pitch = s.K * 4L;
        long to = y + (firstM + warpM + g) * pitch + (firstN + warpN + 2 * i) * 4;
        CudaAsm.Emit(MmaText.Store, to, to + 8 * pitch, to + 16 * pitch, to + 24 * pitch);
    }

    /// <summary>Where pixel <paramref name="m"/> reads through a tap, as an index of x; -1 in the padding.</summary>
    /// <remarks>Selects and no branches: a warp must not part before mma, which wants all of its lanes.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Source(ConvShape s, int m, int tap)
    {
        int line = m / s.W, column = m - line * s.W;
        int n = line / s.H, row = line - n * s.H;
        int h = row + tap / 3 - 1, v = column + tap % 3 - 1;
        return Utilities.Select((uint)h < (uint)s.H & (uint)v < (uint)s.W, ((n * s.H + h) * s.W + v) * s.C, -1);
    }
}
