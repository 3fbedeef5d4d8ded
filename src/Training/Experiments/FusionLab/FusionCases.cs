using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>The fusions at the shapes of a network: its first normalisation and attention, its images, its parameters.</summary>
/// <param name="network">Its parameters are used as they are; Adam runs with a learning rate of 0.</param>
/// <param name="batch">Images in the network's own operations.</param>
/// <param name="stateElements">Elements of a state in the trajectory operations, about: enough to leave the caches.</param>
public sealed class FusionCases(UNet network, int batch, int stateElements)
{
    private readonly List<IDisposable> _owned = [];
    private uint _stream;

    private Backend Backend => network.Backend;

    private UNetConfig Config => network.Config;

    /// <summary>Each made when it is its turn, so that one case's memory is there at a time.</summary>
    public IEnumerable<Func<FusionCase>> All()
    {
        network.Parameters.EnableGradients();
        yield return GroupNormSilu;
        yield return ConvEpilogue;
        yield return ConvPrologue;
        yield return () => ResampleConv(Resampling.Up);
        yield return () => ResampleConv(Resampling.Down);
        yield return Attention;
        yield return Qkv;
        yield return Dropout;
        foreach (int branches in new[] { 1, 2, 4, 8 })
            yield return () => TrajectoryLoss(branches);
        foreach (int branches in new[] { 1, 4 })
            yield return () => PreconditionStep(branches);
        yield return Adam;
        yield return () => FoldedHeads(4);
    }

    private FusionCase GroupNormSilu()
    {
        var gamma = network.Parameters.All.First(p => p.Shape.Rank == 1 && p.Name.Contains("norm", StringComparison.Ordinal) && p.Name.EndsWith("weight", StringComparison.Ordinal));
        var beta = network.Parameters[gamma.Name[..^"weight".Length] + "bias"];
        int c = gamma.Shape.Length, groups = Math.Max(1, Math.Min(32, c / 4));
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        return OnTape(Fusion.GroupNormSilu, shape, shape, (tape, x) => tape.GroupNorm(x, gamma, beta, groups, 1e-5f, silu: true),
            same: true, "the same GroupNorm kernel over the same grid, then SiLU one thread an element");
    }

    private FusionCase ConvEpilogue()
    {
        var (weight, bias) = SquareConvolution();
        int c = weight.Shape[0];
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        var embedding = Normal(new Shape(batch, c));
        return OnTape(Fusion.ConvEpilogue, shape, shape,
            (tape, x) => tape.Conv2d(x, weight, bias, new Around(Embedding: tape.Input(embedding, requiresGradient: true), Residual: x, Scale: 0.7071f)),
            same: true, "the same convolution over the same grid, then embedding and residual sum one thread an element");
    }

    private FusionCase ConvPrologue()
    {
        var (weight, bias) = SquareConvolution();
        int c = weight.Shape[3];
        var norm = Normalization(c);
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        return OnTape(Fusion.ConvPrologue, shape, shape,
            (tape, x) => tape.Conv2d(x, weight, bias, new Around(norm)),
            same: true, "the same statistics and the same convolution over the same grids, the normalised image written between them");
    }

    private FusionCase ResampleConv(Resampling resampling)
    {
        var (weight, bias) = SquareConvolution();
        var norm = Normalization(weight.Shape[3]);
        int large = Config.Resolution, small = large / 2, c = weight.Shape[0];
        Shape wide = new(batch, large, large, c), narrow = new(batch, small, small, c);
        bool up = resampling == Resampling.Up;
        return OnTape(Fusion.ResampleConv, up ? narrow : wide, up ? wide : narrow,
            (tape, x) => tape.Conv2d(x, weight, bias, new Around(norm, resampling)), same: !up,
            up ? "none: four convolutions of 2x2 taps are no partition of one of 3x3" : "the same convolution over the same grid, normalisation and mean one thread an element");
    }

