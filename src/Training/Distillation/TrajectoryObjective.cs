using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>What one pass gave.</summary>
/// <param name="Loss">The weighted loss.</param>
/// <param name="Branches">Each branch's mean distance, unweighted.</param>
internal readonly record struct ObjectiveResult(double Loss, double[] Branches);

/// <summary>
/// The one objective of every training here: one pass of the network at (x_0, sigma_0), its branch states by the linear
/// trajectory map, their weighted distance from the targets, and the gradients, which accumulate in the parameters:
/// L = (1/(N E)) sum_n sum_b w[n,b] sum_e rho(x_b - y_b), E elements an image. Denoising score matching is K = 1 to sigma_1 = 0.
/// </summary>
internal sealed class TrajectoryObjective(UNet network, BranchLayout layout, Distance distance, double delta)
{
    private readonly Denoiser _denoiser = new(network);

    public UNet Network => network;

    public int Branches => network.Config.Branches;

    /// <summary>Forward, loss, backward.</summary>
    /// <param name="x0">[N,H,W,C]</param>
    /// <param name="nodes">[N,K+1], or [K+1] for all samples.</param>
    /// <param name="weights">w: [N,K], or [K] for all samples.</param>
    /// <param name="targets">y: [K,N,H,W,C]</param>
    /// <param name="options">Dropout and labels.</param>
    /// <param name="endpoint">[N,H,W,C] to be overwritten with x_K as this pass has it, detached; or none. May be x0.</param>
    public ObjectiveResult Accumulate(Tensor x0, double[] nodes, double[] weights, Tensor targets, in ForwardOptions options, Tensor? endpoint = null)
    {
        var backend = network.Backend;
        int n = x0.Shape[0], k = Branches, perImage = x0.Length / n;
        var map = TrajectoryMap.Of(layout, network.Config.Prediction, network.Config.SigmaData, nodes, k, n);
        var s = new TrajectoryShape(n, perImage / network.Config.ImageChannels, network.Config.ImageChannels, k);
        var (skip, m) = map.Upload(backend);
        using var skipOwner = skip;
        using var mapOwner = m;
        using var w = backend.FromArray(Scaled(weights, n, k, perImage), s.PerBranch);
        using var dheads = backend.Empty(s.Heads);
        using var losses = backend.Empty(s.Losses);

        using var tape = Tape.For(network, recording: true);
        var heads = _denoiser.Heads(tape, x0, Starts(nodes, n, k), options);
        if (network.Execution.Fusions.Has(Fusion.TrajectoryLoss))
            backend.TrajectoryLoss(s, distance, (float)delta, x0, heads.Data, targets, skip, m, w, dheads, losses);
        else
            PlainTrajectoryLoss.Run(s, distance, (float)delta, x0, heads.Data, targets, skip, m, w, dheads, losses);
        if (endpoint is not null)
            StateStep.Last(network, layout, s, x0, heads.Data, nodes, skip, m, endpoint);
        tape.Backward(heads, dheads);

        var values = losses.ToArray();
        var branches = new double[k];
        for (int b = 0; b < k; b++)
            branches[b] = values[1 + b] / ((double)n * perImage);
        return new ObjectiveResult(values[0], branches);
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
