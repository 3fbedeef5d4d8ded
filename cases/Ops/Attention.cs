using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Scaled dot-product attention from packed projections, and its gradient.</summary>
public static class AttentionCases
{
    /// <summary>Of small diffusion networks: what benchmarks time on CPUs.</summary>
    public static IReadOnlyList<AttentionShape> Large { get; } = [new(16, 256, 1, 128), new(16, 256, 4, 32), new(64, 64, 1, 64)];

    /// <summary>EDM's network for CIFAR-10, and ADM's for ImageNet-64: what benchmarks time on GPUs.</summary>
    public static IReadOnlyList<AttentionShape> Huge { get; } =
        [new(64, 256, 1, 256), new(32, 1024, 6, 64), new(32, 256, 9, 64), new(32, 64, 12, 64)];

    /// <summary>Flat index of channel c of head h of q (part 0), k (1) or v (2).</summary>
    private static int Qkv(AttentionShape s, int n, int token, int part, int h, int c) =>
        ((n * s.Tokens + token) * 3 + part) * s.C + h * s.HeadSize + c;

    private static int Out(AttentionShape s, int n, int token, int h, int c) => (n * s.Tokens + token) * s.C + h * s.HeadSize + c;

    private static double Score(AttentionShape s, double[] qkv, int n, int h, int i, int j)
    {
        double dot = 0;
        for (int c = 0; c < s.HeadSize; c++)
            dot += qkv[Qkv(s, n, i, 0, h, c)] * qkv[Qkv(s, n, j, 1, h, c)];
        return dot / Math.Sqrt(s.HeadSize);
    }

    /// <summary>y and the logarithm of the sum of exponentials of each row of scores.</summary>
    public static void Forward(AttentionShape s, double[] qkv, double[] y, double[] lse)
    {
        Array.Clear(y);
        for (int n = 0; n < s.N; n++)
            for (int h = 0; h < s.Heads; h++)
                for (int i = 0; i < s.Tokens; i++)
                {
                    var scores = new double[s.Tokens];
                    for (int j = 0; j < s.Tokens; j++)
                        scores[j] = Score(s, qkv, n, h, i, j);
                    double largest = scores.Max(), sum = scores.Sum(score => Math.Exp(score - largest));
                    lse[(n * s.Heads + h) * s.Tokens + i] = largest + Math.Log(sum);
                    for (int j = 0; j < s.Tokens; j++)
                        for (int c = 0; c < s.HeadSize; c++)
                            y[Out(s, n, i, h, c)] += Math.Exp(scores[j] - largest) / sum * qkv[Qkv(s, n, j, 2, h, c)];
                }
    }

