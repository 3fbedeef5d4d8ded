using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>An image as planes; zero outside.</summary>
internal sealed record Image(int C, int Size, double[] V)
{
    public double this[int c, int y, int x] => y < 0 || x < 0 || y >= Size || x >= Size ? 0 : V[(c * Size + y) * Size + x];
}

/// <summary>
/// The layers of one image in double precision, straight from a checkpoint's tensors in PyTorch's order: planes (NCHW), OIHW weights.
/// Shares nothing with the network under test but the tensors' names.
/// </summary>
internal abstract class LayerOracle(IReadOnlyDictionary<string, HostTensor> state, UNetConfig config)
{
    protected IReadOnlyDictionary<string, HostTensor> State => state;

    protected UNetConfig Config => config;

    /// <param name="x">[C,H,W]</param>
    /// <param name="noise">c_noise</param>
    /// <param name="labels">[LabelCount]</param>
    /// <param name="augment">[AugmentCount]</param>
    /// <param name="step">The step condition, or none.</param>
    /// <returns>[K*C,H,W]</returns>
    public abstract double[] Forward(double[] x, double noise, double[] labels, double[] augment, double? step);

    /// <summary>
    /// ModelChannels features of one number; the highest exponent is (J - 1) / (J - 1) with an endpoint and (J - 1) / J without.
    /// </summary>
    protected double[] Features(double number, bool sinFirst, bool endpoint)
    {
        int half = config.ModelChannels / 2;
        var e = new double[2 * half];
        for (int j = 0; j < half; j++)
        {
            double a = number * Math.Pow(1.0 / 10000, (double)j / (endpoint ? half - 1 : half));
            (e[j], e[half + j]) = sinFirst ? (Math.Sin(a), Math.Cos(a)) : (Math.Cos(a), Math.Sin(a));
        }
        return e;
    }

    /// <param name="qkv">3C channels.</param>
    /// <param name="interleaved">EDM's reshape(heads, D, 3, pixels).unbind(2): row head * 3D + d * 3 + {q,k,v}; else all q, all k, all
    /// v.</param>
    protected Image Attention(Image qkv, bool interleaved)
    {
        int channels = qkv.C / 3, d = config.ChannelsPerHead == 0 ? channels : config.ChannelsPerHead, pixels = qkv.Size * qkv.Size;
        var y = new double[channels * pixels];
        for (int head = 0; head < channels / d; head++)
        {
            for (int i = 0; i < pixels; i++)
            {
                var p = new double[pixels];
                for (int j = 0; j < pixels; j++)
                    p[j] = Math.Exp(Enumerable.Range(0, d).Sum(c => At(head, c, 0, i) * At(head, c, 1, j)) / Math.Sqrt(d));
                double total = p.Sum();
                for (int c = 0; c < d; c++)
                    y[(head * d + c) * pixels + i] = Enumerable.Range(0, pixels).Sum(j => p[j] * At(head, c, 2, j)) / total;
            }
        }
        return new Image(channels, qkv.Size, y);

        double At(int head, int c, int part, int pixel) =>
            qkv.V[(interleaved ? head * 3 * d + c * 3 + part : part * channels + head * d + c) * pixels + pixel];
    }

    protected Image Norm(Image x, string name)
    {
        float[] gamma = state[$"{name}.weight"].Data, beta = state[$"{name}.bias"].Data;
        int groups = config.Groups > 0 ? config.Groups : Math.Min(32, x.C / 4), size = x.V.Length / groups, pixels = x.Size * x.Size;
        var y = new double[x.V.Length];
        for (int g = 0; g < groups; g++)
        {
            var part = x.V.AsSpan(g * size, size).ToArray();
            double mean = part.Average(), variance = part.Average(v => (v - mean) * (v - mean));
            for (int i = 0; i < size; i++)
            {
                int c = (g * size + i) / pixels;
                y[g * size + i] = (part[i] - mean) / Math.Sqrt(variance + config.Epsilon) * gamma[c] + beta[c];
            }
        }
        return x with { V = y };
    }

    /// <summary>Stride 1 and the same size, or stride 2 with a row and a column of zeros after the last.</summary>
    protected Image Conv(Image x, string name, int stride = 1)
    {
        var (weight, bias) = (state[$"{name}.weight"], state[$"{name}.bias"].Data);
        // A matrix is a 1x1 convolution.
        int k = weight.Shape[0], r = weight.Shape.Length == 4 ? weight.Shape[2] : 1, size = x.Size / stride, before = stride == 1 ? r / 2
            : 0;
        var y = new double[k * size * size];
        for (int o = 0, n = 0; o < k; o++)
        {
            for (int row = 0; row < size; row++)
            {
                for (int column = 0; column < size; column++, n++)
                {
                    y[n] = bias[o];
                    for (int c = 0; c < x.C; c++)
                    {
                        for (int t = 0; t < r * r; t++)
                            y[n] += weight.Data[(o * x.C + c) * r * r + t] * x[c, row * stride + t / r - before,
                                column * stride + t % r - before];
                    }
                }
            }
        }
        return new Image(k, size, y);
    }

    protected double[] Dense(double[] x, string name)
    {
        var w = state[$"{name}.weight"];
        var b = state.TryGetValue($"{name}.bias", out var bias) ? bias.Data : new float[w.Shape[0]];
        return Enumerable.Range(0, w.Shape[0]).Select(o => b[o] + x.Select((v, i) => v * w.Data[o * x.Length + i]).Sum()).ToArray();
    }

    protected static Image Down(Image x)
    {
        int size = x.Size / 2;
        return new Image(x.C, size, Enumerable.Range(0, x.C * size * size).Select(i =>
        {
            int c = i / (size * size), row = 2 * (i / size % size), column = 2 * (i % size);
            return (x[c, row, column] + x[c, row, column + 1] + x[c, row + 1, column] + x[c, row + 1, column + 1]) / 4;
        }).ToArray());
    }

    protected static Image Up(Image x)
    {
        int size = 2 * x.Size;
        return new Image(x.C, size,
            Enumerable.Range(0, x.C * size * size).Select(i => x[i / (size * size), i / size % size / 2, i % size / 2]).ToArray());
    }

    protected static Image Map(Image x, Func<double, double> f) => x with { V = x.V.Select(f).ToArray() };

    protected static double[] Sum(double[] a, double[] b) => a.Zip(b, (u, v) => u + v).ToArray();

    protected static double Silu(double x) => x / (1 + Math.Exp(-x));

    protected static Image Stack(Image a, Image b) => new(a.C + b.C, a.Size, [.. a.V, .. b.V]);

    protected static Image ScaleShift(Image x, double[] p)
    {
        int pixels = x.Size * x.Size;
        return x with { V = x.V.Select((v, i) => v * (1 + p[i / pixels]) + p[x.C + i / pixels]).ToArray() };
    }
}
