using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// With p_ij = exp(q_i . k_j / sqrt(d) - lse_i), ds_ij = p_ij (dy_i . v_j - delta_i): dq_i = sum_j ds_ij k_j / sqrt(d) for 64 queries a
    /// group, or dk_j = sum_i ds_ij q_i / sqrt(d) for 64 keys, and dv_j = sum_i p_ij dy_i with it where registers are left (heads up to
    /// 128). Laid out as
    /// <see cref="TensorAttend"/>, with two operands of either side. 6 Tokens^2 d FLOPs a head, 8 with dv; a group reads 8 d
    /// bytes a token of both sides. All sums in a fixed order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorAttentionGradient<TText, TPass, TSecond>(AttentionGeometry g, TensorAttentionAddresses a)
        where TText : struct, ITensorAttention
        where TPass : struct, ITensorAttentionPass
        where TSecond : struct, ITensorAttentionSecond
    {
        TText.Declare();
        if (TSecond.Exists)
            TSecond.DeclareSecond();
        TensorAttentionTile.Declare();
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        var p = LocateBlock(g);
        int pitch = TensorAttentionTile.Pitch<TText>();
        int own = TensorAttentionTile.Left<TText>(warp, lane), right = TensorAttentionTile.Right<TText>(lane),
            values = TensorAttentionTile.Values<TText>(lane);
        int ownSecond = own + TensorAttentionTile.Rows * pitch, first = 2 * TensorAttentionTile.Rows * pitch,
            second = first + TText.Block * pitch;
        int copy = TensorAttentionTile.CopyTo<TText>(thread), row = p.First + warp * 16 + (lane >> 2);
        float scale = g.Scale * 1.44269504f;
        long statistics = a.Statistics + 8L * ((p.N * g.Heads + p.Head) * g.Tokens);
        // The other side's: k and v, or q and dy.
        var others = TensorPacked<TText>(g, p, a.Qkv, TPass.OwnQueries ? 1 : 0);
        var othersSecond = TPass.OwnQueries ? TensorPacked<TText>(g, p, a.Qkv, 2) : TensorOutput<TText>(g, p, a.Dy);

        TensorLoadOwn<TText>(TensorPacked<TText>(g, p, a.Qkv, TPass.OwnQueries ? 0 : 1), p.First, g.Tokens, 0);
        TensorLoadOwn<TText>(TPass.OwnQueries ? TensorOutput<TText>(g, p, a.Dy) : TensorPacked<TText>(g, p, a.Qkv, 2), p.First, g.Tokens,
            TensorAttentionTile.Rows * pitch);
        if (TPass.OwnQueries)
            TText.LoadStatistics(statistics + 8L * IntrinsicMath.Min(row, g.Tokens - 1),
                statistics + 8L * IntrinsicMath.Min(row + 8, g.Tokens - 1));
        TensorFetch<TText>(others, 0, g.Tokens);
        TText.Place(first + copy);
        for (int at = 0; at < g.Tokens; at += TText.Block)
        {
            int column = at + (lane & 3) * 2;
            TensorFetch<TText>(othersSecond, at, g.Tokens);
            // The first operand of the block is there, for all warps.
            CudaAsm.Emit("bar.sync 0;");
            TText.Scores(own, first + right);
            TText.Place(second + copy);
            // The same for all warps: none parts.
            if (at + TText.Block > g.Tokens)
                TText.Mask(g.Tokens - column);
            if (TPass.OwnQueries)
                TText.WeighRows(scale);
            else
                TText.WeighColumns(scale, statistics, column, g.Tokens - 1);
            // The second operand is there.
            CudaAsm.Emit("bar.sync 0;");
            // Behind the last block its last row again and again, from the cache.
            TensorFetch<TText>(others, at + TText.Block, g.Tokens);
            if (TSecond.Exists)
                TSecond.AddSecond(second + values);
            TText.Scores(ownSecond, second + right);
            if (TPass.OwnQueries)
                TText.DifferRows();
            else
                TText.DifferColumns(statistics, column, g.Tokens - 1);
            TText.Add(first + values);
            // All have read the block.
            CudaAsm.Emit("bar.sync 0;");
            TText.Place(first + copy);
        }
        TText.Scale(g.Scale);
        var results = TensorPacked<TText>(g, p, a.Result, TPass.OwnQueries ? 0 : 1);
        long to = (long)row * results.Pitch + 4 * TensorResultColumn<TText>(lane);
        TText.Store(results.First + to, results.Pitch, row < g.Tokens, row + 8 < g.Tokens);
        if (TSecond.Exists)
            TSecond.StoreSecond(TensorPacked<TText>(g, p, a.Result, 2).First + to, results.Pitch, row < g.Tokens, row + 8 < g.Tokens);
    }
}
