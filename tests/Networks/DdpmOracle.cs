using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>
/// diffusers' UNet2DModel and progressive distillation's U-Net, each by its own code's description; see <see cref="LayerOracle"/>.
/// </summary>
internal sealed class DdpmOracle(IReadOnlyDictionary<string, HostTensor> state, UNetConfig config) : LayerOracle(state, config)
{
    public override double[] Forward(double[] x, double noise, double[] labels, double[] augment, double? step) =>
        Config.Family == "pd" ? Progressive(x, noise, labels) : Diffusers(x, noise);

    private double[] Diffusers(double[] image, double t)
    {
        var e = Dense(Features(t, sinFirst: true, endpoint: true), "time_embedding.linear_1").Select(Silu).ToArray();
        var emb = Dense(e, "time_embedding.linear_2");
        int levels = Config.ChannelMultipliers.Length;
        var h = Conv(new Image(Config.ImageChannels, Config.Resolution, image), "conv_in");
        var skips = new Stack<Image>([h]);
        for (int level = 0; level < levels; level++)
        {
            for (int i = 0; i < Config.BlocksPerLevel; i++)
                skips.Push(h = Attend(Resnet(h, $"down_blocks.{level}.resnets.{i}"), $"down_blocks.{level}.attentions.{i}"));
            if (level < levels - 1)
                skips.Push(h = Conv(h, $"down_blocks.{level}.downsamplers.0.conv", stride: 2));
        }
        h = Resnet(Attend(Resnet(h, "mid_block.resnets.0"), "mid_block.attentions.0"), "mid_block.resnets.1");
        for (int up = 0; up < levels; up++)
        {
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
                h = Attend(Resnet(Stack(h, skips.Pop()), $"up_blocks.{up}.resnets.{i}"), $"up_blocks.{up}.attentions.{i}");
            if (up < levels - 1)
                h = Conv(Up(h), $"up_blocks.{up}.upsamplers.0.conv");
        }
        return Conv(Map(Norm(h, "conv_norm_out"), Silu), "conv_out").V;

        Image Resnet(Image x, string name)
        {
            var h = Conv(Map(Norm(x, $"{name}.norm1"), Silu), $"{name}.conv1");
            var shift = Dense(emb.Select(Silu).ToArray(), $"{name}.time_emb_proj");
            h = h with { V = h.V.Select((v, i) => v + shift[i / (h.Size * h.Size)]).ToArray() };
            h = Conv(Map(Norm(h, $"{name}.norm2"), Silu), $"{name}.conv2");
            var skip = State.ContainsKey($"{name}.conv_shortcut.weight") ? Conv(x, $"{name}.conv_shortcut") : x;
            return h with { V = Sum(h.V, skip.V) };
        }

        Image Attend(Image x, string name) =>
            Attention(x, $"{name}.group_norm", $"{name}.to_q", $"{name}.to_k", $"{name}.to_v", $"{name}.to_out.0");
    }

    private double[] Progressive(double[] image, double time, double[] labels)
    {
        var e = Dense(Features(time, sinFirst: true, endpoint: true), "dense0").Select(Silu).ToArray();
        var emb = Sum(Dense(e, "dense1"), Dense(labels, "class_emb"));
        int levels = Config.ChannelMultipliers.Length;
        var hs = new Stack<Image>([Conv(new Image(Config.ImageChannels, Config.Resolution, image), "conv_in")]);
        for (int level = 0; level < levels; level++)
        {
            for (int i = 0; i < Config.BlocksPerLevel; i++)
                hs.Push(Attend(Resnet(hs.Peek(), $"down_{level}.block_{i}"), $"down_{level}.attn_{i}"));
            if (level < levels - 1)
                hs.Push(Resnet(hs.Peek(), $"down_{level}.downsample", Down));
        }
        var h = Resnet(Attend(Resnet(hs.Peek(), "mid.block_1"), "mid.attn_1"), "mid.block_2");
        for (int level = levels - 1; level >= 0; level--)
        {
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
                h = Attend(Resnet(Stack(h, hs.Pop()), $"up_{level}.block_{i}"), $"up_{level}.attn_{i}");
            if (level > 0)
                h = Resnet(h, $"up_{level}.upsample", Up);
        }
        return Conv(Map(Norm(h, "norm_out"), Silu), "conv_out").V;

        Image Resnet(Image x, string name, Func<Image, Image>? resample = null)
        {
            resample ??= v => v;
            var h = Conv(resample(Map(Norm(x, $"{name}.norm1"), Silu)), $"{name}.conv1");
            h = ScaleShift(Norm(h, $"{name}.norm2"), Dense(emb.Select(Silu).ToArray(), $"{name}.temb_proj"));
            h = Conv(Map(h, Silu), $"{name}.conv2");
            var skip = resample(x);
            if (State.ContainsKey($"{name}.nin_shortcut.weight"))
                skip = Conv(skip, $"{name}.nin_shortcut");
            return h with { V = Sum(skip.V, h.V) };
        }

        Image Attend(Image x, string name) => Attention(x, $"{name}.norm", $"{name}.q", $"{name}.k", $"{name}.v", $"{name}.proj_out");
    }

    private Image Attention(Image x, string norm, string q, string k, string v, string output)
    {
        if (!State.ContainsKey($"{norm}.weight"))
            return x;
        var h = Norm(x, norm);
        var a = Attention(Stack(Stack(Conv(h, q), Conv(h, k)), Conv(h, v)), interleaved: false);
        return x with { V = Sum(x.V, Conv(a, output).V) };
    }
}
