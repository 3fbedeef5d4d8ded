using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Parity;

/// <summary>
/// The layers of the networks in libtorch's operators, over the tensors of a checkpoint under their own names and in their own layout
/// (OIHW): what PyTorch would do with that state_dict. Shares nothing with the network under test but the file.
/// </summary>
internal abstract class TorchState : IDisposable
{
    private readonly Dictionary<string, Torch> _tensors = [];

    protected TorchState(SafeTensorsFile file, UNetConfig config)
    {
        Config = config;
        foreach (var (name, stored) in file.Tensors)
        {
            // Filters that resample are constants; the layers below have them built in.
            if (name.EndsWith("resample_filter", StringComparison.Ordinal))
                continue;
            var t = tensor(stored.Data, [.. stored.Shape.Select(e => (long)e)]);
            t.requires_grad = true;
            _tensors.Add(name, t);
        }
    }

    public IReadOnlyDictionary<string, Torch> Tensors => _tensors;

    protected UNetConfig Config { get; }

    /// <param name="x">[N,C,H,W]</param>
    /// <param name="noise">[N] c_noise</param>
    /// <param name="labels">[N,LabelCount], or none.</param>
    /// <param name="augment">[N,AugmentCount], or none.</param>
    /// <param name="step">[N], or none.</param>
    /// <returns>[N,K*C,H,W]</returns>
    public abstract Torch Forward(Torch x, Torch noise, Torch? labels, Torch? augment, Torch? step);

    public void Dispose()
    {
        foreach (var t in _tensors.Values)
            t.Dispose();
    }

    protected bool Has(string name) => _tensors.ContainsKey($"{name}.weight");

    /// <summary>Sines and cosines of number / period^(j / (J - 1)) with an endpoint, j / J without.</summary>
    protected Torch Features(Torch number, bool sinFirst, bool endpoint, double period = 10000)
    {
        int half = Config.ModelChannels / 2;
        var exponents = arange(half, dtype: ScalarType.Float64) / (endpoint ? half - 1 : half);
        var angles = number.to(ScalarType.Float64).unsqueeze(1) * exponents.mul(-Math.Log(period)).exp().unsqueeze(0);
        var (a, b) = sinFirst ? (angles.sin(), angles.cos()) : (angles.cos(), angles.sin());
        return cat([a, b], 1).to(ScalarType.Float32);
    }

    protected Torch Dense(string name, Torch x) =>
        functional.linear(x, _tensors[$"{name}.weight"], _tensors.GetValueOrDefault($"{name}.bias"));

    /// <summary>
    /// Stride 1 and the same size, or stride 2 over a row and a column of zeros after the last. A matrix, or a kernel over a sequence of
    /// pixels, is a 1x1 convolution.
    /// </summary>
    protected Torch Conv(string name, Torch x, long stride = 1)
    {
        var w = _tensors[$"{name}.weight"];
        while (w.dim() < 4)
            w = w.unsqueeze(-1);
        long pad = stride == 1 ? w.shape[2] / 2 : 0;
        if (stride == 2)
            x = functional.pad(x, [0, 1, 0, 1]);
        return functional.conv2d(x, w, _tensors[$"{name}.bias"], strides: [stride, stride], padding: [pad, pad]);
    }

    protected Torch Norm(string name, Torch x)
    {
        long groups = Config.Groups > 0 ? Config.Groups : Math.Min(32, x.shape[1] / 4);
        return functional.group_norm(x, groups, _tensors[$"{name}.weight"], _tensors[$"{name}.bias"], Config.Epsilon);
    }

    /// <summary>softmax(q' k / sqrt(D)) v over the pixels, head by head; q, k and v are [N,heads,D,pixels].</summary>
    protected static Torch Attend(Torch q, Torch k, Torch v)
    {
        var weights = einsum("nhdi,nhdj->nhij", q, k).div(Math.Sqrt(q.shape[2])).softmax(-1);
        return einsum("nhij,nhdj->nhdi", weights, v);
    }

    protected long HeadsOf(long channels) => Config.ChannelsPerHead == 0 ? 1 : channels / Config.ChannelsPerHead;

