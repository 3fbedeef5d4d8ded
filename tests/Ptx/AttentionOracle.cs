namespace BDense.Tests.Ptx;

/// <summary>Attention and its gradients in plain loops of double precision; layouts as the kernels have them.</summary>
internal sealed class AttentionOracle
{
    private readonly int _tokens, _heads, _head;
    private readonly float[] _qkv, _dy;

    public AttentionOracle(int n, int tokens, int heads, int head, float[] qkv, float[] dy)
    {
        (_tokens, _heads, _head, _qkv, _dy) = (tokens, heads, head, qkv, dy);
        (Y, Dqkv, LogSumExp, Delta) = (new double[dy.Length], new double[qkv.Length], new double[n * heads * tokens],
            new double[n * heads * tokens]);
        for (int sample = 0; sample < n; sample++)
        {
            for (int h = 0; h < heads; h++)
                One(sample, h, (sample * heads + h) * tokens);
        }
    }

    public double[] Y { get; }

    public double[] Dqkv { get; }

    public double[] LogSumExp { get; }

    public double[] Delta { get; }

    private void One(int n, int h, int first)
    {
        double scale = 1 / Math.Sqrt(_head);
        var p = new double[_tokens, _tokens];
        for (int i = 0; i < _tokens; i++)
        {
            double[] scores = [.. Enumerable.Range(0, _tokens).Select(j => scale * Sum(c => At(n, i, h, 0, c) * At(n, j, h, 1, c)))];
            double most = scores.Max(), lse = LogSumExp[first + i] = most + Math.Log(scores.Sum(s => Math.Exp(s - most)));
            for (int j = 0; j < _tokens; j++)
                p[i, j] = Math.Exp(scores[j] - lse);
            for (int c = 0; c < _head; c++)
            {
                double y = Y[Place(n, i, h) + c] = Enumerable.Range(0, _tokens).Sum(j => p[i, j] * At(n, j, h, 2, c));
                Delta[first + i] += y * _dy[Place(n, i, h) + c];
            }
        }
        for (int i = 0; i < _tokens; i++)
        {
            for (int j = 0; j < _tokens; j++)
            {
                double ds = p[i, j] * (Sum(c => _dy[Place(n, i, h) + c] * At(n, j, h, 2, c)) - Delta[first + i]);
                for (int c = 0; c < _head; c++)
                {
                    Dqkv[Place(n, i, h, 0) + c] += ds * At(n, j, h, 1, c) * scale;
                    Dqkv[Place(n, j, h, 1) + c] += ds * At(n, i, h, 0, c) * scale;
                    Dqkv[Place(n, j, h, 2) + c] += p[i, j] * _dy[Place(n, i, h) + c];
                }
            }
        }
    }

    private double Sum(Func<int, double> term)
    {
        double sum = 0;
        for (int c = 0; c < _head; c++)
            sum += term(c);
        return sum;
    }

    private double At(int n, int token, int h, int part, int c) => _qkv[Place(n, token, h, part) + c];

    private int Place(int n, int token, int h) => ((n * _tokens + token) * _heads + h) * _head;

    private int Place(int n, int token, int h, int part) => (((n * _tokens + token) * 3 + part) * _heads + h) * _head;
}
