using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

[assembly: DeclaresFusions(typeof(BDense.Training.Distillation.TrajectoryObjective))]

namespace BDense.Training.Distillation;

/// <summary>What one pass gave.</summary>
/// <param name="Loss">The weighted loss.</param>
/// <param name="Branches">Each branch's mean distance, unweighted.</param>
internal readonly record struct ObjectiveResult(double Loss, double[] Branches);

/// <summary>The pass's tensors, all on the device: its launches depend on nothing else.</summary>
/// <param name="Shape">Geometry.</param>
/// <param name="X0">[N,H,W,C]</param>
/// <param name="Targets">y: [K,N,H,W,C]</param>
/// <param name="Scale">c_in: [N,1]</param>
/// <param name="Noise">c_noise: [N]</param>
/// <param name="Skip">S: [N,K]</param>
/// <param name="Map">M: [N,K,K]</param>
/// <param name="Weights">w / (N E): [N,K]</param>
/// <param name="Options">Dropout and labels.</param>
/// <param name="Losses">[1+K], overwritten.</param>
/// <param name="Endpoint">[N,H,W,C], overwritten; or none.</param>
internal sealed record ObjectiveTensors(TrajectoryShape Shape, Tensor X0, Tensor Targets, Tensor Scale, Tensor Noise, Tensor Skip,
    Tensor Map, Tensor Weights,
    ForwardOptions Options, Tensor Losses, Tensor? Endpoint);

/// <summary>
/// The one objective of every training here: one pass of the network at (x_0, sigma_0), its branch states by the linear
/// trajectory map, their weighted distance from the targets, and the gradients, which accumulate in the parameters:
/// L = (1/(N E)) sum_n sum_b w[n,b] sum_e rho(x_b - y_b), E elements an image. Denoising score matching is K = 1 to sigma_1 = 0.
/// </summary>
internal sealed class TrajectoryObjective(INetwork network, BranchLayout layout, Distance distance, double delta) : IDisposable
{
    /// <summary>Loss and gradient of the dense trajectory in one pass.</summary>
    public static Fusion FusedLoss { get; } = new("trajectory-loss",
        does: "loss and gradient of all K branches in one pass",
        instead: "states, differences, distances, sums, weights, derivatives, weights, gradient",
        saves: "of 1 + 17K trips of a state all but 1 + 3K");

    private readonly Denoiser _denoiser = new(network);
    private ObjectiveGraph? _graph;

    public INetwork Network => network;

    public int Branches => network.Config.Branches;

    /// <summary>Whether passes are replays.</summary>
    public bool IsCaptured => _graph?.IsCaptured == true;

    /// <summary>Forward, loss, backward; captured and replayed where the network's <see cref="Execution"/> says so.</summary>
    /// <param name="x0">[N,H,W,C]</param>
    /// <param name="nodes">[N,K+1], or [K+1] for all samples.</param>
    /// <param name="weights">w: [N,K], or [K] for all samples.</param>
    /// <param name="targets">y: [K,N,H,W,C]</param>
    /// <param name="options">Dropout and labels.</param>
    /// <param name="perceptual">Adds (scale / N) sum_n p(x_K, y_K), the gradient included; or none.</param>
    /// <param name="perceptualScale">Its scale.</param>
    /// <param name="endpoint">[N,H,W,C] to be overwritten with x_K as this pass has it, detached; or none. May be x0.</param>
    public ObjectiveResult Accumulate(Tensor x0, double[] nodes, double[] weights, Tensor targets, in ForwardOptions options,
        Tensor? endpoint = null,
        PerceptualLoss? perceptual = null, double perceptualScale = 1)
    {
        var backend = network.Backend;
        int n = x0.Shape[0], k = Branches, perImage = x0.Length / n;
        var map = TrajectoryMap.Of(layout, network.Config.Prediction, network.Config.SigmaData, nodes, k, n);
        var s = new TrajectoryShape(n, perImage / network.Config.ImageChannels, network.Config.ImageChannels, k);
        var (scales, noises, scaled) = (new float[n], new float[n], Scaled(weights, n, k, perImage));
        _denoiser.Numbers(Starts(nodes, n, k), scales, noises);

        float[] values;
        double extra = 0;
        if (network.Execution.Graph && perceptual is null && options is { Augment: null, Step: null }
            && network.Config.Prediction != Prediction.Both)
        {
            if (_graph?.Fits(x0.Shape, options, endpoint is not null) == false)
            {
                _graph.Dispose();
                _graph = null;
            }
            _graph ??= new ObjectiveGraph(network, s, x0.Shape, options, endpoint is not null, tensors => Pass(tensors, nodes));
            values = _graph.Run(x0, targets, scales, noises, map, scaled, options, endpoint);
        }
        else
        {
            var (skip, m) = map.Upload(backend);
            using var skipOwner = skip;
            using var mapOwner = m;
            using Tensor scale = backend.FromArray(scales, new Shape(n, 1)), noise = backend.FromArray(noises, new Shape(n)),
                w = backend.FromArray(scaled, s.PerBranch);
            using var losses = backend.Empty(s.Losses);
            extra = Pass(new ObjectiveTensors(s, x0, targets, scale, noise, skip, m, w, options, losses, endpoint), nodes, perceptual,
                perceptualScale);
            values = losses.ToArray();
        }
        var branches = new double[k];
        for (int b = 0; b < k; b++)
            branches[b] = values[1 + b] / ((double)n * perImage);
        return new ObjectiveResult(values[0] + extra, branches);
    }

