using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Attention;

/// <summary>Channels of a head that a group's tiles hold: 64, 128 or 256. The group has as many threads.</summary>
internal interface IAttentionWidth
{
    static abstract int Width { get; }
}

internal readonly struct AttentionWidth64 : IAttentionWidth
{
    public static int Width { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }
}

internal readonly struct AttentionWidth128 : IAttentionWidth
{
    public static int Width { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }
}

internal readonly struct AttentionWidth256 : IAttentionWidth
{
    public static int Width { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 256; }
}

/// <summary>Rows of one of a head's matrices (q, k, v or dy) as a group reads them, in Float4s.</summary>
internal struct AttentionRows
{
    public ArrayView<Float4> View;

    /// <summary>Where row 0 begins, how far the next lies, and how many there are; what lies behind them reads as 0.</summary>
    public int From, Pitch, Count;

    /// <summary>The same from row <paramref name="first"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionRows Skip(AttentionRows m, int first)
    {
        m.From += first * m.Pitch;
        m.Count -= first;
        return m;
    }
}

/// <summary>A thread's part of the scores: 8 rows of the block by 4 of its columns.</summary>
internal struct Tile8x4
{
    public Float4 R0, R1, R2, R3, R4, R5, R6, R7;

    /// <summary>tile[i][j] += a[i] b[j]: 12 values read, 32 multiply-adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOuter(Float4 top, Float4 bottom, Float4 b)
    {
        Float4.AddScaled(ref R0, top.X, b);
        Float4.AddScaled(ref R1, top.Y, b);
        Float4.AddScaled(ref R2, top.Z, b);
        Float4.AddScaled(ref R3, top.W, b);
        Float4.AddScaled(ref R4, bottom.X, b);
        Float4.AddScaled(ref R5, bottom.Y, b);
        Float4.AddScaled(ref R6, bottom.Z, b);
        Float4.AddScaled(ref R7, bottom.W, b);
    }
}

/// <summary>One value for each of a thread's 8 rows.</summary>
internal struct Column8
{
    public Float4 Top, Bottom;
}

/// <summary>
/// The two products that attention and its gradients are made of, for a group of W threads (W the width): rows x columns of two
/// matrices, 64 x W/2 with the sum over the head's channels, and 64 x W with the sum over W/2 tokens, whose left factor lies in shared
/// memory. A thread has 8 rows and 4 columns of the first, the same 8 rows and 8 columns of the second. Each step loads 8 values of the
/// sum, the next step's while this one's are used.
/// </summary>
/// <remarks>
/// Per value of the sum a thread reads 3 Float4s for 32 multiply-adds, and 4 for 64. The threads of a warp that have the same rows read
/// them at once; so does the whole warp at a width of 256. Shared memory in Float4s: two buffers, then the left factor of the second
/// product as [token][16], row piece r of token j at r xor (j / 4 mod 16): then neither the stores of 4 tokens by 8 threads side by side
/// nor the loads conflict.
/// </remarks>
internal static class SharedTileAttention
{
    /// <summary>Rows of a block, channels or tokens of a step.</summary>
    public const int Rows = 64, Depth = 8;

    private const int Rows4 = Rows / 4;

    /// <summary>Tokens of a block's columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Columns<TWidth>()
        where TWidth : struct, IAttentionWidth => TWidth.Width / 2;

    /// <summary>Threads with the same rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PerRow<TWidth>()
        where TWidth : struct, IAttentionWidth => TWidth.Width / 8;

    /// <summary>Float4s of a buffer: 8 values of 64 rows and W/2 columns, or of W columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Buffer<TWidth>()
        where TWidth : struct, IAttentionWidth => TWidth.Width == 256 ? 512 : 128 + TWidth.Width;

    /// <summary>Shared memory of a group in Float4s, the same sum for people: constants, since declarations want them.</summary>
    public const int Shared64 = 2 * 192 + 32 * Rows4, Shared128 = 2 * 256 + 64 * Rows4, Shared256 = 2 * 512 + 128 * Rows4;

