using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

// p_ij = exp(q_i . k_j / sqrt(d) - lse_i) and ds_ij = p_ij (dy_i . v_j - delta_i) are computed again wherever they are needed, once in
// rows (dq) and once in columns (dk, dv): so each gradient is summed by one thread, in order.
public sealed partial class IlgpuBackend
{
    private protected override void AttentionBackwardCore(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        if (TensorAttentionBackward(s, dy, qkv, y, lse, dqkv) || SharedTileAttentionBackward(s, dy, qkv, y, lse, dqkv))
            return;
        int rows = s.N * s.Heads * s.Tokens;
        var g = Geometry(s);
        using var delta = Empty(s.LogSumExp);
        Launch(AttentionDeltaKernel, rows, g, View(dy), View(y), View(delta));
        if (s.HeadSize % Block16.Width == 0 && Aligned(qkv) && Aligned(dy) && Aligned(dqkv))
        {
            Launch(AttentionQueryGradientKernel, rows * ((s.HeadSize + AttentionBlock - 1) / AttentionBlock),
                g, View4(dy), View4(qkv), View(lse), View(delta), View4(dqkv));
            Launch(AttentionKeyValueGradientKernel, rows * ((s.HeadSize + AttentionBlock / 2 - 1) / (AttentionBlock / 2)),
                g, View4(dy), View4(qkv), View(lse), View(delta), View4(dqkv));
        }
        else
        {
            Launch(AttentionScalarGradientKernel, rows * s.HeadSize, g, View(dy), View(qkv), View(lse), View(delta), View(dqkv));
        }
    }

    /// <summary>delta[n,h,i] = dy_i . y_i over the head's channels. One thread each; 8 d bytes read, 2 d FLOPs.</summary>
    [Kernel(64)]
    internal static void AttentionDeltaKernel(Index1D t, AttentionGeometry g, ArrayView<float> dy, ArrayView<float> y,
        ArrayView<float> delta)
    {
        var p = Locate(t, g, 1);
        int at = ((p.N * g.Tokens + p.Token) * g.Heads + p.Head) * g.HeadSize;
        delta[t] = Dot(dy, at, y, at, g.HeadSize);
    }

    /// <summary>
    /// dq_i = sum_j ds_ij k_j / sqrt(d). One thread for each (n, 64 channels, head, token i); 6 Tokens^2 d FLOPs a head, and 4 Tokens^2 d
    /// for each further 64 channels.
    /// </summary>
    [Kernel(64, Hot = true)]
    internal static void AttentionQueryGradientKernel(Index1D t, AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<float> lse, ArrayView<float> delta, ArrayView<Float4> dqkv)
    {
        int size = g.HeadSize / 4;
        int width = g.Heads * size;
        var p = Locate(t, g, (g.HeadSize + AttentionBlock - 1) / AttentionBlock);
        int first = p.Block * AttentionBlock / 4;
        int blocks = (size - first) / 4;
        int token = p.N * g.Tokens + p.Token;
        int q = token * 3 * width + p.Head * size;
        int o = token * width + p.Head * size;
        int k = p.N * g.Tokens * 3 * width + width + p.Head * size;
        int row = (p.N * g.Heads + p.Head) * g.Tokens + p.Token;
        float rowLse = lse[row], rowDelta = delta[row];
        var acc0 = new Block16();
        var acc1 = new Block16();
        var acc2 = new Block16();
        var acc3 = new Block16();
        for (int j = 0; j < g.Tokens; j++)
        {
            float weight = XMath.Exp(g.Scale * Dot(qkv, q, qkv, k, size) - rowLse);
            float ds = g.Scale * weight * (Dot(dy, o, qkv, k + width, size) - rowDelta);
            Block16.AddScaled(ref acc0, ds, qkv, k + first);
            if (blocks > 1)
                Block16.AddScaled(ref acc1, ds, qkv, k + first + 4);
            if (blocks > 2)
                Block16.AddScaled(ref acc2, ds, qkv, k + first + 8);
            if (blocks > 3)
                Block16.AddScaled(ref acc3, ds, qkv, k + first + 12);
            k += 3 * width;
        }
        Block16.Store(acc0, dqkv, q + first);
        if (blocks > 1)
            Block16.Store(acc1, dqkv, q + first + 4);
        if (blocks > 2)
            Block16.Store(acc2, dqkv, q + first + 8);
        if (blocks > 3)
            Block16.Store(acc3, dqkv, q + first + 12);
    }

