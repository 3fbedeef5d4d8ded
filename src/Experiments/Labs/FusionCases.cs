using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Experiments.Labs;

/// <summary>
/// The fusions at the shapes of a network: its first normalisation and attention, its images, its parameters. There is no list of
/// shapes here: whoever asks names a network.
/// </summary>
/// <param name="network">A U-Net. Its parameters are used as they are; Adam runs with a learning rate of 0.</param>
/// <param name="batch">Images in the network's own operations.</param>
/// <param name="stateElements">Elements of a state in the trajectory operations, about: enough to leave the caches.</param>
public sealed class FusionCases(INetwork network, int batch, int stateElements)
{
    private readonly List<IDisposable> _owned = [];
    private uint _stream;

    private Backend Backend => network.Backend;

    private UNetConfig Config { get; } = network.Config as UNetConfig
        ?? throw new UsageException($"fusions are measured at the shapes of a U-Net, not of the family '{network.Config.Family}'");

    /// <summary>Each made when it is its turn, so that one case's memory is there at a time.</summary>
    /// <param name="only">These fusions; all without it.</param>
    public IEnumerable<Func<FusionCase>> All(IReadOnlyCollection<Fusion>? only = null) => Of(only,
    [
        (Fusion.GroupNormSilu, GroupNormSilu), (Fusion.ConvEpilogue, ConvEpilogue), (Fusion.ConvPrologue, ConvPrologue),
        (Fusion.ResampleConv, () => ResampleConv(Resampling.Up)), (Fusion.ResampleConv, () => ResampleConv(Resampling.Down)),
        (Fusion.ConvMoments, ConvMoments),
        (Fusion.Attention, Attention), (Fusion.Qkv, Qkv), (Fusion.Dropout, Dropout),
        .. new[] { 1, 2, 4, 8 }.Select(k => (TrajectoryObjective.FusedLoss, (Func<FusionCase>)(() => TrajectoryLoss(k)))),
        .. new[] { 1, 4 }.Select(k => (StateStep.PreconditionStep, (Func<FusionCase>)(() => PreconditionStep(k)))),
        (Optimizer.FusedAdam, Adam), (Student.FoldedHeads, () => FoldedHeads(4)),
    ]);

    /// <summary>Those that memory alone limits, the loss at every K: what they are held against is the device's copy bandwidth.</summary>
    /// <param name="only">These fusions of them; all without it.</param>
    public IEnumerable<Func<FusionCase>> MemoryBound(IReadOnlyCollection<Fusion>? only = null) => Of(only,
    [
        (Fusion.GroupNormSilu, GroupNormSilu),
        .. Enumerable.Range(1, Backend.MaxBranches)
            .Select(k => (TrajectoryObjective.FusedLoss, (Func<FusionCase>)(() => TrajectoryLoss(k)))),
        .. new[] { 1, 4 }.Select(k => (StateStep.PreconditionStep, (Func<FusionCase>)(() => PreconditionStep(k)))),
        (Optimizer.FusedAdam, Adam),
    ]);

    private IEnumerable<Func<FusionCase>> Of(IReadOnlyCollection<Fusion>? only, IReadOnlyList<(Fusion Fusion, Func<FusionCase> Make)> cases)
    {
        network.Parameters.EnableGradients();
        return cases.Where(c => only?.Contains(c.Fusion) != false).Select(c => c.Make);
    }

    /// <summary>With each sample's scale and shift, as the blocks between convolutions have it.</summary>
    private FusionCase GroupNormSilu()
    {
        var norm = Normalization(network.Parameters.All.First(IsGamma).Shape.Length);
        int c = norm.Gamma.Shape.Length;
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        var scaleShift = Normal(new Shape(batch, 2 * c));
        return OnTape(Fusion.GroupNormSilu, shape, shape,
            (tape, inputs) => tape.GroupNorm(inputs[0], norm.Gamma, norm.Beta, norm.Groups, norm.Epsilon, silu: true, inputs[1]),
            same: true, "the same GroupNorm kernels over the same grids, then SiLU as wide as the last of them", scaleShift);
    }