    /// <summary>Place of rows 4 r .. 4 r + 3 of token <paramref name="token"/>'s weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int token, int r) => token * Rows4 + (r ^ (token >> 2 & 15));

    /// <summary>Place of what thread <paramref name="column"/> of those with rows 4 r .. 4 r + 3 says of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PlaceOf(int column, int r) => column * Rows4 + (r ^ column & 15);

    /// <summary>
    /// This thread's scores a_i . b_j, i its 8 rows, j its 4 columns. All threads of the group must call it; behind it nobody reads the
    /// buffers.
    /// </summary>
    /// <param name="a">At most 64 rows are used.</param>
    /// <param name="b">At most W/2 rows are used.</param>
    /// <param name="size">Float4s of a row.</param>
    /// <param name="buffers">Shared memory.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Tile8x4 Scores<TWidth>(AttentionRows a, AttentionRows b, int size, ArrayView<Float4> buffers)
        where TWidth : struct, IAttentionWidth
    {
        int t = Group.IdxX, columns = Columns<TWidth>(), columns4 = columns / 4;
        // 128 Float4s of a and W of b a step: a thread fetches one of b, and one of a (two at W = 64; at W = 256 every second thread does).
        int rowA = t % Rows, halfA = t / Rows, columnB = t % columns, halfB = t / columns;
        int fromA = a.From + rowA * a.Pitch + halfA, fromB = b.From + columnB * b.Pitch + halfB;
        int endA = Utilities.Select(rowA < a.Count, size, 0) - halfA, endB = Utilities.Select(columnB < b.Count, size, 0) - halfB;
        int toA = halfA * 4 * Rows + rowA, toB = Depth * Rows + halfB * 4 * columns + columnB;
        int readA = t / PerRow<TWidth>() * 2, readB = Depth * Rows4 + t % PerRow<TWidth>();
        int steps = (size + 1) / 2;
        var acc = new Tile8x4();
        for (int step = -1; step < steps; step++)
        {
            int at = 2 * (step + 1);
            Float4 a0 = new(0f, 0f, 0f, 0f), a1 = new(0f, 0f, 0f, 0f), b0 = new(0f, 0f, 0f, 0f);
            if (step + 1 < steps)
            {
                if (at < endA && (TWidth.Width <= 128 || halfA < 2))
                    a0 = a.View[fromA + at];
                if (TWidth.Width == 64 && at + 1 < endA)
                    a1 = a.View[fromA + at + 1];
                if (at < endB)
                    b0 = b.View[fromB + at];
            }
            if (step >= 0)
            {
                int buffer = (step & 1) * Buffer<TWidth>();
                for (int k = 0; k < Depth; k += 4)
                {
                    int left = buffer + readA + k * Rows4, right = buffer + readB + k * columns4;
                    acc.AddOuter(buffers[left], buffers[left + 1], buffers[right]);
                    acc.AddOuter(buffers[left + Rows4], buffers[left + Rows4 + 1], buffers[right + columns4]);
                    acc.AddOuter(buffers[left + 2 * Rows4], buffers[left + 2 * Rows4 + 1], buffers[right + 2 * columns4]);
                    acc.AddOuter(buffers[left + 3 * Rows4], buffers[left + 3 * Rows4 + 1], buffers[right + 3 * columns4]);
                }
            }
            if (step + 1 < steps)
            {
                int next = (step + 1 & 1) * Buffer<TWidth>() * 4;
                if (TWidth.Width <= 128 || halfA < 2)
                    SharedTile.StoreAcross(buffers, next + toA, Rows, a0);
                if (TWidth.Width == 64)
                    SharedTile.StoreAcross(buffers, next + toA + 4 * Rows, Rows, a1);
                SharedTile.StoreAcross(buffers, next + toB, columns, b0);
            }
            Group.Barrier();
        }
        return acc;
    }

