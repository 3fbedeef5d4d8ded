using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Whose gradient a group computes: 64 queries' (dq), or 64 keys' and values' (dk and dv).</summary>
internal interface IAttentionSide
{
    static abstract bool IsQuery { get; }
}

internal readonly struct AttentionQuerySide : IAttentionSide
{
    public static bool IsQuery { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }
}

internal readonly struct AttentionKeySide : IAttentionSide
{
    public static bool IsQuery { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }
}

public sealed partial class IlgpuBackend
{
    /// <summary>Backward through shared memory: true if it was done, false where the plan says otherwise.</summary>
    private bool SharedTileAttentionBackward(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        int width = AttentionPlan.SharedWidth(Tiling, s, Aligned(dy) && Aligned(qkv) && Aligned(dqkv));
        if (width == 0)
            return false;
        var g = Geometry(s);
        int groups = AttentionPlan.Groups(s);
        using var delta = Empty(s.LogSumExp);
        using var rows = Empty(new Shape(s.LogSumExp.Length, 2));
        Launch(AttentionDeltaKernel, s.LogSumExp.Length, g, View(dy), View(y), View(delta));
        Launch(AttentionRowsKernel, s.LogSumExp.Length, View(lse), View(delta), View(rows).Cast<Float2>());
        Action<AttentionGeometry, ArrayView<Float4>, ArrayView<Float4>, ArrayView<Float2>, ArrayView<Float4>> query = width switch
        {
            64 => AttentionSharedQueryGradient64Kernel,
            128 => AttentionSharedQueryGradient128Kernel,
            _ => AttentionSharedQueryGradient256Kernel,
        }, key = width switch
        {
            64 => AttentionSharedKeyValueGradient64Kernel,
            128 => AttentionSharedKeyValueGradient128Kernel,
            _ => AttentionSharedKeyValueGradient256Kernel,
        };
        LaunchGroups(query, groups, g, View4(dy), View4(qkv), View(rows).Cast<Float2>(), View4(dqkv));
        LaunchGroups(key, groups, g, View4(dy), View4(qkv), View(rows).Cast<Float2>(), View4(dqkv));
        return true;
    }

    /// <summary>rows[t] = (lse[t], delta[t]), so that one load brings both. One thread each; 8 bytes read, 8 written.</summary>
    [Kernel]
    internal static void AttentionRowsKernel(Index1D t, ArrayView<float> lse, ArrayView<float> delta, ArrayView<Float2> rows) =>
        rows[t] = new Float2 { X = lse[t], Y = delta[t] };

