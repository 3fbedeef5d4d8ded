using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>
/// guided-diffusion's UNetModel by its own code's description, module list by module list; see <see cref="LayerOracle"/>.
/// </summary>
internal sealed class GuidedOracle(IReadOnlyDictionary<string, HostTensor> state, UNetConfig config) : LayerOracle(state, config)
{
    public override double[] Forward(double[] x, double noise, double[] labels, double[] augment, double? step)
    {
        var emb = Dense(Dense(Timestep(noise), "time_embed.0").Select(Silu).ToArray(), "time_embed.2");
        if (labels.Length > 0)
        {
            // An embedding: row c of the table for class c, here weighted.
            float[] table = State["label_emb.weight"].Data;
            emb = emb.Select((v, i) => v + labels.Select((w, c) => w * table[c * emb.Length + i]).Sum()).ToArray();
        }
        emb = emb.Select(Silu).ToArray();

        var h = new Image(Config.ImageChannels, Config.Resolution, x);
        var skips = new Stack<Image>();
        int levels = Config.ChannelMultipliers.Length, inputs = levels * (Config.BlocksPerLevel + 1);
        for (int n = 0; n < inputs; n++)
        {
            // Entry 0 is the first convolution; every (blocks + 1)-th after it goes to the next level.
            bool down = n > 0 && n % (Config.BlocksPerLevel + 1) == 0;
            skips.Push(h = Entry(h, $"input_blocks.{n}", down ? Down : null));
        }
        h = Entry(h, "middle_block", null);
        for (int n = 0; n < inputs; n++)
        {
            bool up = n % (Config.BlocksPerLevel + 1) == Config.BlocksPerLevel && n < inputs - 1;
            h = Entry(Stack(h, skips.Pop()), $"output_blocks.{n}", up ? Up : null);
        }
        return Conv(Map(Norm(h, "out.0"), Silu), "out.2").V;

        // The modules 0, 1, ... of a list, each known by its parameters; the one that resamples is the last, and may have none.
        Image Entry(Image x, string list, Func<Image, Image>? resample)
        {
            int count = Enumerable.Range(0, 4).TakeWhile(m => State.Keys.Any(k => k.StartsWith($"{list}.{m}.", StringComparison.Ordinal)))
                .Count();
            bool last = resample is not null && (Config.Resampler == Resampler.Plain || count == 0);
            for (int m = 0; m < count; m++)
            {
                string name = $"{list}.{m}";
                bool resamples = !last && resample is not null && m == count - 1;
                if (State.ContainsKey($"{name}.in_layers.0.weight"))
                    x = Residual(x, name, resamples ? resample! : v => v);
                else if (State.ContainsKey($"{name}.qkv.weight"))
                    x = Attend(x, name);
                else if (State.ContainsKey($"{name}.op.weight"))
                    x = PaddedHalf(x, $"{name}.op");
                else if (State.ContainsKey($"{name}.conv.weight"))
                    x = Conv(Up(x), $"{name}.conv");
                else
                    x = Conv(x, name);
            }
            return last ? resample!(x) : x;
        }

        Image Residual(Image x, string name, Func<Image, Image> resample)
        {
            var h = Conv(resample(Map(Norm(x, $"{name}.in_layers.0"), Silu)), $"{name}.in_layers.2");
            var p = Dense(emb, $"{name}.emb_layers.1");
            h = Config.AdaptiveScale
                ? ScaleShift(Norm(h, $"{name}.out_layers.0"), p)
                : Norm(h with { V = h.V.Select((v, i) => v + p[i / (h.Size * h.Size)]).ToArray() }, $"{name}.out_layers.0");
            h = Conv(Map(h, Silu), $"{name}.out_layers.3");
            var skip = resample(x);
            if (State.ContainsKey($"{name}.skip_connection.weight"))
                skip = Conv(skip, $"{name}.skip_connection");
            return h with { V = Sum(skip.V, h.V) };
        }

        Image Attend(Image x, string name)
        {
            var qkv = Conv(Norm(x, $"{name}.norm"), $"{name}.qkv");
            var a = Attention(Config.QkvByHead ? PartByPart(qkv) : qkv, interleaved: false);
            return x with { V = Sum(x.V, Conv(a, $"{name}.proj_out").V) };
        }
    }

    private double[] Timestep(double t)
    {
        int half = Config.ModelChannels / 2;
        double period = Config.EmbeddingPeriod == 0 ? 10000 : Config.EmbeddingPeriod;
        var angles = Enumerable.Range(0, half).Select(j => t * Math.Exp(-Math.Log(period) * j / half)).ToArray();
        return [.. angles.Select(Math.Cos), .. angles.Select(Math.Sin)];
    }

    /// <summary>reshape(heads, 3D, pixels).split(D): of each head q, then k, then v. To all q, all k, all v.</summary>
    private Image PartByPart(Image qkv)
    {
        int channels = qkv.C / 3, d = Config.ChannelsPerHead == 0 ? channels : Config.ChannelsPerHead, pixels = qkv.Size * qkv.Size;
        var parts = new List<double>();
        for (int part = 0; part < 3; part++)
        {
            for (int head = 0; head < channels / d; head++)
                parts.AddRange(qkv.V.AsSpan((head * 3 + part) * d * pixels, d * pixels));
        }
        return qkv with { V = [.. parts] };
    }

    /// <summary>A 3x3 convolution of stride 2 and padding 1 on every side: the pixels (2i, 2j) of the one of stride 1.</summary>
    private Image PaddedHalf(Image x, string name)
    {
        var y = Conv(x, name);
        int size = x.Size / 2;
        return new Image(y.C, size, Enumerable.Range(0, y.C * size * size)
            .Select(i => y[i / (size * size), 2 * (i / size % size), 2 * (i % size)]).ToArray());
    }
}
