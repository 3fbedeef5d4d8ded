using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Benchmarks.Ladder.Convolution;

/// <summary>
/// Step 9: three stages in shared memory, filled by cp.async. Copies of the next two steps are on their way while the tensor cores work on
/// this one, and pass no register.
///
/// Launch: (N H W/128) (K/64) groups of 256 threads, tiles as in step 8; 43.5 KiB of shared memory. FLOPs and bytes as before: 18 N H W C K
/// FLOPs. Faster because the time of a global load passes behind two steps of products, and because a copy is one instruction that needs no
/// registers to wait in. The library's kernel (TensorConvolution) goes on from here: ldmatrix brings four fragments in one instruction, an
/// exclusive-or instead of padding keeps the banks apart, and a tile of 128 x 128 halves the loads. CUDA alone, compute capability 8.0 and
/// newer.
/// </summary>
internal static class Conv9Pipelined
{
    public const int GroupSize = 256;

    private const int Rows = 128, Columns = 64, Depth = 16;

    private const int Stages = 3;

    public static int Groups(ConvShape s) => s.N * s.H * s.W / Rows * (s.K / Columns);

    /// <param name="s">Extents.</param>
    /// <param name="x">Address of x.</param>
    /// <param name="w">Address of w.</param>
    /// <param name="y">Address of y.</param>
    [Kernel(GroupSize)]
    internal static void Kernel(ConvShape s, long x, long w, long y)
    {
        CudaAsm.Emit(MmaText.DeclareThreeStages);
        CudaAsm.Emit(MmaText.Zero);
        int t = Group.IdxX, warp = t >> 5, lane = t & 31;
        int tilesN = s.K / Columns;
        int firstM = Grid.IdxX / tilesN * Rows, firstN = Grid.IdxX % tilesN * Columns;

        // What this thread copies a step: 16 bytes each of two rows of A, 64 rows apart, and of one row of B.
        int rowA = t >> 2, rowB = t >> 4;
        int toA = rowA * MmaText.PitchA + (t & 3) * 16, toB = MmaText.BytesA + rowB * MmaText.PitchB + (t & 15) * 16;
        long fromB = w + ((long)rowB * s.K + firstN + (t & 15) * 4) * 4;
        int pixel0 = firstM + rowA, pixel1 = pixel0 + 64, piece = (t & 3) * 4;

        // What this lane reads and writes.
        int warpM = (warp & 3) * 32, warpN = (warp >> 2) * 32, g = lane >> 2, i = lane & 3;
        int readA = (warpM + g) * MmaText.PitchA + i * 4, readB = MmaText.BytesA + i * MmaText.PitchB + (warpN + g) * 4;

        int tap = 0, c0 = 0, source0 = Source(s, pixel0, 0), source1 = Source(s, pixel1, 0);
        int steps = 9 * s.C / Depth, stage = 0, next = 0;
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
                // In the padding nothing is read, but the address must still be one.
                CudaAsm.Emit(MmaText.CopyAsync, toA + next, x + ((long)Math.Max(source0, 0) + c0 + piece) * 4,
                    Utilities.Select(source0 >= 0, 16, 0));
                CudaAsm.Emit(MmaText.CopyAsync, toA + next + 64 * MmaText.PitchA, x + ((long)Math.Max(source1, 0) + c0 + piece) * 4,
                    Utilities.Select(source1 >= 0, 16, 0));
                CudaAsm.Emit(MmaText.CopyAsync, toB + next, fromB, 16);
                next = next == (Stages - 1) * MmaText.StageBytes ? 0 : next + MmaText.StageBytes;
                fromB += (long)Depth * s.K * 4;
                c0 += Depth;
                if (c0 == s.C)
                {
                    c0 = 0;
                    tap++;
                    source0 = Source(s, pixel0, tap);
                    source1 = Source(s, pixel1, tap);
                }
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