    /// <summary>The first normalisation of so many channels, with SiLU.</summary>
    private NormalizationBefore Normalization(int channels)
    {
        var gamma = network.Parameters.All.First(p => p.Shape == new Shape(channels) && p.Name.Contains("norm", StringComparison.Ordinal) && p.Name.EndsWith("weight", StringComparison.Ordinal));
        return new NormalizationBefore(gamma, network.Parameters[gamma.Name[..^"weight".Length] + "bias"], Math.Max(1, Math.Min(32, channels / 4)), 1e-5f, Silu: true);
    }

    /// <summary>The first 3x3 convolution with as many channels out as in.</summary>
    private (Parameter Weight, Parameter Bias) SquareConvolution()
    {
        var weight = network.Parameters.All.First(p => p.Shape is { Rank: 4 } s && s[1] == 3 && s[0] == s[3]);
        return (weight, network.Parameters[weight.Name[..^"weight".Length] + "bias"]);
    }

    private FusionCase Attention()
    {
        var weight = QkvWeight();
        int c = weight.Shape[3], size = AttentionSize(), heads = Config.ChannelsPerHead == 0 ? 1 : c / Config.ChannelsPerHead;
        return OnTape(Fusion.Attention, new Shape(batch, size, size, 3 * c), new Shape(batch, size, size, c), (tape, x) => tape.Attention(x, heads),
            same: false, "none: the fused kernel's rows of one head are no partition of matrix products");
    }

    private FusionCase Qkv()
    {
        var weight = QkvWeight();
        var bias = network.Parameters[weight.Name[..^"weight".Length] + "bias"];
        int c = weight.Shape[3], size = AttentionSize();
        return OnTape(Fusion.Qkv, new Shape(batch, size, size, c), new Shape(batch, size, size, 3 * c),
            (tape, x) => tape.Execution.Fusions.Has(Fusion.Qkv) ? tape.Conv2d(x, weight, bias) : tape.Conv2dInParts(x, weight, bias, 3),
            same: false, "none: a third of the columns is a third of the launch");
    }

