using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>What a thread carries from global to shared memory a step: eight values of A and four of B.</summary>
internal struct TileFetch
{
    public Float4 A0, A1, B;
}

/// <summary>Where the two factors of a product come from: gathered from an image, straight from a matrix, or transposed.</summary>
internal interface ITileSource
{
    /// <summary>This thread's share of the next <see cref="SharedTile.Depth"/> values of the sum; zeros outside. Called in order.</summary>
    TileFetch Fetch();

    /// <summary>Puts it into the tiles: A as [Depth][Rows], B as [Depth][Columns], both in Float4s.</summary>
    void Store(TileFetch fetched, ArrayView<Float4> a, ArrayView<Float4> b);
}

/// <summary>
/// The float32 product of a group of 128 threads on a GPU: 128 rows by 64 columns, 8 x 8 sums a thread in registers, 8 values of the sum a
/// step. Two tiles lie in shared memory (12 KiB): while the multiply-adds use one, the next step's values are on their way to registers.
/// Step 7 of the ladder in benchmarks/Ladder, for any source.
/// </summary>
/// <remarks>
/// Per value of the sum a thread reads four Float4s from shared memory for 64 multiply-adds, and a group reads 768 bytes from global memory
/// for 16,384 FLOPs (21 FLOPs a byte). Its columns are two blocks of 4, 32 apart, so that eight neighbouring threads read 128 bytes in a
/// row.
/// </remarks>
internal static class SharedTile
{
    public const int GroupSize = 128, Rows = 128, Columns = 64, Depth = 8;

    /// <summary>The tiles' pitches in Float4s.</summary>
    public const int Rows4 = Rows / 4, Columns4 = Columns / 4;

    /// <summary>Tiles of a result of so many rows and columns.</summary>
    public static long Tiles(long rows, int columns) => (rows + Rows - 1) / Rows * ((columns + Columns - 1) / Columns);

    /// <summary>First of the thread's eight rows within the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Row(int thread) => thread / 8 * 8;

    /// <summary>The first Float4 of the thread's columns within the tile; the second lies 8 further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Column4(int thread) => thread % 8;

    /// <summary>The thread's sums over <paramref name="steps"/> fetches, in a fixed order. All threads of the group must call it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Tile8x8 Multiply<TSource>(ref TSource source, int steps)
        where TSource : struct, ITileSource
    {
        var tileA = SharedMemory.Allocate<Float4>(2 * Depth * Rows4);
        var tileB = SharedMemory.Allocate<Float4>(2 * Depth * Columns4);
        int row4 = Row(Group.IdxX) / 4, column4 = Column4(Group.IdxX);
        var acc = new Tile8x8();
        // Step -1 only fetches.
        for (int step = -1; step < steps; step++)
        {
            var fetched = new TileFetch();
            if (step + 1 < steps)
                fetched = source.Fetch();
            if (step >= 0)
            {
                int a = (step & 1) * Depth * Rows4 + row4, b = (step & 1) * Depth * Columns4 + column4;
                // Unrolled by hand: ptxas unrolls no loop that ILGPU closes with bra.uni, as in every kernel of groups, and its own
                // instructions would be a fifth of all.
                for (int k = 0; k < Depth; k += 4)
                {
                    AddLine(ref acc, tileA, a + k * Rows4, tileB, b + k * Columns4);
                    AddLine(ref acc, tileA, a + k * Rows4 + Rows4, tileB, b + k * Columns4 + Columns4);
                    AddLine(ref acc, tileA, a + k * Rows4 + 2 * Rows4, tileB, b + k * Columns4 + 2 * Columns4);
                    AddLine(ref acc, tileA, a + k * Rows4 + 3 * Rows4, tileB, b + k * Columns4 + 3 * Columns4);
                }
            }
            if (step + 1 < steps)
            {
                int next = step + 1 & 1;
                source.Store(fetched, tileA.SubView(next * Depth * Rows4, Depth * Rows4),
                    tileB.SubView(next * Depth * Columns4, Depth * Columns4));
            }
            Group.Barrier();
        }
        return acc;
    }

    /// <summary>One value of the sum: four loads, 64 multiply-adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddLine(ref Tile8x8 acc, ArrayView<Float4> tileA, int a, ArrayView<Float4> tileB, int b) =>
        acc.AddOuter(tileA[a], tileA[a + 1], tileB[b], tileB[b + 8]);

    /// <summary>
    /// Four values of one row, or column, of the result into four lines of a tile whose pitch is <paramref name="pitch"/> floats.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAcross(ArrayView<Float4> tile, int at, int pitch, Float4 v)
    {
        var single = tile.Cast<float>();
        single[at] = v.X;
        single[at + pitch] = v.Y;
        single[at + 2 * pitch] = v.Z;
        single[at + 3 * pitch] = v.W;
    }
}