    [Kernel(64, Hot = true)]
    internal static void AttentionSharedQueryGradient64Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth64, AttentionQuerySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared64));

    [Kernel(128, Hot = true)]
    internal static void AttentionSharedQueryGradient128Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth128, AttentionQuerySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared128));

    [Kernel(256, Hot = true)]
    internal static void AttentionSharedQueryGradient256Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth256, AttentionQuerySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared256));

    [Kernel(64, Hot = true)]
    internal static void AttentionSharedKeyValueGradient64Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth64, AttentionKeySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared64));

    [Kernel(128, Hot = true)]
    internal static void AttentionSharedKeyValueGradient128Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth128, AttentionKeySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared128));

    [Kernel(256, Hot = true)]
    internal static void AttentionSharedKeyValueGradient256Kernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows, ArrayView<Float4> dqkv) =>
        AttentionGradient<AttentionWidth256, AttentionKeySide>(g, dy, qkv, rows, dqkv,
            SharedMemory.Allocate<Float4>(SharedTileAttention.Shared256));

    /// <summary>
    /// With p_ij = exp(q_i . k_j / sqrt(d) - lse_i), ds_ij = p_ij (dy_i . v_j - delta_i) / sqrt(d): dq_i = sum_j ds_ij k_j for 64 queries a
    /// group, or dk_j = sum_i ds_ij q_i and dv_j = sum_i p_ij dy_i for 64 keys, the other tokens in blocks of W/2. p and ds are
    /// computed once for each pair and kernel, and go through the same place in shared memory. Grid: <see cref="LocateBlock"/>; W threads.
    /// 6 Tokens^2 d FLOPs a head for dq, 8 for dk and dv; 16 to 21 FLOPs for each byte from the cache. Each gradient is written once and
    /// summed in a fixed order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AttentionGradient<TWidth, TSide>(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<Float2> rows,
        ArrayView<Float4> dqkv, ArrayView<Float4> shared)
        where TWidth : struct, IAttentionWidth
        where TSide : struct, IAttentionSide
    {
        var weights = shared.SubView(2 * SharedTileAttention.Buffer<TWidth>());
        var p = LocateBlock(g);
        int size = g.HeadSize / 4;
        int ownRow = p.First + Group.IdxX / SharedTileAttention.PerRow<TWidth>() * 8,
            column = Group.IdxX % SharedTileAttention.PerRow<TWidth>() * 4;
        int firstStatistic = (p.N * g.Heads + p.Head) * g.Tokens;
        var dk = new Tile8x8(); // or dq
        var dv = new Tile8x8();
        for (int first = 0; first < g.Tokens; first += SharedTileAttention.Columns<TWidth>())
        {
            // The group's own rows and the others': q and k, or k and q.
            var own = AttentionRows.Skip(PackedRows(g, p, qkv, TSide.IsQuery ? 0 : 1), p.First);
            var others = AttentionRows.Skip(PackedRows(g, p, qkv, TSide.IsQuery ? 1 : 0), first);
            var s = SharedTileAttention.Scores<TWidth>(own, others, size, shared);
            AttentionSoftmax.ScaleAndMask(ref s, g.Scale, g.Tokens - first - column);
            SubtractAndExp<TSide>(ref s, rows, firstStatistic, ownRow, first + column, g.Tokens);
            SharedTileAttention.StoreWeights<TWidth>(weights, s);

            // dy and v, or v and dy.
            var outputs = OutputRows(g, p, dy);
            var values = PackedRows(g, p, qkv, 2);
            var ownSecond = AttentionRows.Skip(TSide.IsQuery ? outputs : values, p.First);
            var othersSecond = AttentionRows.Skip(TSide.IsQuery ? values : outputs, first);
            if (!TSide.IsQuery)
                SharedTileAttention.AddWeighted<TWidth>(ref dv, weights, othersSecond, size, shared);
            var ds = SharedTileAttention.Scores<TWidth>(ownSecond, othersSecond, size, shared);
            SubtractDelta<TSide>(ref ds, rows, firstStatistic, ownRow, first + column, g.Tokens);
            SharedTileAttention.MultiplyWeights<TWidth>(weights, ds, g.Scale);
            SharedTileAttention.AddWeighted<TWidth>(ref dk, weights, others, size, shared);
        }
        SharedTileAttention.Store<TWidth>(dk, AttentionRows.Skip(PackedRows(g, p, dqkv, TSide.IsQuery ? 0 : 1), p.First), size);
        if (!TSide.IsQuery)
            SharedTileAttention.Store<TWidth>(dv, AttentionRows.Skip(PackedRows(g, p, dqkv, 2), p.First), size);
    }

    /// <summary>The statistics of four queries; those behind the last have the last one's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Statistic(ArrayView<Float2> rows, int from, int token, int tokens, bool delta)
    {
        var a = rows[from + IntrinsicMath.Min(token, tokens - 1)];
        var b = rows[from + IntrinsicMath.Min(token + 1, tokens - 1)];
        var c = rows[from + IntrinsicMath.Min(token + 2, tokens - 1)];
        var d = rows[from + IntrinsicMath.Min(token + 3, tokens - 1)];
        return delta ? new(a.Y, b.Y, c.Y, d.Y) : new(a.X, b.X, c.X, d.X);
    }

    /// <summary>s = exp(s - lse): the queries' lse lies along the rows, or the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SubtractAndExp<TSide>(ref Tile8x4 s, ArrayView<Float2> rows, int from, int row, int column, int tokens)
        where TSide : struct, IAttentionSide
    {
        if (TSide.IsQuery)
        {
            AttentionSoftmax.Exp(ref s, new Column8
            {
                Top = Statistic(rows, from, row, tokens, false),
                Bottom = Statistic(rows, from, row + 4, tokens, false),
            });
            return;
        }
        var lse = Statistic(rows, from, column, tokens, false);
        s.R0 = AttentionSoftmax.ExpDifference(s.R0, lse);
        s.R1 = AttentionSoftmax.ExpDifference(s.R1, lse);
        s.R2 = AttentionSoftmax.ExpDifference(s.R2, lse);
        s.R3 = AttentionSoftmax.ExpDifference(s.R3, lse);
        s.R4 = AttentionSoftmax.ExpDifference(s.R4, lse);
        s.R5 = AttentionSoftmax.ExpDifference(s.R5, lse);
        s.R6 = AttentionSoftmax.ExpDifference(s.R6, lse);
        s.R7 = AttentionSoftmax.ExpDifference(s.R7, lse);
    }

    /// <summary>s -= delta, along the rows or the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SubtractDelta<TSide>(ref Tile8x4 s, ArrayView<Float2> rows, int from, int row, int column, int tokens)
        where TSide : struct, IAttentionSide
    {
        var one = new Float4(1f, 1f, 1f, 1f);
        if (TSide.IsQuery)
        {
            Float4 top = Statistic(rows, from, row, tokens, true), bottom = Statistic(rows, from, row + 4, tokens, true);
            Float4.AddScaled(ref s.R0, -top.X, one);
            Float4.AddScaled(ref s.R1, -top.Y, one);
            Float4.AddScaled(ref s.R2, -top.Z, one);
            Float4.AddScaled(ref s.R3, -top.W, one);
            Float4.AddScaled(ref s.R4, -bottom.X, one);
            Float4.AddScaled(ref s.R5, -bottom.Y, one);
            Float4.AddScaled(ref s.R6, -bottom.Z, one);
            Float4.AddScaled(ref s.R7, -bottom.W, one);
            return;
        }
        var delta = Statistic(rows, from, column, tokens, true);
        Float4.AddScaled(ref s.R0, -1f, delta);
        Float4.AddScaled(ref s.R1, -1f, delta);
        Float4.AddScaled(ref s.R2, -1f, delta);
        Float4.AddScaled(ref s.R3, -1f, delta);
        Float4.AddScaled(ref s.R4, -1f, delta);
        Float4.AddScaled(ref s.R5, -1f, delta);
        Float4.AddScaled(ref s.R6, -1f, delta);
        Float4.AddScaled(ref s.R7, -1f, delta);
    }
}