    protected static Torch Down(Torch x) => functional.avg_pool2d(x, 2L);

    protected static Torch Up(Torch x) => functional.interpolate(x, scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest);

    protected static Torch Silu(Torch x) => functional.silu(x);

    /// <summary>x (1 + scale) + shift, from [N,2C].</summary>
    protected static Torch ScaleShift(Torch x, Torch p)
    {
        var halves = p.unsqueeze(2).unsqueeze(3).chunk(2, 1);
        return x * (halves[0] + 1) + halves[1];
    }
}

/// <summary>EDM's SongUNet (DDPM++) and DhariwalUNet (ADM), with SFD's step condition.</summary>
internal sealed class TorchEdm(SafeTensorsFile file, UNetConfig config) : TorchState(file, config)
{
    private bool Adm => Config.Family == "adm";

    public override Torch Forward(Torch x, Torch noise, Torch? labels, Torch? augment, Torch? step)
    {
        var e = Features(noise, !Adm, !Adm);
        if (!Adm && labels is not null)
            e = e + Dense("model.map_label", labels * Math.Sqrt(Config.LabelCount));
        if (augment is not null)
            e = e + Dense("model.map_augment", augment);
        e = Dense("model.map_layer1", Silu(Dense("model.map_layer0", e)));
        if (Adm && labels is not null)
            e = e + Dense("model.map_label", labels);
        e = Silu(e);
        var s = step is null ? null
            : Silu(Dense("model.map_step_layer1", Silu(Dense("model.map_step_layer0", Features(step, !Adm, !Adm)))));

        int top = Config.Resolution, levels = Config.ChannelMultipliers.Length;
        var h = Conv($"model.enc.{top}x{top}_conv", x);
        var skips = new Stack<Torch>([h]);
        for (int level = 0; level < levels; level++)
        {
            string at = $"model.enc.{top >> level}x{top >> level}";
            if (level > 0)
                skips.Push(h = Block($"{at}_down", h, e, s, Down));
            for (int i = 0; i < Config.BlocksPerLevel; i++)
                skips.Push(h = Block($"{at}_block{i}", h, e, s));
        }
        for (int level = levels - 1; level >= 0; level--)
        {
            string at = $"model.dec.{top >> level}x{top >> level}";
            h = level == levels - 1 ? Block($"{at}_in1", Block($"{at}_in0", h, e, s), e, s) : Block($"{at}_up", h, e, s, Up);
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
                h = Block($"{at}_block{i}", cat([h, skips.Pop()], 1), e, s);
        }
        return Adm ? Conv("model.out_conv", Silu(Norm("model.out_norm", h)))
            : Conv($"model.dec.{top}x{top}_aux_conv", Silu(Norm($"model.dec.{top}x{top}_aux_norm", h)));
    }

    private Torch Block(string name, Torch x, Torch e, Torch? s, Func<Torch, Torch>? resample = null)
    {
        resample ??= t => t;
        var h = Conv($"{name}.conv0", resample(Silu(Norm($"{name}.norm0", x))));
        if (Adm)
        {
            h = ScaleShift(Norm($"{name}.norm1", h), Dense($"{name}.affine", e));
            h = Silu(s is null ? h : ScaleShift(h, Dense($"{name}.affine_step", s)));
        }
        else
        {
            h = h + Dense($"{name}.affine", e).unsqueeze(2).unsqueeze(3);
            if (s is not null)
                h = h + Dense($"{name}.affine_step", s).unsqueeze(2).unsqueeze(3);
            h = Silu(Norm($"{name}.norm1", h));
        }
        h = Conv($"{name}.conv1", h);
        var skip = resample(x);
        h = (h + (Has($"{name}.skip") ? Conv($"{name}.skip", skip) : skip)) * Config.SkipScale;
        if (!Has($"{name}.qkv"))
            return h;
        long n = h.shape[0], c = h.shape[1], heads = HeadsOf(c);
        // Rows of qkv: head, channel, then q, k, v.
        var qkv = Conv($"{name}.qkv", Norm($"{name}.norm2", h)).reshape(n, heads, c / heads, 3, -1).unbind(3);
        var a = Attend(qkv[0], qkv[1], qkv[2]).reshape(h.shape);
        return (Conv($"{name}.proj", a) + h) * Config.SkipScale;
    }
}