    /// <summary>
    /// acc[i][c] += sum_j weight[j][i] b[j][c] over a block's tokens j: 8 rows by channels 4 t' .. 4 t' + 3 and W/2 more, t' the thread's
    /// number among those with the same rows. Its first barrier comes before the first weight is read. All threads of the group must call
    /// it.
    /// </summary>
    /// <param name="acc">The thread's sums.</param>
    /// <param name="weights">Shared memory: see <see cref="Place"/>.</param>
    /// <param name="b">At most W/2 rows are used.</param>
    /// <param name="size">Float4s of a row.</param>
    /// <param name="buffers">Shared memory; the second may still be read before the first barrier.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddWeighted<TWidth>(ref Tile8x8 acc, ArrayView<Float4> weights, AttentionRows b, int size, ArrayView<Float4> buffers)
        where TWidth : struct, IAttentionWidth
    {
        int t = Group.IdxX, width4 = TWidth.Width / 4;
        int row = t / width4, column = t % width4;
        int from = b.From + row * b.Pitch + column, count = Utilities.Select(column < size, b.Count, 0) - row;
        int rows = t / PerRow<TWidth>() * 2, read = t % PerRow<TWidth>();
        int steps = (IntrinsicMath.Min(b.Count, Columns<TWidth>()) + Depth - 1) / Depth;
        for (int step = -1; step < steps; step++)
        {
            int at = (step + 1) * Depth;
            Float4 b0 = new(0f, 0f, 0f, 0f), b1 = new(0f, 0f, 0f, 0f);
            if (step + 1 < steps)
            {
                if (at < count)
                    b0 = b.View[from + at * b.Pitch];
                if (at + 4 < count)
                    b1 = b.View[from + (at + 4) * b.Pitch];
            }
            if (step >= 0)
            {
                int buffer = (step & 1) * Buffer<TWidth>() + read;
                for (int k = 0; k < Depth; k += 4)
                {
                    int top = Place(step * Depth + k, rows), bottom = top ^ 1, right = buffer + k * width4;
                    AddLine<TWidth>(ref acc, weights, top, bottom, buffers, right);
                    AddLine<TWidth>(ref acc, weights, top + Rows4, bottom + Rows4, buffers, right + width4);
                    AddLine<TWidth>(ref acc, weights, top + 2 * Rows4, bottom + 2 * Rows4, buffers, right + 2 * width4);
                    AddLine<TWidth>(ref acc, weights, top + 3 * Rows4, bottom + 3 * Rows4, buffers, right + 3 * width4);
                }
            }
            if (step + 1 < steps)
            {
                int next = (step + 1 & 1) * Buffer<TWidth>() + t;
                buffers[next] = b0;
                buffers[next + TWidth.Width] = b1;
            }
            Group.Barrier();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddLine<TWidth>(ref Tile8x8 acc, ArrayView<Float4> weights, int top, int bottom,
        ArrayView<Float4> buffers, int right)
        where TWidth : struct, IAttentionWidth =>
        acc.AddOuter(weights[top], weights[bottom], buffers[right], buffers[right + PerRow<TWidth>()]);

    /// <summary>The thread's weights into the left factor of <see cref="AddWeighted"/>: 4 tokens of 8 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWeights<TWidth>(ArrayView<Float4> weights, in Tile8x4 p)
        where TWidth : struct, IAttentionWidth
    {
        int place = WeightsPlace<TWidth>();
        weights[place] = new(p.R0.X, p.R1.X, p.R2.X, p.R3.X);
        weights[place ^ 1] = new(p.R4.X, p.R5.X, p.R6.X, p.R7.X);
        weights[place + Rows4] = new(p.R0.Y, p.R1.Y, p.R2.Y, p.R3.Y);
        weights[(place ^ 1) + Rows4] = new(p.R4.Y, p.R5.Y, p.R6.Y, p.R7.Y);
        weights[place + 2 * Rows4] = new(p.R0.Z, p.R1.Z, p.R2.Z, p.R3.Z);
        weights[(place ^ 1) + 2 * Rows4] = new(p.R4.Z, p.R5.Z, p.R6.Z, p.R7.Z);
        weights[place + 3 * Rows4] = new(p.R0.W, p.R1.W, p.R2.W, p.R3.W);
        weights[(place ^ 1) + 3 * Rows4] = new(p.R4.W, p.R5.W, p.R6.W, p.R7.W);
    }

    /// <summary>The thread's own weights, times <paramref name="scale"/> s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyWeights<TWidth>(ArrayView<Float4> weights, in Tile8x4 s, float scale)
        where TWidth : struct, IAttentionWidth
    {
        int place = WeightsPlace<TWidth>();
        Multiply(weights, place, scale, new(s.R0.X, s.R1.X, s.R2.X, s.R3.X));
        Multiply(weights, place ^ 1, scale, new(s.R4.X, s.R5.X, s.R6.X, s.R7.X));
        Multiply(weights, place + Rows4, scale, new(s.R0.Y, s.R1.Y, s.R2.Y, s.R3.Y));
        Multiply(weights, (place ^ 1) + Rows4, scale, new(s.R4.Y, s.R5.Y, s.R6.Y, s.R7.Y));
        Multiply(weights, place + 2 * Rows4, scale, new(s.R0.Z, s.R1.Z, s.R2.Z, s.R3.Z));
        Multiply(weights, (place ^ 1) + 2 * Rows4, scale, new(s.R4.Z, s.R5.Z, s.R6.Z, s.R7.Z));
        Multiply(weights, place + 3 * Rows4, scale, new(s.R0.W, s.R1.W, s.R2.W, s.R3.W));
        Multiply(weights, (place ^ 1) + 3 * Rows4, scale, new(s.R4.W, s.R5.W, s.R6.W, s.R7.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(ArrayView<Float4> weights, int at, float scale, Float4 s)
    {
        var p = weights[at];
        weights[at] = new(scale * p.X * s.X, scale * p.Y * s.Y, scale * p.Z * s.Z, scale * p.W * s.W);
    }

    /// <summary>Where the thread's weights begin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WeightsPlace<TWidth>()
        where TWidth : struct, IAttentionWidth =>
        Place(Group.IdxX % PerRow<TWidth>() * 4, Group.IdxX / PerRow<TWidth>() * 2);

    /// <summary>Stores the thread's 8 rows of sums, those that exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TWidth>(in Tile8x8 acc, AttentionRows y, int size)
        where TWidth : struct, IAttentionWidth
    {
        int row = Group.IdxX / PerRow<TWidth>() * 8, column = Group.IdxX % PerRow<TWidth>();
        StoreRow<TWidth>(y, row, column, size, acc.R0L, acc.R0R);
        StoreRow<TWidth>(y, row + 1, column, size, acc.R1L, acc.R1R);
        StoreRow<TWidth>(y, row + 2, column, size, acc.R2L, acc.R2R);
        StoreRow<TWidth>(y, row + 3, column, size, acc.R3L, acc.R3R);
        StoreRow<TWidth>(y, row + 4, column, size, acc.R4L, acc.R4R);
        StoreRow<TWidth>(y, row + 5, column, size, acc.R5L, acc.R5R);
        StoreRow<TWidth>(y, row + 6, column, size, acc.R6L, acc.R6R);
        StoreRow<TWidth>(y, row + 7, column, size, acc.R7L, acc.R7R);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TWidth>(AttentionRows y, int row, int column, int size, Float4 left, Float4 right)
        where TWidth : struct, IAttentionWidth
    {
        if (row >= y.Count)
            return;
        int to = y.From + row * y.Pitch + column;
        if (column < size)
            y.View[to] = left;
        if (column + PerRow<TWidth>() < size)
            y.View[to + PerRow<TWidth>()] = right;
    }
}
