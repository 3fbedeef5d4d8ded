using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

[assembly: DeclaresFusions(typeof(BDense.Training.Distillation.StateStep))]

namespace BDense.Training.Distillation;

/// <summary>One student step without a gradient: a pass of the network and its branch states.</summary>
internal static class StateStep
{
    /// <summary>Preconditioning and solver step as one linear combination of x_0 and the raw heads.</summary>
    public static Fusion PreconditionStep { get; } = new("precondition-step",
        does: "branch states straight from x_0 and the raw heads",
        instead: "D = c_skip x + c_out F, then the step, for each branch",
        saves: "the denoised images' trips, two for each branch");

    /// <summary>All branch states [K,N,H,W,C] from x_0; the caller disposes them.</summary>
    /// <param name="denoiser">The network.</param>
    /// <param name="layout">Of its heads.</param>
    /// <param name="x0">[N,H,W,C]</param>
    /// <param name="nodes">[N,K+1], or [K+1] for all samples.</param>
    /// <param name="options">Labels.</param>
    public static Tensor States(Denoiser denoiser, BranchLayout layout, Tensor x0, double[] nodes, in ForwardOptions options)
    {
        var (backend, config) = (denoiser.Backend, denoiser.Network.Config);
        int n = x0.Shape[0], k = config.Branches;
        var map = TrajectoryMap.Of(layout, config.Prediction, config.SigmaData, nodes, k, n);
        var s = new TrajectoryShape(n, x0.Length / n / config.ImageChannels, config.ImageChannels, k);
        using var tape = Tape.For(denoiser.Network, recording: false);
        var heads = denoiser.Heads(tape, x0, TrajectoryObjective.Starts(nodes, n, k), options);
        var states = backend.Empty(new Shape(k * n, x0.Shape[1], x0.Shape[2], x0.Shape[3]));
        if (!denoiser.Network.Execution.Fusions.Has(PreconditionStep))
        {
            PlainStep.States(layout, config, s, x0, heads.Data, nodes, states);
            return states;
        }
        var (skip, m) = map.Upload(backend);
        using var skipOwner = skip;
        using var mapOwner = m;
        backend.TrajectoryStates(s, x0, heads.Data, skip, m, states);
        return states;
    }

    /// <summary>x_K alone into <paramref name="y"/>, which may be x_0.</summary>
    public static void Last(INetwork network, BranchLayout layout, in TrajectoryShape s, Tensor x0, Tensor heads, double[] nodes,
        Tensor skip, Tensor map, Tensor y)
    {
        using var states = y.Backend.Empty(s.States);
        if (network.Execution.Fusions.Has(PreconditionStep))
            y.Backend.TrajectoryStates(s, x0, heads, skip, map, states);
        else
            PlainStep.States(layout, network.Config, s, x0, heads, nodes, states);
        using var last = StateOf(states, s.Branches - 1, y.Shape);
        y.Backend.Copy(last, y);
    }

    /// <summary>State <paramref name="b"/>, from 0, as a view.</summary>
    public static Tensor StateOf(Tensor states, int b, Shape shape) => states.View(b * shape.Length, shape);
}