/// <summary>diffusers' UNet2DModel and progressive distillation's network.</summary>
internal sealed class TorchDdpm(SafeTensorsFile file, UNetConfig config) : TorchState(file, config)
{
    private bool Pd => Config.Family == "pd";

    private readonly record struct Names(string Norm1, string Conv1, string Embedding, string Norm2, string Conv2, string Skip);

    public override Torch Forward(Torch x, Torch noise, Torch? labels, Torch? augment, Torch? step)
    {
        var e = Features(noise, sinFirst: true, endpoint: true);
        e = Pd ? Dense("dense1", Silu(Dense("dense0", e))) : Dense("time_embedding.linear_2", Silu(Dense("time_embedding.linear_1", e)));
        if (labels is not null)
            e = e + Dense("class_emb", labels);
        e = Silu(e);
        int levels = Config.ChannelMultipliers.Length;
        var h = Conv("conv_in", x);
        var skips = new Stack<Torch>([h]);
        for (int level = 0; level < levels; level++)
        {
            for (int i = 0; i < Config.BlocksPerLevel; i++)
            {
                h = Resnet(Pd ? $"down_{level}.block_{i}" : $"down_blocks.{level}.resnets.{i}", h, e);
                skips.Push(h = Attention(Pd ? $"down_{level}.attn_{i}" : $"down_blocks.{level}.attentions.{i}", h));
            }
            if (level < levels - 1)
                skips.Push(h = Pd ? Resnet($"down_{level}.downsample", h, e, Down)
                    : Conv($"down_blocks.{level}.downsamplers.0.conv", h, stride: 2));
        }
        h = Resnet(Pd ? "mid.block_1" : "mid_block.resnets.0", h, e);
        h = Attention(Pd ? "mid.attn_1" : "mid_block.attentions.0", h);
        h = Resnet(Pd ? "mid.block_2" : "mid_block.resnets.1", h, e);
        for (int level = levels - 1; level >= 0; level--)
        {
            int up = levels - 1 - level;
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
            {
                h = Resnet(Pd ? $"up_{level}.block_{i}" : $"up_blocks.{up}.resnets.{i}", cat([h, skips.Pop()], 1), e);
                h = Attention(Pd ? $"up_{level}.attn_{i}" : $"up_blocks.{up}.attentions.{i}", h);
            }
            if (level > 0)
                h = Pd ? Resnet($"up_{level}.upsample", h, e, Up) : Conv($"up_blocks.{up}.upsamplers.0.conv", Up(h));
        }
        return Conv("conv_out", Silu(Norm(Pd ? "norm_out" : "conv_norm_out", h)));
    }

    private Torch Resnet(string name, Torch x, Torch e, Func<Torch, Torch>? resample = null)
    {
        resample ??= t => t;
        var h = Conv($"{name}.conv1", resample(Silu(Norm($"{name}.norm1", x))));
        h = Pd ? ScaleShift(Norm($"{name}.norm2", h), Dense($"{name}.temb_proj", e))
            : Norm($"{name}.norm2", h + Dense($"{name}.time_emb_proj", e).unsqueeze(2).unsqueeze(3));
        h = Conv($"{name}.conv2", Silu(h));
        var skip = resample(x);
        string shortcut = Pd ? $"{name}.nin_shortcut" : $"{name}.conv_shortcut";
        return h + (Has(shortcut) ? Conv(shortcut, skip) : skip);
    }

    private Torch Attention(string name, Torch x)
    {
        string norm = Pd ? $"{name}.norm" : $"{name}.group_norm";
        if (!Has(norm))
            return x;
        var h = Norm(norm, x);
        var qkv = (Pd ? ["q", "k", "v"] : new[] { "to_q", "to_k", "to_v" }).Select(part => Split(Conv($"{name}.{part}", h))).ToArray();
        return x + Conv(Pd ? $"{name}.proj_out" : $"{name}.to_out.0", Attend(qkv[0], qkv[1], qkv[2]).reshape(x.shape));
    }

