using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>DDPM++ and ADM with EDM's names, from its published code's description; see <see cref="LayerOracle"/>.</summary>
internal sealed class EdmOracle(IReadOnlyDictionary<string, HostTensor> state, UNetConfig config) : LayerOracle(state, config)
{
    private bool Adm => Config.Family == "adm";

    public override double[] Forward(double[] x, double noise, double[] labels, double[] augment, double? step)
    {
        var emb = Mapping(noise, labels, augment);
        var stepEmb = step is { } s
            ? Dense(Dense(Features(s, !Adm, !Adm), "model.map_step_layer0").Select(Silu).ToArray(), "model.map_step_layer1").Select(Silu)
                .ToArray()
            : null;
        int top = Config.Resolution, levels = Config.ChannelMultipliers.Length;
        var h = Conv(new Image(Config.ImageChannels, top, x), $"model.enc.{top}x{top}_conv");
        var skips = new Stack<Image>([h]);
        for (int level = 0; level < levels; level++)
        {
            string at = $"model.enc.{top >> level}x{top >> level}";
            if (level > 0)
                skips.Push(h = Block(h, $"{at}_down", Down));
            for (int i = 0; i < Config.BlocksPerLevel; i++)
                skips.Push(h = Block(h, $"{at}_block{i}"));
        }
        for (int level = levels - 1; level >= 0; level--)
        {
            string at = $"model.dec.{top >> level}x{top >> level}";
            h = level == levels - 1 ? Block(Block(h, $"{at}_in0"), $"{at}_in1") : Block(h, $"{at}_up", Up);
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
                h = Block(Stack(h, skips.Pop()), $"{at}_block{i}");
        }
        var (norm, conv) = Adm ? ("model.out_norm", "model.out_conv")
            : ($"model.dec.{top}x{top}_aux_norm", $"model.dec.{top}x{top}_aux_conv");
        return Conv(Map(Norm(h, norm), Silu), conv).V;

        Image Block(Image x, string name, Func<Image, Image>? resample = null)
        {
            resample ??= image => image;
            var h = Conv(resample(Map(Norm(x, $"{name}.norm0"), Silu)), $"{name}.conv0");
            var p = Dense(emb, $"{name}.affine");
            var q = stepEmb is null ? null : Dense(stepEmb, $"{name}.affine_step");
            if (Adm)
            {
                h = ScaleShift(Norm(h, $"{name}.norm1"), p);
                h = Map(q is null ? h : ScaleShift(h, q), Silu);
            }
            else
            {
                h = h with { V = h.V.Select((v, i) => v + p[i / (h.Size * h.Size)] + (q?[i / (h.Size * h.Size)] ?? 0)).ToArray() };
                h = Map(Norm(h, $"{name}.norm1"), Silu);
            }
            h = Conv(h, $"{name}.conv1");
            var skip = resample(x);
            if (State.ContainsKey($"{name}.skip.weight"))
                skip = Conv(skip, $"{name}.skip");
            h = h with { V = Sum(h.V, skip.V).Select(v => v * Config.SkipScale).ToArray() };
            if (!State.ContainsKey($"{name}.qkv.weight"))
                return h;
            var a = Conv(Attention(Conv(Norm(h, $"{name}.norm2"), $"{name}.qkv"), interleaved: true), $"{name}.proj");
            return h with { V = Sum(a.V, h.V).Select(v => v * Config.SkipScale).ToArray() };
        }
    }

    private double[] Mapping(double noise, double[] labels, double[] augment)
    {
        var e = Features(noise, !Adm, !Adm);
        if (!Adm)
            e = Sum(e, Dense(labels.Select(v => v * Math.Sqrt(labels.Length)).ToArray(), "model.map_label"));
        e = Sum(e, Dense(augment, "model.map_augment"));
        e = Dense(Dense(e, "model.map_layer0").Select(Silu).ToArray(), "model.map_layer1");
        if (Adm)
            e = Sum(e, Dense(labels, "model.map_label"));
        return e.Select(Silu).ToArray();
    }
}
