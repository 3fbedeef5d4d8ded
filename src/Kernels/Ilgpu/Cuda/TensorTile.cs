using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>
/// The tile that a group of 256 threads computes on tensor cores: 128 rows of A by 128 rows of B (columns of the product), 64 bytes of
/// both a step (16 TF32 or 32 BF16 values of the sum). Three steps lie in shared memory (48 KiB), two of them on their way.
/// </summary>
/// <remarks>
/// A row of a step is 64 bytes, four pieces of 16. Piece c of row r lies at place c xor (r / 2 mod 4), so that the eight rows that
/// ldmatrix reads at once, and the pieces that eight neighbouring threads write, fall into all 32 banks. Both precisions have the same
/// bytes: an ldmatrix fragment is 16 rows of 32 bytes, a step of m16n8k8 in TF32 and of m16n8k16 in BF16.
/// </remarks>
internal static class TensorTile
{
    public const int Rows = 128, Columns = 128, StepBytes = 64, Stages = 3;

    /// <summary>Shared bytes of A's tile; B's lies behind it.</summary>
    public const int TileBytes = Rows * StepBytes, StageBytes = 2 * TileBytes;

    /// <summary>Rows between the two that a thread copies.</summary>
    public const int CopyRows = 64;

    /// <summary>Where piece <paramref name="piece"/> of row <paramref name="row"/> lies in a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int row, int piece) => row * StepBytes + ((piece ^ row >> 1 & 3) << 4);

    /// <summary>The first row and the piece that a thread copies: four threads a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyRow(int thread) => thread >> 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyPiece(int thread) => thread & 3;

    /// <summary>First row of A of a warp: two warps of 64 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WarpRow(int warp) => (warp & 1) * 64;

    /// <summary>First row of B of a warp: four warps of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WarpColumn(int warp) => (warp >> 1) * 32;

    /// <summary>Shared offset that a lane gives ldmatrix for A: lanes 0-15 the rows of the first 16 bytes, lanes 16-31 those of the second. The other half of the step: xor 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentA(int warp, int lane) => Place(WarpRow(warp) + (lane & 15), lane >> 4);

    /// <summary>The same for B, two tiles of 8 columns: lanes 0-7 first piece of the first, 8-15 second piece, 16-31 the second tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentB(int warp, int lane) => TileBytes + Place(WarpColumn(warp) + (lane >> 4) * 8 + (lane & 7), lane >> 3 & 1);

    /// <summary>Row of the tile that a lane's first two accumulators belong to; the next two lie 8 rows below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ResultRow(int warp, int lane) => WarpRow(warp) + (lane >> 2);

    /// <summary>Column of the tile that a lane's first accumulator belongs to; the second is its neighbour.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ResultColumn(int warp, int lane) => WarpColumn(warp) + (lane & 3) * 2;
}