    private Torch Split(Torch x) => x.reshape(x.shape[0], HeadsOf(x.shape[1]), x.shape[1] / HeadsOf(x.shape[1]), -1);
}

/// <summary>guided-diffusion's UNetModel.</summary>
internal sealed class TorchGuided(SafeTensorsFile file, UNetConfig config) : TorchState(file, config)
{
    public override Torch Forward(Torch x, Torch noise, Torch? labels, Torch? augment, Torch? step)
    {
        var e = Features(noise, sinFirst: false, endpoint: false, Config.EmbeddingPeriod == 0 ? 10000 : Config.EmbeddingPeriod);
        e = Dense("time_embed.2", Silu(Dense("time_embed.0", e)));
        if (labels is not null)
            e = e + labels.matmul(Tensors["label_emb.weight"]);
        e = Silu(e);
        int levels = Config.ChannelMultipliers.Length, entry = 1;
        var h = Conv("input_blocks.0.0", x);
        var skips = new Stack<Torch>([h]);
        for (int level = 0; level < levels; level++)
        {
            for (int i = 0; i < Config.BlocksPerLevel; i++)
                skips.Push(h = Stage($"input_blocks.{entry++}", h, e));
            if (level < levels - 1)
                skips.Push(h = Halve($"input_blocks.{entry++}.0", h, e));
        }
        h = Block("middle_block.2", Stage("middle_block", h, e), e);
        entry = 0;
        for (int level = levels - 1; level >= 0; level--)
        {
            for (int i = 0; i <= Config.BlocksPerLevel; i++)
            {
                string at = $"output_blocks.{entry++}";
                h = Stage(at, cat([h, skips.Pop()], 1), e);
                if (level > 0 && i == Config.BlocksPerLevel)
                    h = Double($"{at}.{(Has($"{at}.1.norm") ? 2 : 1)}", h, e);
            }
        }
        return Conv("out.2", Silu(Norm("out.0", h)));
    }

    private Torch Stage(string at, Torch x, Torch e) => Attention($"{at}.1", Block($"{at}.0", x, e));

    private Torch Halve(string at, Torch x, Torch e) => Config.Resampler switch
    {
        Resampler.Plain => Down(x),
        Resampler.Convolution =>
            functional.conv2d(x, Tensors[$"{at}.op.weight"], Tensors[$"{at}.op.bias"], strides: [2, 2], padding: [1, 1]),
        _ => Block(at, x, e, Down),
    };

    private Torch Double(string at, Torch x, Torch e) => Config.Resampler switch
    {
        Resampler.Plain => Up(x),
        Resampler.Convolution => Conv($"{at}.conv", Up(x)),
        _ => Block(at, x, e, Up),
    };

    private Torch Block(string name, Torch x, Torch e, Func<Torch, Torch>? resample = null)
    {
        resample ??= t => t;
        var h = Conv($"{name}.in_layers.2", resample(Silu(Norm($"{name}.in_layers.0", x))));
        var p = Dense($"{name}.emb_layers.1", e);
        h = Config.AdaptiveScale ? ScaleShift(Norm($"{name}.out_layers.0", h), p)
            : Norm($"{name}.out_layers.0", h + p.unsqueeze(2).unsqueeze(3));
        h = Conv($"{name}.out_layers.3", Silu(h));
        var skip = resample(x);
        return h + (Has($"{name}.skip_connection") ? Conv($"{name}.skip_connection", skip) : skip);
    }

    private Torch Attention(string name, Torch x)
    {
        if (!Has($"{name}.norm"))
            return x;
        long n = x.shape[0], c = x.shape[1], heads = HeadsOf(c);
        var qkv = Conv($"{name}.qkv", Norm($"{name}.norm", x));
        var parts = Config.QkvByHead
            ? qkv.reshape(n, heads, 3, c / heads, -1).unbind(2)
            : qkv.reshape(n, 3, heads, c / heads, -1).unbind(1);
        return x + Conv($"{name}.proj_out", Attend(parts[0], parts[1], parts[2]).reshape(x.shape));
    }
}