    /// <summary>The gradient of the packed projections, overwritten.</summary>
    public static void Backward(AttentionShape s, double[] dy, double[] qkv, double[] y, double[] lse, double[] dqkv)
    {
        Array.Clear(dqkv);
        double scale = 1 / Math.Sqrt(s.HeadSize);
        for (int n = 0; n < s.N; n++)
            for (int h = 0; h < s.Heads; h++)
                for (int i = 0; i < s.Tokens; i++)
                {
                    double delta = 0;
                    for (int c = 0; c < s.HeadSize; c++)
                        delta += dy[Out(s, n, i, h, c)] * y[Out(s, n, i, h, c)];
                    for (int j = 0; j < s.Tokens; j++)
                    {
                        double p = Math.Exp(Score(s, qkv, n, h, i, j) - lse[(n * s.Heads + h) * s.Tokens + i]), dp = 0;
                        for (int c = 0; c < s.HeadSize; c++)
                        {
                            dp += dy[Out(s, n, i, h, c)] * qkv[Qkv(s, n, j, 2, h, c)];
                            dqkv[Qkv(s, n, j, 2, h, c)] += p * dy[Out(s, n, i, h, c)];
                        }
                        double ds = p * (dp - delta);
                        for (int c = 0; c < s.HeadSize; c++)
                        {
                            dqkv[Qkv(s, n, i, 0, h, c)] += scale * ds * qkv[Qkv(s, n, j, 1, h, c)];
                            dqkv[Qkv(s, n, j, 1, h, c)] += scale * ds * qkv[Qkv(s, n, i, 0, h, c)];
                        }
                    }
                }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (AttentionShape Shape, CaseSize Size, float Spread)[] rows =
        [
            (new(1, 1, 1, 5), CaseSize.Tiny, 1), (new(2, 7, 2, 5), CaseSize.Tiny, 1), (new(1, 9, 1, 1), CaseSize.Tiny, 1),
            (new(2, 7, 3, 32), CaseSize.Small, 1), (new(2, 64, 1, 64), CaseSize.Small, 1), (new(1, 64, 4, 32), CaseSize.Small, 1),
            (new(3, 64, 2, 5), CaseSize.Small, 1), (new(1, 1, 4, 64), CaseSize.Small, 1), (new(1, 65, 1, 96), CaseSize.Small, 1),
            (new(1, 40, 2, 128), CaseSize.Small, 1), (new(1, 33, 1, 256), CaseSize.Small, 1),
            // Scores near +-300: the softmax must subtract the largest first.
            (new(1, 16, 2, 32), CaseSize.Small, 10),
            (new(8, 256, 4, 64), CaseSize.Large, 1),
            .. Large.Select(s => (s, CaseSize.Large, 1f)), .. Huge.Select(s => (s, CaseSize.Huge, 1f)),
        ];
        return rows.SelectMany(row => Of(row.Shape, row.Size, row.Spread));
    }

    /// <summary>Both directions at a shape; a large spread makes steep scores.</summary>
    public static IEnumerable<OpCase> Of(AttentionShape s, CaseSize size, float spread = 1)
    {
        string label = $"{s.N}x{s.Tokens} heads {s.Heads}x{s.HeadSize}{(spread > 1 ? " steep" : "")}";
        var values = Values.Around(0f, spread);
        var tolerance = spread > 1 ? new Tolerance(1e-7, 2e-3) : Tolerance.Default;
        yield return new("Attention", label, [In("qkv", s.Qkv, values), Operand.Out("y", s.Output), Operand.Out("lse", s.LogSumExp)],
            (b, t) => b.Attention(s, t[0], t[1], t[2]), d => Forward(s, d[0], d[1], d[2]))
        { Size = size, Tolerance = tolerance, Setting = s };
        yield return new("AttentionBackward", label,
            [In("dy", s.Output), In("qkv", s.Qkv, values), In("y", s.Output, Values.Zero), In("lse", s.LogSumExp, Values.Zero),
                Operand.Out("dqkv", s.Qkv)],
            (b, t) => b.AttentionBackward(s, t[0], t[1], t[2], t[3], t[4]), d => Backward(s, d[0], d[1], d[2], d[3], d[4]))
        { Size = size, Tolerance = tolerance, Setting = s, Prepare = d => Forward(s, d[1], d[2], d[3]) };
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        foreach (var s in new AttentionShape[] { new(2, 4, 2, 3), new(1, 1, 1, 2) })
        {
            yield return new("AttentionBackward", $"{s.N}x{s.Tokens} heads {s.Heads}x{s.HeadSize}", [Values.NormalArray(1, s.Qkv.Length)],
                d =>
                {
                    var y = new double[s.Output.Length];
                    Forward(s, d[0], y, new double[s.LogSumExp.Length]);
                    return y;
                },
                (d, dy) =>
                {
                    var (y, lse, dqkv) = (new double[s.Output.Length], new double[s.LogSumExp.Length], new double[s.Qkv.Length]);
                    Forward(s, d[0], y, lse);
                    Backward(s, dy, d[0], y, lse, dqkv);
                    return [dqkv];
                });
        }
    }
}
