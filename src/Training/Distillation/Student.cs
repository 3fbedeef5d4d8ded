using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>A few-step sampler: a network with K heads, its grid, and how its states follow from the heads.</summary>
/// <remarks>The network stays the caller's.</remarks>
/// <param name="network">K heads.</param>
/// <param name="layout">Chained or parallel.</param>
/// <param name="grid">K branch nodes in each of the student's intervals.</param>
/// <param name="analyticalFirstStep">Whether the first interval costs no evaluation.</param>
public sealed class Student(UNet network, BranchLayout layout, NestedGrid grid, bool analyticalFirstStep)
{
    private readonly Denoiser _denoiser = new(network);

    public UNet Network => network;

    public NestedGrid Grid => grid;

    /// <summary>NFE: one an interval, none in an analytical one. Folding changes nothing about it.</summary>
    public int Evaluations => grid.Intervals - (analyticalFirstStep ? 1 : 0);

    /// <summary>The sampler of a resolved distillation.</summary>
    public static Student Of(UNet network, Distill options)
    {
        var o = options.Resolve();
        var grid = NestedGrid.Of(o.FindSchedule(), o.Intervals + 1, o.Jump!.Value).Coarsen(network.Config.Branches);
        return new Student(network, o.Layout!.Value, grid, o.AnalyticalFirstStep!.Value);
    }

    /// <summary>Whether a path is the folder of a distillation: then its configuration says how to sample.</summary>
    public static bool IsStudent(string path) => Directory.Exists(Path.Combine(path, RunFolder.CheckpointsFolder))
        && RunFolder.Existing(path).ReadConfig().ContainsKey(RunFolder.DistillKey);

    /// <summary>How the student of a run was distilled.</summary>
    /// <exception cref="BDenseException">Not a distillation's folder.</exception>
    public static Distill OptionsOf(string run)
    {
        string file = Path.Combine(run, RunFolder.ConfigFile);
        return RunFolder.Existing(run).ReadConfig()[RunFolder.DistillKey] is { } node
            ? RunJson.FromNode<Distill>(node, file).Resolve()
            : throw new BDenseException($"{run} is not a student: {file} has no '{RunFolder.DistillKey}'");
    }

    /// <summary>The student of a run, from its newest checkpoint: the moving average if it has one.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="run">A distillation's folder.</param>
    /// <returns>The caller disposes the student's network.</returns>
    /// <exception cref="BDenseException">Not a distillation's folder, or no checkpoint in it.</exception>
    public static Student Load(Backend backend, string run)
    {
        var options = OptionsOf(run);
        var network = TrainedNetwork.Load(backend, RunFolder.Existing(run));
        try
        {
            return Of(network, options);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>
    /// From x at the largest noise level to the student's endpoint; the caller disposes it. With all heads where their states are asked
    /// for or <see cref="Fusion.FoldedHeads"/> is off, else as <see cref="SampleFolded"/>.
    /// </summary>
    /// <param name="x">[N,H,W,C] sigma_max times normal noise; stays as it is.</param>
    /// <param name="labels">Of a class-conditional network.</param>
    /// <param name="onState">Shown every branch state: its node in <see cref="NestedGrid.Teacher"/>, sigma and state (valid during the call).</param>
    /// <param name="cancellation">Looked at between intervals.</param>
    public Tensor Sample(Tensor x, Tensor? labels = null, Action<int, double, Tensor>? onState = null, CancellationToken cancellation = default)
    {
        if (onState is null && network.Config.Branches > 1 && network.Execution.Fusions.Has(Fusion.FoldedHeads))
            return SampleFolded(x, labels, cancellation);
        var state = x.Share();
        for (int i = 0; i < grid.Intervals; i++)
        {
            using var start = state;
            cancellation.ThrowIfCancellationRequested();
            var nodes = grid.Nodes(i);
            if (i == 0 && analyticalFirstStep)
            {
                state = AnalyticalInterval(start, nodes, (j, y) => onState?.Invoke(j, nodes[j], y));
                continue;
            }
            using var states = StateStep.States(_denoiser, layout, start, nodes, new ForwardOptions(Labels: labels));
            for (int b = 0; b < grid.Branches && onState is not null; b++)
            {
                using var branch = StateStep.StateOf(states, b, x.Shape);
                onState(i * grid.Branches + b + 1, nodes[b + 1], branch);
            }
            state = StateStep.StateOf(states, grid.Branches - 1, x.Shape);
        }
        return state;
    }

    /// <summary>
    /// The same endpoint through one folded head an interval (<see cref="FoldedNetwork"/>): its cost is the plain student's. Equal to all
    /// heads but for rounding.
    /// </summary>
    public Tensor SampleFolded(Tensor x, Tensor? labels = null, CancellationToken cancellation = default)
    {
        var state = x.Share();
        for (int i = 0; i < grid.Intervals; i++)
        {
            using var start = state;
            cancellation.ThrowIfCancellationRequested();
            var nodes = grid.Nodes(i);
            if (i == 0 && analyticalFirstStep)
            {
                state = AnalyticalInterval(start, nodes, null);
                continue;
            }
            using var folded = new FoldedNetwork(network, FoldCoefficients(i));
            double[] ends = [nodes[0], nodes[^1]];
            state = StateStep.States(new Denoiser(folded), layout, start, ends, new ForwardOptions(Labels: labels));
        }
        return state;
    }

    /// <summary>The plain network of interval <paramref name="i"/>; for parallel heads it is the same in all. The caller disposes it.</summary>
    public UNet Fold(int i) => BranchHead.Fold(network, FoldCoefficients(i));

    private double[] FoldCoefficients(int i)
    {
        var c = network.Config;
        return TrajectoryMap.Of(layout, c.Prediction, c.SigmaData, grid.Nodes(i), c.Branches, 1).FoldCoefficients();
    }

    /// <summary>K steps d = x / sqrt(1 + t^2) for K branches, one for a plain student, as their authors have it.</summary>
    internal static Tensor AnalyticalInterval(Tensor x, double[] nodes, Action<int, Tensor>? onState) =>
        Solvers.Euler(Solvers.AnalyticalDenoise, x, nodes, new SolverOptions { OnStep = s => onState?.Invoke(s.Index, s.State) });
}
