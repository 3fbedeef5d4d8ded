using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu;

/// <summary>Softmax on a thread's part of the scores.</summary>
internal static class AttentionSoftmax
{
    public const float Lowest = float.MinValue;

    /// <summary>Scores times <paramref name="scale"/>; columns from <paramref name="left"/> on do not exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAndMask(ref Tile8x4 s, float scale, int left)
    {
        ScaleAndMask(ref s.R0, scale, left);
        ScaleAndMask(ref s.R1, scale, left);
        ScaleAndMask(ref s.R2, scale, left);
        ScaleAndMask(ref s.R3, scale, left);
        ScaleAndMask(ref s.R4, scale, left);
        ScaleAndMask(ref s.R5, scale, left);
        ScaleAndMask(ref s.R6, scale, left);
        ScaleAndMask(ref s.R7, scale, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleAndMask(ref Float4 v, float scale, int left) => v = new(
        Utilities.Select(left > 0, scale * v.X, Lowest), Utilities.Select(left > 1, scale * v.Y, Lowest),
        Utilities.Select(left > 2, scale * v.Z, Lowest), Utilities.Select(left > 3, scale * v.W, Lowest));

    /// <summary>The larger of each row's scores and <paramref name="floor"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Column8 Largest(in Tile8x4 s, Column8 floor) => new()
    {
        Top = new(Largest(s.R0, floor.Top.X), Largest(s.R1, floor.Top.Y), Largest(s.R2, floor.Top.Z), Largest(s.R3, floor.Top.W)),
        Bottom = new(Largest(s.R4, floor.Bottom.X), Largest(s.R5, floor.Bottom.Y), Largest(s.R6, floor.Bottom.Z),
            Largest(s.R7, floor.Bottom.W)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Float4 v, float floor) => XMath.Max(XMath.Max(XMath.Max(v.X, v.Y), XMath.Max(v.Z, v.W)), floor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Max(Float4 a, Float4 b) => new(XMath.Max(a.X, b.X), XMath.Max(a.Y, b.Y), XMath.Max(a.Z, b.Z), XMath.Max(a.W, b.W));

    /// <summary>exp(a - b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 ExpDifference(Float4 a, Float4 b) =>
        new(XMath.Exp(a.X - b.X), XMath.Exp(a.Y - b.Y), XMath.Exp(a.Z - b.Z), XMath.Exp(a.W - b.W));

    /// <summary>score = exp(score - log), row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exp(ref Tile8x4 s, Column8 log)
    {
        s.R0 = Exp(s.R0, log.Top.X);
        s.R1 = Exp(s.R1, log.Top.Y);
        s.R2 = Exp(s.R2, log.Top.Z);
        s.R3 = Exp(s.R3, log.Top.W);
        s.R4 = Exp(s.R4, log.Bottom.X);
        s.R5 = Exp(s.R5, log.Bottom.Y);
        s.R6 = Exp(s.R6, log.Bottom.Z);
        s.R7 = Exp(s.R7, log.Bottom.W);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Exp(Float4 v, float log) =>
        new(XMath.Exp(v.X - log), XMath.Exp(v.Y - log), XMath.Exp(v.Z - log), XMath.Exp(v.W - log));

    /// <summary>sum = shrink sum + the rows' weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddRows(ref Column8 sum, Column8 shrink, in Tile8x4 p)
    {
        sum.Top = new(shrink.Top.X * sum.Top.X + Float4.Sum(p.R0), shrink.Top.Y * sum.Top.Y + Float4.Sum(p.R1),
            shrink.Top.Z * sum.Top.Z + Float4.Sum(p.R2), shrink.Top.W * sum.Top.W + Float4.Sum(p.R3));
        sum.Bottom = new(shrink.Bottom.X * sum.Bottom.X + Float4.Sum(p.R4), shrink.Bottom.Y * sum.Bottom.Y + Float4.Sum(p.R5),
            shrink.Bottom.Z * sum.Bottom.Z + Float4.Sum(p.R6), shrink.Bottom.W * sum.Bottom.W + Float4.Sum(p.R7));
    }

    /// <summary>Row i times s[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleRows(ref Tile8x8 acc, Column8 s)
    {
        acc.R0L = Float4.Scale(s.Top.X, acc.R0L);
        acc.R0R = Float4.Scale(s.Top.X, acc.R0R);
        acc.R1L = Float4.Scale(s.Top.Y, acc.R1L);
        acc.R1R = Float4.Scale(s.Top.Y, acc.R1R);
        acc.R2L = Float4.Scale(s.Top.Z, acc.R2L);
        acc.R2R = Float4.Scale(s.Top.Z, acc.R2R);
        acc.R3L = Float4.Scale(s.Top.W, acc.R3L);
        acc.R3R = Float4.Scale(s.Top.W, acc.R3R);
        acc.R4L = Float4.Scale(s.Bottom.X, acc.R4L);
        acc.R4R = Float4.Scale(s.Bottom.X, acc.R4R);
        acc.R5L = Float4.Scale(s.Bottom.Y, acc.R5L);
        acc.R5R = Float4.Scale(s.Bottom.Y, acc.R5R);
        acc.R6L = Float4.Scale(s.Bottom.Z, acc.R6L);
        acc.R6R = Float4.Scale(s.Bottom.Z, acc.R6R);
        acc.R7L = Float4.Scale(s.Bottom.W, acc.R7L);
        acc.R7R = Float4.Scale(s.Bottom.W, acc.R7R);
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>Forward through shared memory: true if it was done, false where the plan says otherwise.</summary>
    private bool SharedTileAttentionForward(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        int width = AttentionPlan.SharedWidth(Tiling, s, Aligned(qkv) && Aligned(y));
        if (width == 0)
            return false;
        LaunchGroups(width switch
        {
            64 => AttentionShared64Kernel,
            128 => AttentionShared128Kernel,
            _ => (Action<AttentionGeometry, ArrayView<Float4>, ArrayView<Float4>, ArrayView<float>>)AttentionShared256Kernel,
        }, AttentionPlan.Groups(s), Geometry(s), View4(qkv), View4(y), View(lse));
        return true;
    }

    /// <summary>A group's head and the first of its 64 tokens.</summary>
    private struct AttentionBlockPlace
    {
        public int Head, N, First;
    }

    /// <summary>
    /// Grid: blocks of 64 tokens fastest, so that neighbouring groups read the same keys and values; then heads, then samples.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionBlockPlace LocateBlock(AttentionGeometry g)
    {
        int blocks = (g.Tokens + SharedTileAttention.Rows - 1) / SharedTileAttention.Rows;
        AttentionBlockPlace p;
        int rest = Grid.IdxX / blocks;
        p.First = (Grid.IdxX - rest * blocks) * SharedTileAttention.Rows;
        p.N = rest / g.Heads;
        p.Head = rest - p.N * g.Heads;
        return p;
    }

    /// <summary>A head's rows of q (part 0), k (1) or v (2) in packed projections.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionRows PackedRows(AttentionGeometry g, AttentionBlockPlace p, ArrayView<Float4> qkv, int part)
    {
        int size = g.HeadSize / 4, width = g.Heads * size;
        return new() { View = qkv, From = p.N * g.Tokens * 3 * width + part * width + p.Head * size, Pitch = 3 * width, Count = g.Tokens };
    }

    /// <summary>A head's rows of y or dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionRows OutputRows(AttentionGeometry g, AttentionBlockPlace p, ArrayView<Float4> y)
    {
        int size = g.HeadSize / 4, width = g.Heads * size;
        return new() { View = y, From = p.N * g.Tokens * width + p.Head * size, Pitch = width, Count = g.Tokens };
    }

    [Kernel(64, Hot = true)]
    internal static void AttentionShared64Kernel(AttentionGeometry g, ArrayView<Float4> qkv, ArrayView<Float4> y, ArrayView<float> lse) =>
        AttentionShared<AttentionWidth64>(g, qkv, y, lse, SharedMemory.Allocate<Float4>(SharedTileAttention.Shared64));

    [Kernel(128, Hot = true)]
    internal static void AttentionShared128Kernel(AttentionGeometry g, ArrayView<Float4> qkv, ArrayView<Float4> y, ArrayView<float> lse) =>
        AttentionShared<AttentionWidth128>(g, qkv, y, lse, SharedMemory.Allocate<Float4>(SharedTileAttention.Shared128));

    [Kernel(256, Hot = true)]
    internal static void AttentionShared256Kernel(AttentionGeometry g, ArrayView<Float4> qkv, ArrayView<Float4> y, ArrayView<float> lse) =>
        AttentionShared<AttentionWidth256>(g, qkv, y, lse, SharedMemory.Allocate<Float4>(SharedTileAttention.Shared256));

    /// <summary>
    /// y_i = sum_j softmax_j(q_i . k_j / sqrt(d)) v_j and lse_i for 64 queries i of a head a group, whatever d up to the width W: keys come
    /// in blocks of W/2, whose scores are computed once, with the running maximum and sum of Milakov and Gimelshein 2018 (Dao et al. 2022).
    /// Grid:
    /// <see cref="LocateBlock"/>; W threads. 4 Tokens^2 d FLOPs a head; a group reads its q once for each block of keys, and k and v once:
    /// 16 to 21 FLOPs for each byte from the cache. y is written once. All sums in a fixed order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AttentionShared<TWidth>(AttentionGeometry g, ArrayView<Float4> qkv, ArrayView<Float4> y, ArrayView<float> lse,
        ArrayView<Float4> shared)
        where TWidth : struct, IAttentionWidth
    {
        var weights = shared.SubView(2 * SharedTileAttention.Buffer<TWidth>());
        // Each thread's largest scores, for the others with the same rows: in the second buffer, which the second product fills only after
        // its first barrier.
        var perThread = shared.SubView(SharedTileAttention.Buffer<TWidth>());
        var p = LocateBlock(g);
        int size = g.HeadSize / 4;
        var q = AttentionRows.Skip(PackedRows(g, p, qkv, 0), p.First);
        int rows = Group.IdxX / SharedTileAttention.PerRow<TWidth>() * 2, column = Group.IdxX % SharedTileAttention.PerRow<TWidth>();
        int own = SharedTileAttention.PlaceOf(column, rows);
        var max = new Column8
        {
            Top = new(AttentionSoftmax.Lowest, AttentionSoftmax.Lowest, AttentionSoftmax.Lowest, AttentionSoftmax.Lowest),
            Bottom = new(AttentionSoftmax.Lowest, AttentionSoftmax.Lowest, AttentionSoftmax.Lowest, AttentionSoftmax.Lowest),
        };
        var sum = new Column8();
        var acc = new Tile8x8();
        for (int first = 0; first < g.Tokens; first += SharedTileAttention.Columns<TWidth>())
        {
            var s = SharedTileAttention.Scores<TWidth>(q, AttentionRows.Skip(PackedRows(g, p, qkv, 1), first), size, shared);
            AttentionSoftmax.ScaleAndMask(ref s, g.Scale, g.Tokens - first - 4 * column);
            var largest = AttentionSoftmax.Largest(s, max);
            perThread[own] = largest.Top;
            perThread[own ^ 1] = largest.Bottom;
            Group.Barrier();
            for (int c = 0; c < SharedTileAttention.PerRow<TWidth>(); c++)
            {
                int other = SharedTileAttention.PlaceOf(c, rows);
                largest.Top = AttentionSoftmax.Max(largest.Top, perThread[other]);
                largest.Bottom = AttentionSoftmax.Max(largest.Bottom, perThread[other ^ 1]);
            }
            var shrink = new Column8
            {
                Top = AttentionSoftmax.ExpDifference(max.Top, largest.Top),
                Bottom = AttentionSoftmax.ExpDifference(max.Bottom, largest.Bottom),
            };
            max = largest;
            AttentionSoftmax.Exp(ref s, max);
            AttentionSoftmax.AddRows(ref sum, shrink, s);
            AttentionSoftmax.ScaleRows(ref acc, shrink);
            SharedTileAttention.StoreWeights<TWidth>(weights, s);
            SharedTileAttention.AddWeighted<TWidth>(ref acc, weights, AttentionRows.Skip(PackedRows(g, p, qkv, 2), first), size, shared);
        }
        // The sums of the threads with the same rows; nobody reads the buffers now.
        perThread[own] = sum.Top;
        perThread[own ^ 1] = sum.Bottom;
        Group.Barrier();
        sum = new Column8();
        for (int c = 0; c < SharedTileAttention.PerRow<TWidth>(); c++)
        {
            int other = SharedTileAttention.PlaceOf(c, rows);
            Float4.AddScaled(ref sum.Top, 1f, perThread[other]);
            Float4.AddScaled(ref sum.Bottom, 1f, perThread[other ^ 1]);
        }
        var norm = new Column8
        {
            Top = new(1f / sum.Top.X, 1f / sum.Top.Y, 1f / sum.Top.Z, 1f / sum.Top.W),
            Bottom = new(1f / sum.Bottom.X, 1f / sum.Bottom.Y, 1f / sum.Bottom.Z, 1f / sum.Bottom.W),
        };
        AttentionSoftmax.ScaleRows(ref acc, norm);
        SharedTileAttention.Store<TWidth>(acc, AttentionRows.Skip(OutputRows(g, p, y), p.First), size);
        if (column == 0)
        {
            int row = p.First + rows * 4, at = (p.N * g.Heads + p.Head) * g.Tokens;
            StoreLogSumExp(lse, at, row, g.Tokens, max.Top, sum.Top);
            StoreLogSumExp(lse, at, row + 4, g.Tokens, max.Bottom, sum.Bottom);
        }
    }

    /// <summary>max + ln sum of four rows, those that exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLogSumExp(ArrayView<float> lse, int at, int row, int tokens, Float4 max, Float4 sum)
    {
        if (row < tokens)
            lse[at + row] = max.X + XMath.Log(sum.X);
        if (row + 1 < tokens)
            lse[at + row + 1] = max.Y + XMath.Log(sum.Y);
        if (row + 2 < tokens)
            lse[at + row + 2] = max.Z + XMath.Log(sum.Z);
        if (row + 3 < tokens)
            lse[at + row + 3] = max.W + XMath.Log(sum.W);
    }
}
