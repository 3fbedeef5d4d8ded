using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Benchmarks.Ladder.Gemm;

/// <summary>
/// Step 9: three stages in shared memory, filled by cp.async. Copies of the next two steps are on their way while the tensor cores work on
/// this one, and pass no register.
///
/// Launch: (M/128) (N/64) groups of 256 threads, tiles as in step 8; 43.5 KiB of shared memory. FLOPs and bytes as before: 2 M N K FLOPs.
/// Faster because the time of a global load passes behind two steps of products, and because a copy is one instruction that needs no
/// registers to wait in. The library's kernel (TensorConvolution) goes on from here: ldmatrix brings four fragments in one instruction, an
/// exclusive-or instead of padding keeps the banks apart, and a tile of 128 x 128 halves the loads. CUDA alone, compute capability 8.0 and
/// newer.
/// </summary>
internal static class Gemm9Pipelined
{
    public const int GroupSize = 256;

    private const int Rows = 128, Columns = 64, Depth = 16;

    private const int Stages = 3;

    public static int Groups(GemmShape s) => s.M / Rows * (s.N / Columns);

    /// <param name="s">Extents.</param>
    /// <param name="a">Address of a.</param>
    /// <param name="b">Address of b.</param>
    /// <param name="c">Address of c.</param>
    [Kernel(GroupSize)]
    internal static void Kernel(GemmShape s, long a, long b, long c)
    {
        CudaAsm.Emit(MmaText.DeclareThreeStages);
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

        int steps = s.K / Depth, stage = 0, next = 0;
        // Steps -2 and -1 only copy: the pipeline fills.
        for (int step = 1 - Stages; step < steps; step++)
        {
            if (step >= 0)
            {
                CudaAsm.Emit("cp.async.wait_group 1;"); // all copies but the newest have arrived
                CudaAsm.Emit("bar.sync 0;"); // for all threads, and all have used the stage that is written next
            }
            if (step + Stages - 1 < steps)
            {
                CudaAsm.Emit(MmaText.CopyAsync, toA + next, fromA, 16);
                CudaAsm.Emit(MmaText.CopyAsync, toA + next + 64 * MmaText.PitchA, fromA + halfA, 16);
                CudaAsm.Emit(MmaText.CopyAsync, toB + next, fromB, 16);
                next = next == (Stages - 1) * MmaText.StageBytes ? 0 : next + MmaText.StageBytes;
                fromA += Depth * 4;
                fromB += stepB;
            }
            CudaAsm.Emit("cp.async.commit_group;"); // an empty group too, so that the count stays right
            if (step >= 0)
            {
                for (int k = 0; k < Depth; k += 8)
                {
                    CudaAsm.Emit(MmaText.LoadA, readA + stage + k * 4);
                    CudaAsm.Emit(MmaText.LoadB, readB + stage + k * MmaText.PitchB);
                    CudaAsm.Emit(MmaText.Round);
                    CudaAsm.Emit(MmaText.Multiply);
                }
                stage = stage == (Stages - 1) * MmaText.StageBytes ? 0 : stage + MmaText.StageBytes;
            }
        }
        long pitch = s.N * 4L;
        long to = c + (firstM + warpM + g) * pitch + (firstN + warpN + 2 * i) * 4;
        CudaAsm.Emit(MmaText.Store, to, to + 8 * pitch, to + 16 * pitch, to + 24 * pitch);
    }
}
