using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Device addresses of attention's tensors; of pairs (log-sum-exp, delta) as <c>Statistics</c>; y or dqkv as <c>Result</c>.
/// </summary>
internal struct TensorAttentionAddresses
{
    public long Qkv, Dy, Statistics, LogSumExp, Result;
}

/// <summary>A head's rows in a tensor: the first one's address, and bytes from one to the next.</summary>
internal struct TensorAttentionRows
{
    public long First;
    public int Pitch;
}

/// <summary>Which side of the scores a group's 64 tokens are on.</summary>
internal interface ITensorAttentionPass
{
    /// <summary>Whether the group's own tokens are the queries, and the others the keys.</summary>
    static abstract bool OwnQueries { get; }
}

internal readonly struct TensorQueryPass : ITensorAttentionPass
{
    public static bool OwnQueries { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }
}

internal readonly struct TensorKeyPass : ITensorAttentionPass
{
    public static bool OwnQueries { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }
}

public sealed partial class IlgpuBackend
{
    /// <summary>A head's rows of q (part 0), k (1) or v (2) in packed projections.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TensorAttentionRows TensorPacked<TText>(AttentionGeometry g, AttentionBlockPlace p, long qkv, int part)
        where TText : struct, ITensorAttention
    {
        int width = g.Heads * TText.Head;
        return new() { First = qkv + 4 * ((long)p.N * g.Tokens * 3 * width + part * width + p.Head * TText.Head), Pitch = 12 * width };
    }

    /// <summary>A head's rows of y or dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TensorAttentionRows TensorOutput<TText>(AttentionGeometry g, AttentionBlockPlace p, long y)
        where TText : struct, ITensorAttention
    {
        int width = g.Heads * TText.Head;
        return new() { First = y + 4 * ((long)p.N * g.Tokens * width + p.Head * TText.Head), Pitch = 4 * width };
    }

    /// <summary>A block of rows to registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorFetch<TText>(TensorAttentionRows rows, int first, int tokens)
        where TText : struct, ITensorAttention =>
        TText.Fetch(rows.First + TensorAttentionTile.CopyFrom<TText>(Group.IdxX), first + TensorAttentionTile.CopyRow<TText>(Group.IdxX),
            tokens - 1, rows.Pitch);

    /// <summary>The group's own 64 rows to shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorLoadOwn<TText>(TensorAttentionRows rows, int first, int tokens, int to)
        where TText : struct, ITensorAttention
    {
        for (int row = 0; row < TensorAttentionTile.Rows; row += TText.Block)
        {
            TensorFetch<TText>(rows, first + row, tokens);
            TText.Place(to + row * TensorAttentionTile.Pitch<TText>() + TensorAttentionTile.CopyTo<TText>(Group.IdxX));
        }
    }

    /// <summary>Columns of a lane's first two channels in a row of a result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TensorResultColumn<TText>(int lane)
        where TText : struct, ITensorAttention => (lane & 3) * (TText.IsBf16 ? 2 : 8);

    /// <summary>
    /// y_i = sum_j softmax_j(q_i . k_j / sqrt(d)) v_j and lse_i for 64 queries a group (own queries), or dv_j = sum_i p_ij dy_i for 64
    /// keys. Four warps of 16 tokens; the others come in blocks, float32 through registers and rounded once a group into shared memory, one
    /// operand while the other is multiplied. Scores and weights never leave the registers. Grid: <see cref="LocateBlock"/>. 4 Tokens^2 d
    /// FLOPs a head; a group reads its own rows once and both of the others' once, 8 d bytes a token. All sums in a fixed order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorAttend<TText, TPass>(AttentionGeometry g, TensorAttentionAddresses a)
        where TText : struct, ITensorAttention
        where TPass : struct, ITensorAttentionPass
    {
        TText.Declare();
        TensorAttentionTile.Declare();
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        var p = LocateBlock(g);
        int pitch = TensorAttentionTile.Pitch<TText>();
        int own = TensorAttentionTile.Left<TText>(warp, lane), first = TensorAttentionTile.Rows * pitch,
            second = first + TText.Block * pitch;
        int copy = TensorAttentionTile.CopyTo<TText>(thread);
        float scale = g.Scale * 1.44269504f;
        long statistics = a.Statistics + 8L * ((p.N * g.Heads + p.Head) * g.Tokens);
        var others = TensorPacked<TText>(g, p, a.Qkv, TPass.OwnQueries ? 1 : 0);
        var values = TPass.OwnQueries ? TensorPacked<TText>(g, p, a.Qkv, 2) : TensorOutput<TText>(g, p, a.Dy);

        TensorLoadOwn<TText>(TensorPacked<TText>(g, p, a.Qkv, TPass.OwnQueries ? 0 : 1), p.First, g.Tokens, 0);
        TensorFetch<TText>(others, 0, g.Tokens);
        TText.Place(first + copy);
        for (int at = 0; at < g.Tokens; at += TText.Block)
        {
            TensorFetch<TText>(values, at, g.Tokens);
            // The scores' operands are there, for all warps; and all have read the values that are replaced.
            CudaAsm.Emit("bar.sync 0;");
            TText.Scores(own, first + TensorAttentionTile.Right<TText>(lane));
            TText.Place(second + copy);
            // The same for all warps: none parts.
            if (at + TText.Block > g.Tokens)
                TText.Mask(g.Tokens - at - (lane & 3) * 2);
            if (TPass.OwnQueries)
            {
                TText.Softmax(scale);
            }
            else
            {
                TText.WeighColumns(scale, statistics, at + (lane & 3) * 2, g.Tokens - 1);
                TText.UseWeights();
            }
            // The values are there; and all have read the keys that are replaced.
            CudaAsm.Emit("bar.sync 0;");
            // Behind the last block its last row again and again, from the cache.
            TensorFetch<TText>(others, at + TText.Block, g.Tokens);
            TText.Add(second + TensorAttentionTile.Values<TText>(lane));
            TText.Place(first + copy);
        }
        int row = p.First + warp * 16 + (lane >> 2);
        var results = TPass.OwnQueries ? TensorOutput<TText>(g, p, a.Result) : TensorPacked<TText>(g, p, a.Result, 2);
        if (TPass.OwnQueries)
        {
            TText.Divide(g.Scale);
            bool writes = (lane & 3) == 0;
            TText.StoreLogSumExp(a.LogSumExp + 4L * ((p.N * g.Heads + p.Head) * g.Tokens + row), writes & row < g.Tokens,
                writes & row + 8 < g.Tokens);
        }
        TText.Store(results.First + (long)row * results.Pitch + 4 * TensorResultColumn<TText>(lane), results.Pitch, row < g.Tokens,
            row + 8 < g.Tokens);
    }
}