    /// <summary>
    /// dk_j = sum_i ds_ij q_i / sqrt(d), dv_j = sum_i p_ij dy_i. One thread for each (n, 32 channels, head, token j); 8 Tokens^2 d FLOPs a
    /// head, and 4 Tokens^2 d for each further 32 channels.
    /// </summary>
    [Kernel(64, Hot = true)]
    internal static void AttentionKeyValueGradientKernel(Index1D t, AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> qkv,
        ArrayView<float> lse, ArrayView<float> delta, ArrayView<Float4> dqkv)
    {
        int size = g.HeadSize / 4;
        int width = g.Heads * size;
        var p = Locate(t, g, (g.HeadSize + AttentionBlock / 2 - 1) / (AttentionBlock / 2));
        int first = p.Block * AttentionBlock / 8;
        int blocks = (size - first) / 4;
        int k = (p.N * g.Tokens + p.Token) * 3 * width + width + p.Head * size;
        int q = p.N * g.Tokens * 3 * width + p.Head * size;
        int o = p.N * g.Tokens * width + p.Head * size;
        int rows = (p.N * g.Heads + p.Head) * g.Tokens;
        var dk0 = new Block16();
        var dk1 = new Block16();
        var dv0 = new Block16();
        var dv1 = new Block16();
        for (int i = 0; i < g.Tokens; i++)
        {
            float weight = XMath.Exp(g.Scale * Dot(qkv, q, qkv, k, size) - lse[rows + i]);
            float ds = g.Scale * weight * (Dot(dy, o, qkv, k + width, size) - delta[rows + i]);
            Block16.AddScaled(ref dk0, ds, qkv, q + first);
            Block16.AddScaled(ref dv0, weight, dy, o + first);
            if (blocks > 1)
            {
                Block16.AddScaled(ref dk1, ds, qkv, q + first + 4);
                Block16.AddScaled(ref dv1, weight, dy, o + first + 4);
            }
            q += 3 * width;
            o += width;
        }
        Block16.Store(dk0, dqkv, k + first);
        Block16.Store(dv0, dqkv, k + width + first);
        if (blocks > 1)
        {
            Block16.Store(dk1, dqkv, k + first + 4);
            Block16.Store(dv1, dqkv, k + width + first + 4);
        }
    }

    /// <summary>
    /// dq, dk and dv of one channel of one token a thread, for any head size; computes all scores anew for each channel. For odd sizes
    /// only.
    /// </summary>
    [Kernel(64)]
    internal static void AttentionScalarGradientKernel(Index1D t, AttentionGeometry g, ArrayView<float> dy, ArrayView<float> qkv,
        ArrayView<float> lse, ArrayView<float> delta, ArrayView<float> dqkv)
    {
        int size = g.HeadSize;
        int width = g.Heads * size;
        var p = Locate(t, g, size);
        int own = (p.N * g.Tokens + p.Token) * 3 * width + p.Head * size;
        int ownOutput = (p.N * g.Tokens + p.Token) * width + p.Head * size;
        int other = p.N * g.Tokens * 3 * width + p.Head * size;
        int otherOutput = p.N * g.Tokens * width + p.Head * size;
        int rows = (p.N * g.Heads + p.Head) * g.Tokens;
        float ownLse = lse[rows + p.Token], ownDelta = delta[rows + p.Token];
        float dq = 0f, dk = 0f, dv = 0f;
        for (int j = 0; j < g.Tokens; j++)
        {
            // This token asks, token j answers.
            float weight = XMath.Exp(g.Scale * Dot(qkv, own, qkv, other + width, size) - ownLse);
            dq += g.Scale * weight * (Dot(dy, ownOutput, qkv, other + 2 * width, size) - ownDelta) * qkv[other + width + p.Block];
            // Token j asks, this one answers.
            weight = XMath.Exp(g.Scale * Dot(qkv, other, qkv, own + width, size) - lse[rows + j]);
            dk += g.Scale * weight * (Dot(dy, otherOutput, qkv, own + 2 * width, size) - delta[rows + j]) * qkv[other + p.Block];
            dv += weight * dy[otherOutput + p.Block];
            other += 3 * width;
            otherOutput += width;
        }
        dqkv[own + p.Block] = dq;
        dqkv[own + width + p.Block] = dk;
        dqkv[own + 2 * width + p.Block] = dv;
    }
}
