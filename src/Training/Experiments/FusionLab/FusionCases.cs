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

    /// <summary>Those that memory alone limits, the loss at every K: what they are held against is the device's copy bandwidth.</summary>
    public IEnumerable<Func<FusionCase>> MemoryBound()
    {
        network.Parameters.EnableGradients();
        yield return GroupNormSilu;
        for (int k = 1; k <= 8; k++)
        {
            int branches = k;
            yield return () => TrajectoryLoss(branches);
        }
        foreach (int branches in new[] { 1, 4 })
            yield return () => PreconditionStep(branches);
        yield return Adam;
    }

    private FusionCase GroupNormSilu()
    {
        var gamma = network.Parameters.All.First(IsGamma);
        var beta = network.Parameters[gamma.Name[..^"weight".Length] + "bias"];
        int c = gamma.Shape.Length, groups = Groups(c);
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
        var gamma = network.Parameters.All.First(p => p.Shape == new Shape(channels) && IsGamma(p));
        return new NormalizationBefore(gamma, network.Parameters[gamma.Name[..^"weight".Length] + "bias"], Groups(channels), 1e-5f, Silu: true);
    }

    /// <summary>The only weights that are vectors are the normalisations'.</summary>
    private static bool IsGamma(Parameter p) => p.Shape.Rank == 1 && p.Name.EndsWith("weight", StringComparison.Ordinal);

    private int Groups(int channels) => Config.Groups > 0 ? Config.Groups : Math.Max(1, Math.Min(32, channels / 4));

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
            same: true, "the composition as it is: its products run over all heads of all images at once, wider than the fused kernel");
    }

    private FusionCase Qkv()
    {
        var weight = QkvWeight();
        var bias = network.Parameters[weight.Name[..^"weight".Length] + "bias"];
        int c = weight.Shape[3], size = AttentionSize();
        // Three copies of x are what three products read.
        int m = batch * size * size;
        Tensor copies = Normal(new Shape(3, m, c)), products = Empty(new Shape(3, m, c)), packed = Empty(new Shape(m, 3 * c)),
            dy = Normal(new Shape(m, 3, c)), dproducts = Empty(new Shape(3, m, c)), dcopies = Empty(new Shape(3, m, c)), dx = Empty(new Shape(m, c)),
            dw = Empty(new Shape(3, c, c));
        return OnTape(Fusion.Qkv, new Shape(batch, size, size, c), new Shape(batch, size, size, 3 * c),
            (tape, x) => tape.Execution.Fusions.Has(Fusion.Qkv) ? tape.Conv2d(x, weight, bias) : tape.Conv2dInParts(x, weight, bias, 3),
            same: false, "the three products as one batched launch each way, packed and unpacked by a transposition; without bias") with
        {
            UnfusedSameGeometry = () =>
            {
                using var w = weight.Value.Reshape(new Shape(3, c, c));
                Backend.MatMul(new MatMulShape(3, m, c, c, TransB: true), copies, w, products);
                Backend.Transpose(products, packed);
                Backend.Transpose(dy, dproducts);
                Backend.MatMul(new MatMulShape(3, m, c, c), dproducts, w, dcopies);
                Backend.MatMul(new MatMulShape(3, c, c, m, TransA: true), dproducts, copies, dw);
                using Tensor a = dcopies.View(0, dx.Shape), b = dcopies.View(dx.Length, dx.Shape), d = dcopies.View(2 * dx.Length, dx.Shape);
                Backend.LinearCombination([1f, 1f, 1f], [a, b, d], dx);
            },
        };
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
            branches == 1 ? plain : AllBranchesAtOnce(s, x0, heads, states, nodes),
            branches == 1 ? "one thread an element in both" : "D of all branches in one launch, a transposition, all states as a linear map of D in another");
    }

    /// <summary>
    /// D_j = c_skip x_0 + c_out F_j for all j, then x_b = r_b x_0 + sum_j m[b,j] D_j, r_b = sigma_b / sigma_0, m[b,j] = sigma_b (1 / sigma_{j+1} - 1 / sigma_j):
    /// the steps written out, since one after the other they would wait for each other.
    /// </summary>
    private Action AllBranchesAtOnce(TrajectoryShape s, Tensor x0, Tensor heads, Tensor states, double[] nodes)
    {
        int k = s.Branches;
        var p = Preconditioning.At(Config.Prediction, nodes[0], Config.SigmaData);
        var (ownSkip, ownMap, ratio, steps) = (new float[s.N * k], new float[s.N * k * k], new float[s.N * k], new float[s.N * k * k]);
        for (int i = 0; i < s.N * k; i++)
        {
            int b = i % k;
            ownSkip[i] = (float)p.Skip;
            ownMap[i * k + b] = (float)p.Out;
            ratio[i] = (float)(nodes[b + 1] / nodes[0]);
            for (int j = 0; j <= b; j++)
                steps[i * k + j] = (float)(nodes[b + 1] * (1 / nodes[j + 1] - 1 / nodes[j]));
        }
        Tensor skip = Upload(ownSkip, s.PerBranch), map = Upload(ownMap, s.Map), r = Upload(ratio, s.PerBranch), m = Upload(steps, s.Map),
            d = Empty(new Shape(k, s.N * s.Pixels, s.C)), interleaved = Empty(new Shape(s.N * s.Pixels, k, s.C));
        return () =>
        {
            Backend.TrajectoryStates(s, x0, heads, skip, map, d);
            Backend.Transpose(d, interleaved);
            Backend.TrajectoryStates(s, x0, interleaved, r, m, states);
        };
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
        Action plain = () =>
        {
            Backend.Conv2d(all, h, w, null, f);
            Backend.TrajectoryStates(s, x0, f, skip, map, states);
        };
        return Case(Fusion.FoldedHeads, branches, one.Input.ToString(),
            () =>
            {
                Backend.Conv2d(one, h, w1, null, f1);
                Backend.TrajectoryStates(s1, x0, f1, skip1, map1, y);
            },
            plain, plain, "the composition as it is: its launch is the wider one, so that no part of the speed-up is parallelism");
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

    private Tensor Upload(float[] values, Shape shape)
    {
        var x = Empty(shape);
        x.Upload(values);
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
