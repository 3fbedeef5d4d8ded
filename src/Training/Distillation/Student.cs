using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

[assembly: DeclaresFusions(typeof(BDense.Training.Distillation.Student))]

namespace BDense.Training.Distillation;

/// <summary>A few-step sampler: a network with K heads, its grid, and how its states follow from the heads.</summary>
/// <remarks>The network stays the caller's.</remarks>
/// <param name="network">K heads.</param>
/// <param name="layout">Chained or parallel.</param>
/// <param name="grid">K branch nodes in each of the student's intervals.</param>
/// <param name="analyticalFirstStep">Whether the first interval costs no evaluation.</param>
/// <param name="stepCondition">Whether the network is told the number of nodes.</param>
public sealed class Student(INetwork network, BranchLayout layout, NestedGrid grid, bool analyticalFirstStep, bool stepCondition = false)
{
    /// <summary>Sampling through one convolution that equals all K heads.</summary>
    public static Fusion FoldedHeads { get; } = new("folded-heads",
        does: "sampling through one folded convolution, wherever the endpoint alone is asked for",
        instead: "through all K heads",
        saves: "K - 1 of K heads' output");

    private readonly Denoiser _denoiser = new(network);

    /// <summary>Its network; the caller's.</summary>
    public INetwork Network => network;

    /// <summary>K branch nodes in each of its intervals.</summary>
    public NestedGrid Grid => grid;

    /// <summary>How its states follow from its heads.</summary>
    public BranchLayout Layout => layout;

    /// <summary>NFE: one an interval, none in an analytical one. Folding changes nothing about it.</summary>
    public int Evaluations => Way?.Evaluations ?? grid.Intervals - (analyticalFirstStep ? 1 : 0);

    /// <summary>
    /// Sampling thresholds the image that each interval's endpoint stands for, x^ = (x_K - r x_0) / (1 - r), r = sigma_K / sigma_0, and
    /// takes x_K = r x_0 + (1 - r) x^ from it; none for as it is.
    /// </summary>
    /// <remarks>The branch states shown are those before it.</remarks>
    public Thresholding? Threshold { get; init; }

    /// <summary>Corrections of the steps that sampling makes; none to sample as distilled. Of this very network and grid.</summary>
    public FittedSteps? Fitted { get; set; }

    /// <summary>Standard deviation of the noise that sampling starts from.</summary>
    public double StartSigma => Way?.StartSigma ?? grid.Student[0];

    /// <summary>Another way to sample than from branch state to branch state; none for that.</summary>
    public StudentWay? Way { get; init; }

    /// <summary>Whether the network is told the number of nodes: SFD's step condition.</summary>
    public bool StepCondition => stepCondition;

    /// <summary>The sampler of a distillation.</summary>
    /// <param name="network">Its student.</param>
    /// <param name="options">How it was distilled.</param>
    /// <param name="nfe">One of SFD-v's choices; by default the one that the options name.</param>
    /// <param name="threshold">Its <see cref="Threshold"/>; the authors' own variant always clamps.</param>
    /// <exception cref="UsageException">The student was not distilled for that NFE.</exception>
    public static Student Of(INetwork network, Distill options, int? nfe = null, Thresholding? threshold = null)
    {
        var o = options.Resolve();
        if (nfe is { } asked && !o.Choices().Contains(asked))
            throw new UsageException($"this student was distilled for NFE {string.Join(", ", o.Choices())}, not {asked}");
        o = o with { Nfe = nfe ?? o.Nfe };
        return o.Method.Sampler(network, o, threshold);
    }

    /// <summary>How it makes images.</summary>
    public ImageMaker Maker() => new((x, labels, fresh) => Sample(x, labels, fresh: fresh), StartSigma);

    /// <summary>Whether a path is the folder of a distillation: then its configuration says how to sample.</summary>
    public static bool IsStudent(string path) => Directory.Exists(Path.Combine(path, RunFolder.CheckpointsFolder))
        && RunFolder.Existing(path).ReadConfig().ContainsKey(RunFolder.DistillKey);

    /// <summary>How the student of a run was distilled.</summary>
    /// <exception cref="BDenseException">Not a distillation's folder.</exception>
    public static Distill OptionsOf(string run)
    {
        string file = Path.Combine(run, RunFolder.ConfigFile);
        return RunFolder.Existing(run).ReadConfig()[RunFolder.DistillKey] is { } node
            ? Distill.FromFile(node, file).Resolve()
            : throw new BDenseException($"{run} is not a student: {file} has no '{RunFolder.DistillKey}'");
    }

