using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>Self-attention over packed projections.</summary>
/// <param name="N">Batch.</param>
/// <param name="Tokens">H * W.</param>
/// <param name="Heads">Heads; C = Heads * HeadSize.</param>
/// <param name="HeadSize">Channels per head, 1 to 256.</param>
public readonly record struct AttentionShape(int N, int Tokens, int Heads, int HeadSize)
{
    /// <summary>Channels: Heads * HeadSize.</summary>
    public int C => Heads * HeadSize;

    /// <summary>[N,Tokens,3C]: all of q, then all of k, then all of v; within each, head after head.</summary>
    public Shape Qkv => new(N, Tokens, 3 * C);

    /// <summary>[N,Tokens,C]</summary>
    public Shape Output => new(N, Tokens, C);

    /// <summary>[N,Heads,Tokens]: log-sum-exp of each row of scaled scores.</summary>
    public Shape LogSumExp => new(N, Heads, Tokens);

    /// <summary>Multiply-adds of the forward pass: two products of Tokens x Tokens x HeadSize a head.</summary>
    public long Macs => 2L * N * Heads * Tokens * Tokens * HeadSize;
}

public abstract partial class Backend
{
    /// <summary>
    /// y = softmax(q k^T / sqrt(HeadSize)) v for each sample and head; lse = log sum exp of each score row.
    /// Vaswani et al. 2017, eq. 1; the Tokens x Tokens matrix need not reach memory (Dao et al. 2022). qkv and y may be BF16.
    /// </summary>
    public void Attention(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        CheckAttention(s, qkv, lse);
        ExpectActivation(y, s.Output);
        long scores = (long)s.N * s.Heads * s.Tokens * s.Tokens;
        Report(new OpCost(qkv.Bytes, y.Bytes + lse.Bytes, 2 * s.Macs + 4 * scores) { Macs = s.Macs });
        Writes(y);
        Writes(lse);
        if (!Computes)
            return;
        using var t = Operands(nameof(Attention), qkv, y, lse);
        AttentionCore(s, t.Read(qkv), t.Write(y), lse);
        t.Store();
    }

    /// <summary>
    /// With p = exp(score - lse), delta_i = dy_i . y_i: dv = p^T dy; ds = p * (dy v^T - delta); dq = ds k / sqrt(d); dk = ds^T q / sqrt(d).
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="dy">[N,Tokens,C]; may be BF16.</param>
    /// <param name="qkv">[N,Tokens,3C] of the forward pass; may be BF16.</param>
    /// <param name="y">[N,Tokens,C] of the forward pass; may be BF16.</param>
    /// <param name="lse">[N,Heads,Tokens] of the forward pass.</param>
    /// <param name="dqkv">[N,Tokens,3C], overwritten; may be BF16.</param>
    public void AttentionBackward(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        CheckAttention(s, qkv, lse);
        ExpectActivation(dy, s.Output);
        ExpectActivation(y, s.Output);
        ExpectActivation(dqkv, s.Qkv);
        long scores = (long)s.N * s.Heads * s.Tokens * s.Tokens;
        Report(new OpCost(dy.Bytes + y.Bytes + qkv.Bytes + lse.Bytes, dqkv.Bytes, 5 * s.Macs + 6 * scores) { Macs = 5 * s.Macs / 2 });
        Writes(dqkv);
        if (!Computes)
            return;
        using var t = Operands(nameof(AttentionBackward), dy, qkv, y, dqkv, lse);
        AttentionBackwardCore(s, t.Read(dy), t.Read(qkv), t.Read(y), lse, t.Write(dqkv));
        t.Store();
    }

    private protected abstract void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse);

    private protected abstract void AttentionBackwardCore(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv);

    private void CheckAttention(in AttentionShape s, Tensor qkv, Tensor lse, [CallerMemberName] string op = "")
    {
        Require(s is { Tokens: > 0, Heads: > 0, HeadSize: > 0 and <= 256 }, $"no such attention: {s}; head sizes 1 to 256", op);
        ExpectActivation(qkv, s.Qkv, op: op);
        Expect(lse, s.LogSumExp, op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> AttentionByName()
    {
        yield return new("attention", ["N", "TOKENS", "HEADS", "HEADSIZE"], [2, 256, 2, 64], (t, e) =>
        {
            var s = new AttentionShape(e[0], e[1], e[2], e[3]);
            Tensor qkv = t.Normal(s.Qkv), y = t.Empty(s.Output), lse = t.Empty(s.LogSumExp), dy = t.Normal(s.Output), dqkv = t.Empty(s.Qkv);
            return [new("forward", () => t.Backend.Attention(s, qkv, y, lse)),
                new("backward", () => t.Backend.AttentionBackward(s, dy, qkv, y, lse, dqkv))];
        });
    }
}