    private FusionCase Dropout()
    {
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, Config.ModelChannels);
        return OnTape(Fusion.Dropout, shape, shape, (tape, x) => tape.Dropout(x, 0.1f, new RandomKey(7, 7)), same: true,
            "one thread an element in both");
    }

    private FusionCase TrajectoryLoss(int branches)
    {
        var s = States(branches);
        Tensor x0 = Normal(s.State), heads = Normal(s.Heads), targets = Normal(s.States), skip = Normal(s.PerBranch), map = Normal(s.Map),
            weights = Normal(s.PerBranch), dheads = Empty(s.Heads), losses = Empty(s.Losses);
        return Case(Fusion.TrajectoryLoss, branches, s.State.ToString(),
            () => Backend.TrajectoryLoss(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses),
            () => PlainTrajectoryLoss.Run(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses),
            () => PlainTrajectoryLoss.Run(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses, branchByBranch: false),
            "elementwise operations over all branches at once, not branch by branch");
    }

    private FusionCase PreconditionStep(int branches)
    {
        var s = States(branches);
        double[] nodes = [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];
        Tensor x0 = Normal(s.State), heads = Normal(s.Heads), states = Empty(s.States);
        var (skip, map) = TrajectoryMap.Of(BranchLayout.Chained, Config.Prediction, Config.SigmaData, nodes, branches, s.N).Upload(Backend);
        _owned.AddRange([skip, map]);
        Action plain = () => PlainStep.States(BranchLayout.Chained, Config, s, x0, heads, nodes, states);
        return Case(Fusion.PreconditionStep, branches, s.State.ToString(), () => Backend.TrajectoryStates(s, x0, heads, skip, map, states), plain,
            branches == 1 ? plain : null, branches == 1 ? "one thread an element in both" : "none: each step waits for the one before it");
    }

    private FusionCase Adam()
    {
        var p = network.Parameters;
        var shape = p.Values.Shape;
        Tensor m = Zeros(shape), v = Zeros(shape), ema = Zeros(shape), norm = Empty(new Shape(1));
        // At the clipping norm: the gradient, which the composition scales in place, stays as it is.
        Backend.Fill(norm, 1f);
        Backend.Fill(p.Gradients!, 1e-3f);
        var step = new AdamStep(0f, 1, ClipNorm: 1f, EmaDecay: 0.999f);
        return Case(Fusion.Adam, 1, FormattableString.Invariant($"{p.All.Count} parameters, {p.Count} values"),
            () => Backend.Adam(step, p.Values, p.Gradients!, m, v, ema, norm),
            () => PlainAdam.Run(step, p.All, p.Values, p.Gradients!, m, v, ema, norm, 1),
            () => PlainAdam.Run(step, p.All, p.Values, p.Gradients!, m, v, ema, norm, 1, oneByOne: false),
            "clipping, Adam and average each once over the flat buffer, not once a parameter");
    }

    private FusionCase FoldedHeads(int branches)
    {
        int c = Config.ImageChannels, size = Config.Resolution;
        var one = Conv2dShape.Same(batch, size, size, network.HeadWeight.Shape[3], c, network.HeadWeight.Shape[1]);
        var all = one with { K = branches * c };
        TrajectoryShape s1 = new(batch, size * size, c, 1), s = s1 with { Branches = branches };
        Tensor h = Normal(one.Input), w1 = Normal(one.Weight), w = Normal(all.Weight), f1 = Empty(one.Output), f = Empty(all.Output), x0 = Normal(s.State),
            skip = Normal(s.PerBranch), map = Normal(s.Map), skip1 = Normal(s1.PerBranch), map1 = Normal(s1.Map), y = Empty(s.State), states = Empty(s.States);
        return Case(Fusion.FoldedHeads, branches, one.Input.ToString(),
            () =>
            {
                Backend.Conv2d(one, h, w1, null, f1);
                Backend.TrajectoryStates(s1, x0, f1, skip1, map1, y);
            },
            () =>
            {
                Backend.Conv2d(all, h, w, null, f);
                Backend.TrajectoryStates(s, x0, f, skip, map, states);
            }, null, "none: a K-th of the columns is a K-th of the launch");
    }

    /// <summary>Forward and backward through a tape, with all fusions or with all but the one.</summary>
    private FusionCase OnTape(Fusion fusion, Shape input, Shape output, Func<Tape, Variable, Variable> forward, bool same, string geometry)
    {
        Tensor x = Normal(input), dy = Normal(output);
        void Run(Fusions fusions)
        {
            using var tape = new Tape(Backend, recording: true) { Execution = new Execution(fusions) };
            tape.Backward(forward(tape, tape.Input(x, requiresGradient: true)), dy);
        }
        Action plain = () => Run(Fusions.All.Without(fusion));
        return Case(fusion, 1, input.ToString(), () => Run(Fusions.All), plain, same ? plain : null, geometry);
    }

    private FusionCase Case(Fusion fusion, int branches, string shapes, Action fused, Action unfused, Action? sameGeometry, string geometry)
    {
        var owned = _owned.ToArray();
        _owned.Clear();
        return new FusionCase(Fusions.NameOf(fusion), branches, shapes, fused, unfused, sameGeometry, geometry, owned);
    }

    private Parameter QkvWeight() => network.Parameters.All.FirstOrDefault(p => p.Shape is { Rank: 4 } s && s[1] == 1 && s[0] == 3 * s[3])
        ?? throw new BDenseException("this network has no attention to measure");

    /// <summary>Of the encoder's first attention, or of the middle.</summary>
    private int AttentionSize() => Config.AttentionResolutions.Where(r => r <= Config.Resolution).DefaultIfEmpty(Config.Resolution >> (Config.ChannelMultipliers.Length - 1)).Max();

    private TrajectoryShape States(int branches)
    {
        int pixels = Config.Resolution * Config.Resolution, c = Config.ImageChannels;
        return new TrajectoryShape(Math.Max(batch, stateElements / (pixels * c)), pixels, c, branches);
    }

    private Tensor Normal(Shape shape)
    {
        var x = Empty(shape);
        Backend.RandomNormal(new RandomKey(1, _stream++), x);
        return x;
    }

    private Tensor Zeros(Shape shape)
    {
        var x = Empty(shape);
        Backend.Fill(x, 0f);
        return x;
    }

    private Tensor Empty(Shape shape)
    {
        var x = Backend.Empty(shape);
        _owned.Add(x);
        return x;
    }
}
