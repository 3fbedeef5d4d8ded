using BDense.Model;

namespace BDense.Tests.Networks;

/// <summary>
/// DDPM++ of one image in double precision, straight from a checkpoint's tensors in PyTorch's order: planes (NCHW), OIHW weights,
/// interleaved qkv rows. Shares nothing with the network under test but the tensors' names.
/// </summary>
internal sealed class EdmOracle(IReadOnlyDictionary<string, HostTensor> state, UNetConfig config)
{
    private sealed record Image(int C, int Size, double[] V)
    {
        public double this[int c, int y, int x] => y < 0 || x < 0 || y >= Size || x >= Size ? 0 : V[(c * Size + y) * Size + x];
    }

    /// <param name="x">[C,H,W]</param>
    /// <param name="noise">c_noise</param>
    /// <param name="labels">[LabelCount]</param>
    /// <param name="augment">[AugmentCount]</param>
    /// <returns>[K*C,H,W]</returns>
    public double[] Forward(double[] x, double noise, double[] labels, double[] augment)
    {
        var emb = Mapping(noise, labels, augment);
        int top = config.Resolution, levels = config.ChannelMultipliers.Length;
        var h = Conv(new Image(config.ImageChannels, top, x), $"model.enc.{top}x{top}_conv");
        var skips = new Stack<Image>([h]);
        for (int level = 0; level < levels; level++)
        {
            string at = $"model.enc.{top >> level}x{top >> level}";
            if (level > 0)
                skips.Push(h = Block(h, emb, $"{at}_down", Down));
            for (int i = 0; i < config.BlocksPerLevel; i++)
                skips.Push(h = Block(h, emb, $"{at}_block{i}"));
        }
        for (int level = levels - 1; level >= 0; level--)
        {
            string at = $"model.dec.{top >> level}x{top >> level}";
            h = level == levels - 1 ? Block(Block(h, emb, $"{at}_in0"), emb, $"{at}_in1") : Block(h, emb, $"{at}_up", Up);
            for (int i = 0; i <= config.BlocksPerLevel; i++)
            {
                var skip = skips.Pop();
                h = Block(new Image(h.C + skip.C, h.Size, [.. h.V, .. skip.V]), emb, $"{at}_block{i}");
            }
        }
        return Conv(Map(Norm(h, $"model.dec.{top}x{top}_aux_norm"), Silu), $"model.dec.{top}x{top}_aux_conv").V;
    }

    private double[] Mapping(double noise, double[] labels, double[] augment)
    {
        int half = config.ModelChannels / 2;
        var e = new double[2 * half];
        for (int j = 0; j < half; j++)
        {
            double frequency = Math.Pow(1.0 / 10000, (double)j / (half - 1));
            (e[j], e[half + j]) = (Math.Sin(noise * frequency), Math.Cos(noise * frequency));
        }
        e = Sum(e, Dense(labels.Select(v => v * Math.Sqrt(labels.Length)).ToArray(), "model.map_label"));
        e = Sum(e, Dense(augment, "model.map_augment"));
        return Dense(Dense(e, "model.map_layer0").Select(Silu).ToArray(), "model.map_layer1").Select(Silu).ToArray();
    }

    private Image Block(Image x, double[] emb, string name, Func<Image, Image>? resample = null)
    {
        resample ??= image => image;
        var h = Conv(resample(Map(Norm(x, $"{name}.norm0"), Silu)), $"{name}.conv0");
        var shift = Dense(emb, $"{name}.affine");
        h = h with { V = h.V.Select((v, i) => v + shift[i / (h.Size * h.Size)]).ToArray() };
        h = Conv(Map(Norm(h, $"{name}.norm1"), Silu), $"{name}.conv1");
        var skip = resample(x);
        if (state.ContainsKey($"{name}.skip.weight"))
            skip = Conv(skip, $"{name}.skip");
        h = h with { V = Sum(h.V, skip.V).Select(v => v * config.SkipScale).ToArray() };
        if (!state.ContainsKey($"{name}.qkv.weight"))
            return h;
        var a = Conv(Attention(Conv(Norm(h, $"{name}.norm2"), $"{name}.qkv")), $"{name}.proj");
        return h with { V = Sum(a.V, h.V).Select(v => v * config.SkipScale).ToArray() };
    }

    // reshape(heads, D, 3, pixels).unbind(2): row head * 3D + d * 3 + {q,k,v}.
    private Image Attention(Image qkv)
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

        double At(int head, int c, int part, int pixel) => qkv.V[(head * 3 * d + c * 3 + part) * pixels + pixel];
    }

    private Image Norm(Image x, string name)
    {
        float[] gamma = state[$"{name}.weight"].Data, beta = state[$"{name}.bias"].Data;
        int groups = Math.Min(32, x.C / 4), size = x.V.Length / groups, pixels = x.Size * x.Size;
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

    private Image Conv(Image x, string name)
    {
        var (weight, bias) = (state[$"{name}.weight"], state[$"{name}.bias"].Data);
        int k = weight.Shape[0], r = weight.Shape[2];
        var y = new double[k * x.Size * x.Size];
        for (int o = 0, n = 0; o < k; o++)
        {
            for (int row = 0; row < x.Size; row++)
            {
                for (int column = 0; column < x.Size; column++, n++)
                {
                    y[n] = bias[o];
                    for (int c = 0; c < x.C; c++)
                    {
                        for (int t = 0; t < r * r; t++)
                            y[n] += weight.Data[(o * x.C + c) * r * r + t] * x[c, row + t / r - r / 2, column + t % r - r / 2];
                    }
                }
            }
        }
        return new Image(k, x.Size, y);
    }

    private double[] Dense(double[] x, string name)
    {
        var w = state[$"{name}.weight"];
        var b = state.TryGetValue($"{name}.bias", out var bias) ? bias.Data : new float[w.Shape[0]];
        return Enumerable.Range(0, w.Shape[0]).Select(o => b[o] + x.Select((v, i) => v * w.Data[o * x.Length + i]).Sum()).ToArray();
    }

    private static Image Down(Image x)
    {
        int size = x.Size / 2;
        return new Image(x.C, size, Enumerable.Range(0, x.C * size * size).Select(i =>
        {
            int c = i / (size * size), row = 2 * (i / size % size), column = 2 * (i % size);
            return (x[c, row, column] + x[c, row, column + 1] + x[c, row + 1, column] + x[c, row + 1, column + 1]) / 4;
        }).ToArray());
    }

    private static Image Up(Image x)
    {
        int size = 2 * x.Size;
        return new Image(x.C, size,
            Enumerable.Range(0, x.C * size * size).Select(i => x[i / (size * size), i / size % size / 2, i % size / 2]).ToArray());
    }

    private static Image Map(Image x, Func<double, double> f) => x with { V = x.V.Select(f).ToArray() };

    private static double[] Sum(double[] a, double[] b) => a.Zip(b, (u, v) => u + v).ToArray();

    private static double Silu(double x) => x / (1 + Math.Exp(-x));
}
