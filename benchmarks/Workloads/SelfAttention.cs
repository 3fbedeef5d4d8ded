using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>Scaled dot-product attention from packed projections, forward and backward.</summary>
/// <param name="N">Batch.</param>
/// <param name="Tokens">Pixels.</param>
/// <param name="Heads">Heads.</param>
/// <param name="HeadSize">Channels of a head.</param>
public sealed record SelfAttention(int N, int Tokens, int Heads, int HeadSize) : Workload
{
    /// <summary>Of a shape of the case list.</summary>
    public static SelfAttention Of(in AttentionShape s) => new(s.N, s.Tokens, s.Heads, s.HeadSize);

    public override string Name => $"attention {N}x{Tokens} {Heads}x{HeadSize} forward+backward";

    public AttentionShape Shape => new(N, Tokens, Heads, HeadSize);

    public float[] Qkv => Uniform(Shape.Qkv.Length, 1);
    public float[] Dy => Uniform(Shape.Output.Length, 2);

    public override Running Start(Backend backend)
    {
        var s = Shape;
        Tensor qkv = backend.FromArray(Qkv, s.Qkv), dy = backend.FromArray(Dy, s.Output), y = backend.Empty(s.Output),
            lse = backend.Empty(s.LogSumExp), dqkv = backend.Empty(s.Qkv);
        return new("",
            () =>
            {
                backend.Attention(s, qkv, y, lse);
                backend.AttentionBackward(s, dy, qkv, y, lse, dqkv);
                backend.Synchronize();
            },
            () => new() { ["y"] = y.ToArray(), ["dqkv"] = dqkv.ToArray() },
            qkv, dy, y, lse, dqkv);
    }
}