    private FusionCase ConvEpilogue()
    {
        var (weight, bias) = SquareConvolution();
        int c = weight.Shape[0];
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        return OnTape(Fusion.ConvEpilogue, shape, shape,
            (tape, inputs) =>
                tape.Conv2d(inputs[0], weight, bias, new Surroundings(Embedding: inputs[1], Residual: inputs[0], Scale: Config.SkipScale)),
            same: true, "the same convolution over the same grid, then embedding and residual sum as wide as the image",
            Normal(new Shape(batch, c)));
    }

    private FusionCase ConvPrologue()
    {
        var (weight, bias) = SquareConvolution();
        int c = weight.Shape[3];
        var norm = Normalization(c);
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, c);
        return OnTape(Fusion.ConvPrologue, shape, shape,
            (tape, inputs) => tape.Conv2d(inputs[0], weight, bias, new Surroundings(norm)),
            same: true,
            "the same statistics and the same convolution over the same grids, the normalised image written between them, as wide "
            + "as the image");
    }

    /// <summary>The end of a residual block and the beginning of the next.</summary>
    private FusionCase ConvMoments()
    {
        var (weight, bias) = SquareConvolution();
        var norm = Normalization(weight.Shape[0]);
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, weight.Shape[0]);
        return OnTape(Fusion.ConvMoments, shape, shape,
            (tape, inputs) =>
            {
                var h = tape.Conv2d(inputs[0], weight, bias,
                    new Surroundings(Residual: inputs[0], Scale: Config.SkipScale, IsNormalisedNext: true));
                var y = tape.GroupNorm(h, norm.Gamma, norm.Beta, norm.Groups, norm.Epsilon, norm.Silu);
                tape.Drop(h);
                return y;
            },
            same: true, "the same convolution and the same GroupNorm over the same grids; statistics of as many chunks, from the image");
    }

    private FusionCase ResampleConv(Resampling resampling)
    {
        var (weight, bias) = SquareConvolution();
        var norm = Normalization(weight.Shape[3]);
        int large = Config.Resolution, small = large / 2, c = weight.Shape[0];
        Shape wide = new(batch, large, large, c), narrow = new(batch, small, small, c);
        bool up = resampling == Resampling.Up;
        return OnTape(Fusion.ResampleConv, up ? narrow : wide, up ? wide : narrow,
            (tape, inputs) => tape.Conv2d(inputs[0], weight, bias, new Surroundings(norm, resampling)), same: !up,
            up ? "none: four convolutions of 2x2 taps are no partition of one of 3x3"
                : "the same convolution over the same grid, normalised image and means written before it, as wide as they are") with
        {
            Shapes = $"{(up ? "up" : "down")} {(up ? narrow : wide)}",
        };
    }

    /// <summary>The first normalisation of so many channels, with SiLU.</summary>
    private NormalizationBefore Normalization(int channels)
    {
        var gamma = network.Parameters.All.First(p => p.Shape == new Shape(channels) && IsGamma(p));
        return new NormalizationBefore(gamma, network.Parameters[gamma.Name[..^"weight".Length] + "bias"], Groups(channels),
            (float)Config.Epsilon, Silu: true);
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
        return OnTape(Fusion.Attention, new Shape(batch, size, size, 3 * c), new Shape(batch, size, size, c),
            (tape, inputs) => tape.Attention(inputs[0], heads),
            same: false,
            "none: a block of queries with all its keys is no partition of a product, a softmax and a product; the composition's "
            + "launches are the wider ones");
    }

    private FusionCase Qkv()
    {
        var weight = QkvWeight();
        var bias = network.Parameters[weight.Name[..^"weight".Length] + "bias"];
        int c = weight.Shape[3], size = AttentionSize(), m = batch * size * size;
        Shape rows = new(m, c), input = new(batch, size, size, c), output = new(batch, size, size, 3 * c), all = new(1, m, 3 * c);
        Tensor x = Normal(input), dy = Normal(output);
        // Three copies of x are what three products read.
        Tensor copies = Empty(new Shape(3, m, c)), products = Empty(copies.Shape), packed = Empty(output), dproducts = Empty(copies.Shape),
            dcopies = Empty(copies.Shape), dx = Empty(input), db = Empty(new Shape(1, 3 * c));
        for (int i = 0; i < 3; i++)
        {
            using var copy = copies.View(i * rows.Length, rows);
            Backend.Copy(x, copy);
        }
        var results = new FusionResults();
        return OnTape(Fusion.Qkv, x, dy,
            (tape, inputs) => tape.Execution.Fusions.Has(Fusion.Qkv) ? tape.Conv2d(inputs[0], weight, bias)
                : tape.Conv2dInParts(inputs[0], weight, bias, 3),
            BatchedProducts,
            "the three products as one batched launch each way, packed and unpacked by a transposition, the bias in a launch of its own",
            results);

        void BatchedProducts()
        {
            using Tensor w = weight.Value.Reshape(new Shape(3, c, c)), dw = weight.Gradient!.Reshape(w.Shape), y = packed.Reshape(all),
                d = dy.Reshape(all),
                interleaved = packed.Reshape(new Shape(m, 3, c)), dinterleaved = dy.Reshape(interleaved.Shape),
                b = bias.Value.Reshape(db.Shape), sum = bias.Gradient!.Reshape(db.Shape);
            Backend.MatMul(new MatMulShape(3, m, c, c, TransB: true), copies, w, products);
            Backend.Transpose(products, interleaved);
            Backend.BroadcastAdd(y, b, y);
            results.Show("y", packed);
            Backend.Transpose(dinterleaved, dproducts);
            Backend.MatMul(new MatMulShape(3, c, c, m, TransA: true), dproducts, copies, dw, accumulate: true);
            Backend.BroadcastAddBackward(d, db);
            Backend.LinearCombination([1f, 1f], [sum, db], sum);
            Backend.MatMul(new MatMulShape(3, m, c, c), dproducts, w, dcopies);
            using Tensor first = dcopies.View(0, input), second = dcopies.View(input.Length, input),
                third = dcopies.View(2 * input.Length, input);
            Backend.LinearCombination([1f, 1f, 1f], [first, second, third], dx);
            results.Show("dinput0", dx);
            results.Show("gradients", network.Parameters.Gradients!);
        }
    }

    private FusionCase Dropout()
    {
        var shape = new Shape(batch, Config.Resolution, Config.Resolution, Config.ModelChannels);
        return OnTape(Fusion.Dropout, shape, shape, (tape, inputs) => tape.Dropout(inputs[0], 0.1f, new RandomKey(7, 7)), same: true,
            "the mask drawn over the same grid, and products as wide as the image");
    }

    private FusionCase TrajectoryLoss(int branches)
    {
        var s = States(branches);
        Tensor x0 = Normal(s.State), heads = Normal(s.Heads), targets = Normal(s.States), skip = Normal(s.PerBranch), map = Normal(s.Map),
            weights = Normal(s.PerBranch), dheads = Empty(s.Heads), losses = Empty(s.Losses);
        var results = new FusionResults();
        return Case(TrajectoryObjective.FusedLoss, branches, s.State.ToString(),
            () => Shown(() => Backend.TrajectoryLoss(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses)),
            () => Shown(() => PlainTrajectoryLoss.Run(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses)),
            () => Shown(
                () => PlainTrajectoryLoss.Run(s, Distance.L1, 0, x0, heads, targets, skip, map, weights, dheads, losses,
                    branchByBranch: false)),
            "elementwise operations over all branches at once, not branch by branch", results);

        void Shown(Action run)
        {
            run();
            results.Show("dheads", dheads);
            results.Show("losses", losses);
        }
    }

    private FusionCase PreconditionStep(int branches)
    {
        var s = States(branches);
        double[] nodes = Nodes(branches);
        Tensor x0 = Normal(s.State), heads = Normal(s.Heads), states = Empty(s.States);
        var (skip, map) = TrajectoryMap.Of(BranchLayout.Chained, Config.Prediction, Config.SigmaData, nodes, branches, s.N).Upload(Backend);
        _owned.AddRange([skip, map]);
        var results = new FusionResults();
        var own = branches == 1 ? null : AllBranchesAtOnce(s, x0, heads, states, nodes);
        Action plain = () => Shown(() => PlainStep.States(BranchLayout.Chained, Config, s, x0, heads, nodes, states));
        return Case(StateStep.PreconditionStep, branches, s.State.ToString(),
            () => Shown(() => Backend.TrajectoryStates(s, x0, heads, skip, map, states)), plain,
            own is null ? plain : () => Shown(own),
            branches == 1 ? "every launch as wide as the state in both"
                : "D of all branches in one launch, a transposition, all states as a linear map of D in another", results);

        void Shown(Action run)
        {
            run();
            results.Show("states", states);
        }
    }

    /// <summary>
    /// D_j = c_skip x_0 + c_out F_j for all j, then x_b = r_b x_0 + sum_j m[b,j] D_j, r_b = sigma_b / sigma_0, m[b,j] = sigma_b (1 /
    /// sigma_{j+1} - 1 / sigma_j): the steps written out, since one after the other they would wait for each other.
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
        Tensor m = Zeros(shape), v = Zeros(shape), ema = Zeros(shape), norm = Empty(new Shape(1)), gradients = Zeros(shape);
        // At the clipping norm: the gradient, which the composition scales in place, stays as it is.
        Backend.Fill(norm, 1f);
        foreach (var parameter in p.All)
        {
            // What lies between parameters is nobody's, and stays 0.
            using var own = gradients.View(parameter.Offset, parameter.Shape);
            Backend.RandomNormal(new RandomKey(1, _stream++), own);
        }
        Backend.Scale(gradients, 1e-3f, gradients);
        var step = new AdamStep(0f, 1, ClipNorm: 1f, EmaDecay: 0.999f);
        var results = new FusionResults();
        return Case(Optimizer.FusedAdam, 1, FormattableString.Invariant($"{p.All.Count} parameters, {p.Count} values"),
            () => Shown(() => Backend.Adam(step, p.Values, p.Gradients!, m, v, ema, norm)),
            () => Shown(() => PlainAdam.Run(step, p.All, p.Values, p.Gradients!, m, v, ema, norm, 1)),
            () => Shown(() => PlainAdam.Run(step, p.All, p.Values, p.Gradients!, m, v, ema, norm, 1, oneByOne: false)),
            "clipping, Adam and average each once over the flat buffer, not once a parameter", results) with
        {
            Restore = () =>
            {
                foreach (var moment in new[] { m, v, ema })
                    Backend.Fill(moment, 0f);
                Backend.Copy(gradients, p.Gradients!);
            },
        };

        void Shown(Action run)
        {
            run();
            results.Show("m", m);
            results.Show("v", v);
            results.Show("average", ema);
        }
    }

    /// <summary>A sampling step's last convolution and what becomes of its heads: the endpoint.</summary>
    private FusionCase FoldedHeads(int branches)
    {
        int c = Config.ImageChannels, size = Config.Resolution, pixels = size * size;
        var one = Conv2dShape.Same(batch, size, size, network.HeadWeight.Shape[3], c, network.HeadWeight.Shape[1]);
        var all = one with { K = branches * c };
        TrajectoryShape s1 = new(batch, pixels, c, 1), s = s1 with { Branches = branches };
        double[] nodes = Nodes(branches);
        var whole = TrajectoryMap.Of(BranchLayout.Chained, Config.Prediction, Config.SigmaData, nodes, branches, batch);
        var (skip, map) = whole.Upload(Backend);
        var (skip1, map1) = TrajectoryMap.Of(BranchLayout.Chained, Config.Prediction, Config.SigmaData, [nodes[0], nodes[^1]], 1, batch)
            .Upload(Backend);
        _owned.AddRange([skip, map, skip1, map1]);
        Tensor h = Normal(one.Input), w = Normal(all.Weight), w1 = Empty(one.Weight), f1 = Empty(one.Output), f = Empty(all.Output),
            x0 = Normal(s.State),
            byHead = Empty(new Shape(branches, batch * pixels, c)), y = Empty(s.State), states = Empty(s.States);
        Tensor[] weights = [.. Enumerable.Range(0, branches).Select(j => w.View(j * one.Weight.Length, one.Weight))],
            products = [.. Enumerable.Range(0, branches).Select(j => byHead.View(j * one.Output.Length, one.Output))];
        var endpoint = states.View((branches - 1) * s.State.Length, s.State);
        _owned.AddRange([.. weights, .. products, endpoint]);
        Backend.LinearCombination([.. whole.FoldCoefficients().Select(value => (float)value)], weights, w1);
        var results = new FusionResults();
        return Case(Student.FoldedHeads, branches, one.Input.ToString(),
            () =>
            {
                Backend.Conv2d(one, h, w1, null, f1);
                Backend.TrajectoryStates(s1, x0, f1, skip1, map1, y);
                results.Show("endpoint", y);
            },
            () =>
            {
                Backend.Conv2d(all, h, w, null, f);
                States();
            },
            () =>
            {
                for (int j = 0; j < branches; j++)
                    Backend.Conv2d(one, h, weights[j], null, products[j]);
                using var interleaved = f.Reshape(new Shape(batch * pixels, branches, c));
                Backend.Transpose(byHead, interleaved);
                States();
            },
            "head by head, each in a convolution over the folded one's grid, then packed by a transposition", results);

        void States()
        {
            Backend.TrajectoryStates(s, x0, f, skip, map, states);
            results.Show("endpoint", endpoint);
        }
    }

    /// <summary>Forward and backward through a tape, with all fusions or with all but the one.</summary>
    private FusionCase OnTape(Fusion fusion, Shape input, Shape output, Func<Tape, Variable[], Variable> forward, bool same,
        string geometry, params Tensor[] more) =>
        OnTape(fusion, Normal(input), Normal(output), forward, null, geometry, new FusionResults(), same, more);

    private FusionCase OnTape(Fusion fusion, Tensor x, Tensor dy, Func<Tape, Variable[], Variable> forward, Action? sameGeometry,
        string geometry, FusionResults results,
        bool same = false, params Tensor[] more)
    {
        Tensor[] given = [x, .. more], inputs = [.. given.Select(Activation)];
        dy = Activation(dy);
        void Run(Fusions fusions)
        {
            using var tape = new Tape(Backend, recording: true) { Execution = new Execution(fusions) };
            Variable[] variables = [.. inputs.Select(input => tape.Input(input, requiresGradient: true))];
            var y = forward(tape, variables);
            results.Show("y", y.Data);
            tape.Backward(y, dy);
            for (int i = 0; i < variables.Length; i++)
            {
                if (variables[i].Gradient is { } gradient)
                    results.Show($"dinput{i}", gradient);
            }
            results.Show("gradients", network.Parameters.Gradients!);
        }
        Action plain = () => Run(Fusions.All.Without(fusion));
        return Case(fusion, 1, x.Shape.ToString(), () => Run(Fusions.All), plain, sameGeometry ?? (same ? plain : null), geometry, results);
    }

    private FusionCase Case(Fusion fusion, int branches, string shapes, Action fused, Action unfused, Action? sameGeometry, string geometry,
        FusionResults results)
    {
        var owned = _owned.ToArray();
        _owned.Clear();
        return new FusionCase(fusion.Name, branches, shapes, fused, unfused, sameGeometry, geometry, results,
            network.Parameters.ZeroGradients, owned);
    }

    private static double[] Nodes(int branches) => [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];

    private Parameter QkvWeight() => network.Parameters.All.FirstOrDefault(p => p.Shape is { Rank: 4 } s && s[1] == 1 && s[0] == 3 * s[3])
        ?? throw new BDenseException("this network has no attention to measure");

    /// <summary>Of the encoder's first attention, or of the middle.</summary>
    private int AttentionSize() =>
        Config.AttentionResolutions.Where(r => r <= Config.Resolution)
            .DefaultIfEmpty(Config.Resolution >> (Config.ChannelMultipliers.Length - 1)).Max();

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

    /// <summary>An image as networks keep it on this device.</summary>
    private Tensor Activation(Tensor x)
    {
        if (x.Type == Backend.ActivationType || x.Shape.Rank != 4)
            return x;
        var activation = Backend.Empty(x.Shape, Backend.ActivationType);
        _owned.Add(activation);
        Backend.Convert(x, activation);
        return activation;
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
