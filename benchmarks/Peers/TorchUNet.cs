using BDense.Benchmarks.Workloads;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Peers;

/// <summary>The DDPM++ network of a configuration in libtorch's operators, its parameters by the names and values of ours.</summary>
/// <remarks>All parameters are windows into one flat tensor, so that the optimizer needs few operators, as ours does.</remarks>
internal sealed class TorchUNet : IDisposable
{
    private readonly UNetConfig _config;
    private readonly bool _channelsLast;
    private readonly Dictionary<string, Tensor> _byName = [];

    public TorchUNet(UNetConfig config, bool channelsLast, bool gradients)
    {
        (_config, _channelsLast) = (config, channelsLast);
        using var backend = new ReferenceBackend(1);
        using var declared = new Network(backend, config, seed: null);
        var all = declared.Parameters.All;
        Names = [.. all.Select(p => p.Name)];
        using var scope = NewDisposeScope();
        Flat = tensor(all.SelectMany(TrainingStep.Values).ToArray()).DetachFromDisposeScope();
        long offset = 0;
        foreach (var parameter in all)
        {
            var s = parameter.Shape;
            var window = Flat.narrow(0, offset, s.Length).view([.. s.ToArray().Select(i => (long)i)]);
            if (s.Rank == 4)
                window = window.permute(0, 3, 1, 2);
            window.requires_grad = gradients;
            _byName.Add(parameter.Name, window.DetachFromDisposeScope());
            offset += s.Length;
        }
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Every parameter in our order and layout (KRSC).</summary>
    public Tensor Flat { get; }

    public IList<Tensor> Parameters => [.. Names.Select(n => _byName[n])];

    /// <param name="x">[N,C,H,W]</param>
    /// <param name="noise">[N]</param>
    public Tensor Forward(Tensor x, Tensor noise)
    {
        int half = _config.ModelChannels / 2;
        var frequencies = arange(half, dtype: ScalarType.Float32).mul(-Math.Log(10000) / Math.Max(1, half - 1)).exp();
        var angles = noise.unsqueeze(1) * frequencies;
        var emb = functional.silu(Linear("model.map_layer0", cat([angles.sin(), angles.cos()], 1)));
        emb = functional.silu(Linear("model.map_layer1", emb));

        int top = _config.Resolution, levels = _config.ChannelMultipliers.Length;
        var h = Conv($"model.enc.{top}x{top}_conv", x);
        var skips = new Stack<Tensor>([h]);
        for (int level = 0; level < levels; level++)
        {
            int size = top >> level;
            if (level > 0)
                skips.Push(h = Block($"model.enc.{size}x{size}_down", h, emb, down: true));
            for (int i = 0; i < _config.BlocksPerLevel; i++)
                skips.Push(h = Block($"model.enc.{size}x{size}_block{i}", h, emb));
        }
        for (int level = levels - 1; level >= 0; level--)
        {
            string at = $"model.dec.{top >> level}x{top >> level}";
            if (level == levels - 1)
                h = Block($"{at}_in1", Block($"{at}_in0", h, emb), emb);
            else
                h = Block($"{at}_up", h, emb, up: true);
            for (int i = 0; i <= _config.BlocksPerLevel; i++)
                h = Block($"{at}_block{i}", cat([h, skips.Pop()], 1), emb);
        }
        return Conv($"model.dec.{top}x{top}_aux_conv", functional.silu(Norm($"model.dec.{top}x{top}_aux_norm", h)));
    }

    public void Dispose()
    {
        foreach (var window in _byName.Values)
            window.Dispose();
        Flat.Dispose();
    }

    private Tensor Block(string name, Tensor x, Tensor emb, bool down = false, bool up = false)
    {
        var h = Resample(functional.silu(Norm($"{name}.norm0", x)));
        h = Conv($"{name}.conv0", h) + Linear($"{name}.affine", emb).unsqueeze(2).unsqueeze(3);
        h = Conv($"{name}.conv1", functional.silu(Norm($"{name}.norm1", h)));
        var skip = Resample(x);
        if (_byName.ContainsKey($"{name}.skip.weight"))
            skip = Conv($"{name}.skip", skip);
        var y = (h + skip) * _config.SkipScale;
        if (!_byName.ContainsKey($"{name}.qkv.weight"))
            return y;

        long n = y.shape[0], c = y.shape[1], height = y.shape[2], width = y.shape[3];
        long heads = _config.ChannelsPerHead == 0 ? 1 : c / _config.ChannelsPerHead;
        // q, k and v are blocks of channels; scaled_dot_product_attention takes [N,heads,tokens,D].
        var qkv = Conv($"{name}.qkv", Norm($"{name}.norm2", y)).reshape(n, 3, heads, c / heads, height * width).permute(1, 0, 2, 4, 3)
            .unbind(0);
        var a = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).transpose(2, 3).reshape(n, c, height, width);
        if (_channelsLast)
            a = a.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return (Conv($"{name}.proj", a) + y) * _config.SkipScale;

        Tensor Resample(Tensor t) => down ? functional.avg_pool2d(t, 2L)
            : up ? functional.interpolate(t, scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest) : t;
    }