    /// <summary>The student of a run, from its newest checkpoint: the moving average if it has one.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="run">A distillation's folder.</param>
    /// <param name="nfe">As in <see cref="Of"/>.</param>
    /// <param name="threshold">Its <see cref="Threshold"/>.</param>
    /// <param name="fitted">Whether its steps are corrected as <see cref="StepFitting.Write"/> has left it.</param>
    /// <returns>The caller disposes the student's network.</returns>
    /// <exception cref="BDenseException">Not a distillation's folder, no checkpoint in it, or nothing fitted to it.</exception>
    public static Student Load(Backend backend, string run, int? nfe = null, Thresholding? threshold = null, bool fitted = false)
    {
        var options = OptionsOf(run);
        var network = TrainedNetwork.Load(backend, RunFolder.Existing(run));
        try
        {
            var student = Of(network, options, nfe, threshold);
            if (fitted)
                student.Fitted = StepFitting.Read(student, run);
            return student;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>
    /// From x at the largest noise level to the student's endpoint; the caller disposes it. With all heads where their states are asked
    /// for or <see cref="FoldedHeads"/> is off, else as <see cref="SampleFolded"/>.
    /// </summary>
    /// <param name="x">[N,H,W,C] sigma_max times normal noise; stays as it is.</param>
    /// <param name="labels">Of a class-conditional network.</param>
    /// <param name="onState">Shown every branch state: its node in <see cref="NestedGrid.Teacher"/>, sigma and state (valid during the
    /// call).</param>
    /// <param name="cancellation">Looked at between intervals.</param>
    /// <param name="fresh">Noise for a <see cref="Way"/> that adds some; the usual steps add none.</param>
    public Tensor Sample(Tensor x, Tensor? labels = null, Action<int, double, Tensor>? onState = null,
        CancellationToken cancellation = default,
        FreshNoise? fresh = null)
    {
        if (Way is not null)
            return Way.Sample(network, x, new WayOptions(labels, fresh ?? SolverCatalog.NoFreshNoise, onState, cancellation));
        if (Fitted is not null)
            return Fitted.Sample(x, labels, onState, cancellation);
        if (onState is null && Threshold is null && network.Config.Branches > 1 && network.Execution.Fusions.Has(FoldedHeads))
            return SampleFolded(x, labels, cancellation, fresh);
        var state = x.Share();
        using var step = Condition(x);
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
            using var states = StateStep.States(_denoiser, layout, start, nodes, new ForwardOptions(Labels: labels, Step: step));
            for (int b = 0; b < grid.Branches && onState is not null; b++)
            {
                using var branch = StateStep.StateOf(states, b, x.Shape);
                onState(i * grid.Branches + b + 1, nodes[b + 1], branch);
            }
            state = StateStep.StateOf(states, grid.Branches - 1, x.Shape);
            ApplyThreshold(start, state, nodes);
        }
        return state;
    }

    /// <summary>
    /// The same endpoint through one folded head an interval (<see cref="FoldedNetwork"/>): its cost is the plain student's. Equal to all
    /// heads but for rounding.
    /// </summary>
    public Tensor SampleFolded(Tensor x, Tensor? labels = null, CancellationToken cancellation = default, FreshNoise? fresh = null)
    {
        if (Way is not null)
        {
            using var last = Fold(0);
            return Way.Sample(last, x, new WayOptions(labels, fresh ?? SolverCatalog.NoFreshNoise, null, cancellation));
        }
        var state = x.Share();
        using var step = Condition(x);
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
            state = StateStep.States(new Denoiser(folded), layout, start, ends, new ForwardOptions(Labels: labels, Step: step));
            ApplyThreshold(start, state, nodes);
        }
        return state;
    }

    /// <summary>
    /// The plain network of interval <paramref name="i"/>; for parallel heads it is the same in all. The caller disposes it.
    /// </summary>
    public INetwork Fold(int i) => BranchHead.Fold(network, FoldCoefficients(i));

    private double[] FoldCoefficients(int i)
    {
        var c = network.Config;
        if (Way is not null)
            return [.. Enumerable.Range(0, c.Branches).Select(b => b == c.Branches - 1 ? 1.0 : 0)];
        return TrajectoryMap.Of(layout, c.Prediction, c.SigmaData, grid.Nodes(i), c.Branches, 1).FoldCoefficients();
    }

    private void ApplyThreshold(Tensor start, Tensor state, double[] nodes)
    {
        if (Threshold is not { } how)
            return;
        double r = nodes[^1] / nodes[0];
        state.Backend.LinearCombination([(float)(1 / (1 - r)), (float)(-r / (1 - r))], [state, start], state);
        SolverCatalog.Threshold(state, how);
        state.Backend.LinearCombination([(float)r, (float)(1 - r)], [start, state], state);
    }

    private Tensor? Condition(Tensor x) => stepCondition ? DistillationMethods.StepCondition(network.Backend, grid, x.Shape[0]) : null;

    /// <summary>K steps d = x / sqrt(1 + t^2) for K branches, one for a plain student, as their authors have it.</summary>
    internal static Tensor AnalyticalInterval(Tensor x, double[] nodes, Action<int, Tensor>? onState) =>
        SolverCatalog.Euler(SolverCatalog.AnalyticalDenoise, x, nodes,
            new SolverOptions { OnStep = s => onState?.Invoke(s.Index, s.State) });
}
