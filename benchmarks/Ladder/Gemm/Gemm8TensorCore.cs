using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 8: tensor cores. A warp multiplies 16 x 8 by 8 x 8 matrices in one instruction; what is left for the program is to bring every lane
/// its part of them.
///
/// Launch: (M/128) (N/64) groups of 256 threads, 128 x 64 of the result each, 16 values of the sum a step; 14.5 KiB of shared memory. 2 M N
/// K FLOPs, 4 (1/128 + 1/64) / 2 bytes each from global memory, as from step 5 on. Faster because one mma.sync does the work of 32 FFMA
/// instructions of a warp (1024 multiply-adds), at 8 (A100) to 16 (H100) times the rate of the ordinary units. Factors are rounded to TF32:
/// 10 bits of mantissa, a relative error up to 2^-11 each. Now the loads are what is slow: each step waits for its own.
/// CUDA alone, compute capability 8.0 and newer.
/// </summary>
internal static class Gemm8TensorCore
{
    public const int GroupSize = 256;

    private const int Rows = 128, Columns = 64, Depth = 16;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    /// <param name="s">Extents.</param>
    /// <param name="a">Address of a.</param>
    /// <param name="b">Address of b.</param>
    /// <param name="c">Address of c.</param>
    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, long a, long b, long c)
    {
        CudaAsm.Emit(MmaText.DeclareOneStage);
        CudaAsm.Emit(MmaText.Zero);
        int t = Group.IdxX, warp = t >> 5, lane = t & 31;
        int tilesN = s.N / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;

        // What this thread copies a step: 16 bytes each of two rows of A, 64 rows apart, and of one row of B.
        int rowA = t >> 2, rowB = t >> 4;
        int toA = rowA * MmaText.PitchA + (t & 3) * 16, toB = MmaText.BytesA + rowB * MmaText.PitchB + (t & 15) * 16;
        long fromA = a + ((long)(firstM + rowA) * s.K + (t & 3) * 4) * 4, fromB = b + ((long)rowB * s.N + firstN + (t & 15) * 4) * 4;
        long halfA = 64L * s.K * 4, stepB = (long)Depth * s.N * 4;

        // What this lane reads and writes.
        int warpM = (warp & 3) * 32, warpN = (warp >> 2) * 32, g = lane >> 2, i = lane & 3;
        int readA = (warpM + g) * MmaText.PitchA + i * 4, readB = MmaText.BytesA + i * MmaText.PitchB + (warpN + g) * 4;

        for (int k0 = 0; k0 < s.K; k0 += Depth)
        {
            CudaAsm.Emit(MmaText.Copy, toA, fromA, 1);
            CudaAsm.Emit(MmaText.Copy, toA + 64 * MmaText.PitchA, fromA + halfA, 1);
            CudaAsm.Emit(MmaText.Copy, toB, fromB, 1);
            fromA += Depth * 4;
            fromB += stepB;
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
        long pitch = s.N * 4L;
        long to = c + (firstM + warpM + g) * pitch + (firstN + warpN + 2 * i) * 4;
        CudaAsm.Emit(MmaText.Store, to, to + 8 * pitch, to + 16 * pitch, to + 24 * pitch);
    }
}