    /// <summary>The loss alone, arguments as in <see cref="Accumulate"/>: forward, and no gradient of a parameter.</summary>
    public double Measure(Tensor x0, double[] nodes, double[] weights, Tensor targets, in ForwardOptions options)
    {
        var backend = network.Backend;
        int n = x0.Shape[0], k = Branches, perImage = x0.Length / n;
        var s = new TrajectoryShape(n, perImage / network.Config.ImageChannels, network.Config.ImageChannels, k);
        using var tape = Tape.For(network, recording: false);
        var heads = _denoiser.Heads(tape, x0, Starts(nodes, n, k), options);
        var (skip, map) = TrajectoryMap.Of(layout, network.Config.Prediction, network.Config.SigmaData, nodes, k, n).Upload(backend);
        using var skipOwner = skip;
        using var mapOwner = map;
        using var w = backend.FromArray(Scaled(weights, n, k, perImage), s.PerBranch);
        using Tensor unused = backend.Empty(s.Heads), losses = backend.Empty(s.Losses);
        backend.TrajectoryLoss(s, distance, (float)delta, x0, heads.Data, targets, skip, map, w, unused, losses);
        return losses.ToArray()[0];
    }

    /// <summary>
    /// Takes the endpoint through the distance, and the distance's gradient back to the heads: dheads += M' [0, ..., 0, g].
    /// </summary>
    private static double AddPerceptual(PerceptualLoss perceptual, double scale, in TrajectoryShape s, Tensor x0, Tensor heads,
        Tensor targets, Tensor skip, Tensor map, Tensor dheads)
    {
        var backend = x0.Backend;
        using Tensor states = backend.Empty(s.States), more = backend.Empty(s.Heads);
        backend.TrajectoryStates(s, x0, heads, skip, map, states);
        using Tensor x = StateStep.StateOf(states, s.Branches - 1, x0.Shape), y = StateStep.StateOf(targets, s.Branches - 1, x0.Shape);
        var (loss, gradient) = perceptual.Compute(x.ToArray(), y.ToArray(), x0.Shape);
        double factor = scale / s.N;
        backend.Fill(states, 0f);
        x.Upload([.. gradient.Select(g => (float)(factor * g))]);
        backend.TrajectoryStatesBackward(s, states, map, more);
        backend.LinearCombination([1f, 1f], [dheads, more], dheads);
        return factor * loss;
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _graph = null;
    }

    /// <summary>The launches.</summary>
    /// <param name="t">What they read and write.</param>
    /// <param name="nodes">For the endpoint without <see cref="StateStep.PreconditionStep"/>, whose coefficients are then uploaded.</param>
    /// <param name="perceptual">As in <see cref="Accumulate"/>.</param>
    /// <param name="perceptualScale">Likewise.</param>
    /// <returns>What the perceptual distance adds.</returns>
    private double Pass(ObjectiveTensors t, double[] nodes, PerceptualLoss? perceptual = null, double perceptualScale = 1)
    {
        var backend = network.Backend;
        var s = t.Shape;
        using var dheads = backend.Empty(s.Heads);
        using var tape = Tape.For(network, recording: true);
        var heads = _denoiser.Merged(tape, _denoiser.Heads(tape, t.X0, t.Scale, t.Noise, t.Options), Starts(nodes, s.N, Branches));
        if (network.Execution.Fusions.Has(FusedLoss))
            backend.TrajectoryLoss(s, distance, (float)delta, t.X0, heads.Data, t.Targets, t.Skip, t.Map, t.Weights, dheads, t.Losses);
        else
            PlainTrajectoryLoss.Run(s, distance, (float)delta, t.X0, heads.Data, t.Targets, t.Skip, t.Map, t.Weights, dheads, t.Losses);
        double extra = perceptual is null ? 0
            : AddPerceptual(perceptual, perceptualScale, s, t.X0, heads.Data, t.Targets, t.Skip, t.Map, dheads);
        if (t.Endpoint is not null)
            StateStep.Last(network, layout, s, t.X0, heads.Data, nodes, t.Skip, t.Map, t.Endpoint);
        tape.Backward(heads, dheads);
        return extra;
    }

    /// <summary>sigma_0 of each sample, or of all.</summary>
    internal static double[] Starts(double[] nodes, int samples, int branches)
    {
        if (nodes.Length == branches + 1)
            return [nodes[0]];
        var starts = new double[samples];
        for (int i = 0; i < samples; i++)
            starts[i] = nodes[i * (branches + 1)];
        return starts;
    }

    private static float[] Scaled(double[] weights, int n, int k, int perImage)
    {
        var scaled = new float[n * k];
        for (int i = 0; i < scaled.Length; i++)
            scaled[i] = (float)(weights[weights.Length == k ? i % k : i] / ((double)n * perImage));
        return scaled;
    }
}
