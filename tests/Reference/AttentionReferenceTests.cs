using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Attention on the CPU against loops in double precision.</summary>
public sealed class AttentionReferenceTests
{
    private static readonly AttentionShape[] Shapes =
    [
        new(1, 1, 1, 1), new(2, 16, 1, 24), new(1, 7, 3, 5), new(2, 64, 2, 32), new(1, 400, 1, 17), new(3, 33, 4, 8),
    ];


    [Test]
    public void ForwardAndBackwardAreTheFormulas([ValueSource(nameof(Shapes))]
    AttentionShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes)
    {
        float[] qkv = ReferenceCheck.Noise(s.Qkv.Length, 1), dy = ReferenceCheck.Noise(s.Output.Length, 2);
        for (int i = 0; i < qkv.Length; i++)
            qkv[i] *= 3f;
        var (y, lse, dqkv) = Oracle(s, qkv, dy);

        using var backend = new ReferenceBackend(2, lanes);
        using var tqkv = backend.FromArray(qkv, s.Qkv);
        using var tdy = backend.FromArray(dy, s.Output);
        using var ty = backend.Empty(s.Output);
        using var tlse = backend.Empty(s.LogSumExp);
        using var tdqkv = backend.Empty(s.Qkv);
        backend.Attention(s, tqkv, ty, tlse);
        backend.AttentionBackward(s, tdy, tqkv, ty, tlse, tdqkv);
        ReferenceCheck.Close(ty.ToArray(), y, 30 * s.HeadSize);
        ReferenceCheck.Close(tlse.ToArray(), lse, 30 * s.HeadSize);
        ReferenceCheck.Close(tdqkv.ToArray(), dqkv, 300 * s.HeadSize);
    }

    [Test]
    public void ThreadsDoNotChangeABit([ValueSource(nameof(Shapes))] AttentionShape s)
    {
        var results = new List<float[]>();
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using var backend = new ReferenceBackend(threads);
            using var qkv = backend.FromArray(ReferenceCheck.Noise(s.Qkv.Length, 1), s.Qkv);
            using var y = backend.Empty(s.Output);
            using var lse = backend.Empty(s.LogSumExp);
            using var dqkv = backend.Empty(s.Qkv);
            backend.Attention(s, qkv, y, lse);
            backend.AttentionBackward(s, y, qkv, y, lse, dqkv);
            results.Add([.. y.ToArray(), .. lse.ToArray(), .. dqkv.ToArray()]);
        }
        Assert.That(results[1], Is.EqualTo(results[0]));
        Assert.That(results[2], Is.EqualTo(results[0]));
    }

    private static (double[] Y, double[] LogSumExp, double[] Dqkv) Oracle(AttentionShape s, float[] qkv, float[] dy)
    {
        int t = s.Tokens, d = s.HeadSize, c = s.C;
        double scale = 1 / Math.Sqrt(d);
        double[] y = new double[s.Output.Length], lse = new double[s.LogSumExp.Length], dqkv = new double[qkv.Length];
        for (int n = 0; n < s.N; n++)
            for (int h = 0; h < s.Heads; h++)
                for (int i = 0; i < t; i++)
                {
                    int At(int part, int token, int e) => (((n * t) + token) * 3 * c) + (part * c) + (h * d) + e;
                    int Out(int e) => (((n * t) + i) * c) + (h * d) + e;
                    var p = new double[t];
                    for (int j = 0; j < t; j++)
                    {
                        for (int e = 0; e < d; e++)
                            p[j] += (double)qkv[At(0, i, e)] * qkv[At(1, j, e)] * scale;
                    }
                    double max = p.Max(), sum = p.Sum(v => Math.Exp(v - max));
                    lse[(((n * s.Heads) + h) * t) + i] = max + Math.Log(sum);
                    var dp = new double[t];
                    double mean = 0;
                    for (int j = 0; j < t; j++)
                    {
                        p[j] = Math.Exp(p[j] - max) / sum;
                        for (int e = 0; e < d; e++)
                        {
                            y[Out(e)] += p[j] * qkv[At(2, j, e)];
                            dp[j] += (double)dy[Out(e)] * qkv[At(2, j, e)];
                            dqkv[At(2, j, e)] += p[j] * dy[Out(e)];
                        }
                        mean += p[j] * dp[j];
                    }
                    for (int j = 0; j < t; j++)
                    {
                        double ds = p[j] * (dp[j] - mean) * scale;
                        for (int e = 0; e < d; e++)
                        {
                            dqkv[At(0, i, e)] += ds * qkv[At(1, j, e)];
                            dqkv[At(1, j, e)] += ds * qkv[At(0, i, e)];
                        }
                    }
                }
        return (y, lse, dqkv);
    }
}