    private Tensor Conv(string name, Tensor x)
    {
        var w = _byName[$"{name}.weight"];
        long pad = w.shape[2] / 2;
        return functional.conv2d(x, w, _byName[$"{name}.bias"], strides: [1, 1], padding: [pad, pad]);
    }

    private Tensor Linear(string name, Tensor x) => functional.linear(x, _byName[$"{name}.weight"], _byName[$"{name}.bias"]);

    private Tensor Norm(string name, Tensor x)
    {
        long groups = Math.Max(1, Math.Min(32, x.shape[1] / 4));
        return functional.group_norm(x, groups, _byName[$"{name}.weight"], _byName[$"{name}.bias"], _config.Epsilon);
    }
}

internal static class TorchNetworks
{
    // One after the other: what takes a single variant for itself must not find the memory of both.
    public static IEnumerable<Running> Variants(TrainingStep work)
    {
        foreach (bool channelsLast in new[] { true, false })
            yield return Training(work, channelsLast);
    }

    public static IEnumerable<Running> Variants(Sampling work)
    {
        foreach (bool channelsLast in new[] { true, false })
            yield return Evaluation(work, channelsLast);
    }

    private static Running Training(TrainingStep work, bool channelsLast)
    {
        var network = new TorchUNet(work.Config, channelsLast, gradients: true);
        Tensor x = Layout.ChannelsSecond(work.X, work.Images, channelsLast),
            target = Layout.ChannelsSecond(work.Target, work.Images, channelsLast),
            noise = Layout.Make(work.Noise, work.Batch), ema = network.Flat.clone();
        var adam = new FlatAdam(network.Flat, ema);
        var parameters = network.Parameters;
        var results = new Kept();
        float factor = 1f;
        return new(channelsLast ? "channels_last" : "contiguous",
            () =>
            {
                using var scope = NewDisposeScope();
                var f = network.Forward(x, noise);
                var loss = (f - target).square().sum() * (0.5f / work.Images.Length);
                var gradients = autograd.grad([loss], parameters);
                // In the order of the flat parameters: convolutions' gradients go back to KRSC.
                var g = cat([.. gradients.Select(d => (d.dim() == 4 ? d.permute(0, 2, 3, 1) : d).reshape(-1))]);
                results.Keep(f.detach(), g);
                factor = adam.Step(g);
            },
            () =>
            {
                var named = new Dictionary<string, float[]>
                {
                    ["F"] = Layout.ChannelsLast(results[0]),
                    ["p"] = Layout.Values(network.Flat),
                };
                var flat = Layout.Values(results[1]);
                int offset = 0;
                foreach (var (name, parameter) in network.Names.Zip(parameters))
                {
                    int length = (int)parameter.numel();
                    named[$"gradient of {name}"] = Array.ConvertAll(flat[offset..(offset + length)], d => d / factor);
                    offset += length;
                }
                return named;
            },
            network, x, target, noise, ema, adam, results);
    }

    private static Running Evaluation(Sampling work, bool channelsLast)
    {
        var training = work.Training;
        var network = new TorchUNet(work.Config, channelsLast, gradients: false);
        Tensor x = Layout.ChannelsSecond(training.X, training.Images, channelsLast), noise = Layout.Make(training.Noise, work.Batch);
        var results = new Kept();
        return new(channelsLast ? "channels_last" : "contiguous",
            () =>
            {
                using var scope = NewDisposeScope();
                using var _ = inference_mode(true);
                results.Keep((network.Forward(x, noise) + x) * 0.5f);
            },
            () => new() { ["next"] = Layout.ChannelsLast(results[0]) },
            network, x, noise, results);
    }
}
