using System.Diagnostics;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Experiments.Labs;

/// <summary>One way of running a step, with what it needs.</summary>
internal abstract class StepRun(INetwork network, Execution execution) : IDisposable
{
    /// <summary>Whether steps are replays.</summary>
    public abstract bool IsCaptured { get; }

    public StepTime Step()
    {
        var backend = network.Backend;
        network.Execution = execution;
        backend.Synchronize();
        backend.Pool.ResetPeak();
        var waited = backend.Waited;
        long start = Stopwatch.GetTimestamp();
        Run();
        backend.Synchronize();
        double all = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return new StepTime(all, all - (backend.Waited - waited).TotalMilliseconds, backend.Pool.PeakBytes);
    }

    public abstract void Dispose();

    protected abstract void Run();

    protected static double[] Nodes(int branches) => [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];

    protected static Tensor Noise(INetwork network, int batch)
    {
        var c = network.Config;
        var x = network.Backend.Empty(new Shape(batch, c.Resolution, c.Resolution, c.ImageChannels));
        network.Backend.RandomNormal(new RandomKey(1, 1), x);
        return x;
    }
}

/// <summary>Forward, dense-trajectory loss, backward, Adam with clipping and moving average, at a learning rate of 0.</summary>
internal sealed class TrainingRun : StepRun
{
    private readonly Backend _backend;
    private readonly Optimizer? _optimizer;
    private readonly TrajectoryObjective _objective;
    private readonly Tensor? _x, _targets;
    private readonly double[] _nodes, _weights;
    private int _steps;

    public TrainingRun(INetwork network, Execution execution, int batch)
        : base(network, execution)
    {
        var c = network.Config;
        _backend = network.Backend;
        network.Execution = execution;
        _objective = new TrajectoryObjective(network, BranchLayout.Chained, Distance.L1, 1);
        (_nodes, _weights) = (Nodes(c.Branches), [.. Enumerable.Repeat(1.0, c.Branches)]);
        try
        {
            _optimizer = new Optimizer(network.Parameters, new OptimizerOptions { ClipNorm = 1, EmaDecay = 0.999 }.With(execution));
            _x = Noise(network, batch);
            _targets = _backend.Empty(new Shape(c.Branches, _x.Length));
        }
        catch
        {
            Dispose();
            throw;
        }
        _backend.RandomNormal(new RandomKey(1, 2), _targets);
        network.Parameters.ZeroGradients();
    }

    public override bool IsCaptured => _objective.IsCaptured && _optimizer!.IsCaptured;

    public override void Dispose()
    {
        _objective.Dispose();
        _optimizer?.Dispose();
        _x?.Dispose();
        _targets?.Dispose();
    }

    protected override void Run()
    {
        var result = _objective.Accumulate(_x!, _nodes, _weights, _targets!, new ForwardOptions(new RandomKey(1, 3, (ulong)_steps << 40)),
            endpoint: _x);
        _steps++;
        _optimizer!.Update(0, 1, result.Loss, _steps);
    }
}

/// <summary>A student's step without a gradient: through all heads, or through the one that they fold into, the folding included.</summary>
internal sealed class SamplingRun(INetwork network, Execution execution, int batch) : StepRun(network, execution)
{
    private readonly INetwork _network = network;
    private readonly Tensor _x = Noise(network, batch);
    private readonly double[] _nodes = Nodes(network.Config.Branches);
    private readonly bool _folds = network.Config.Branches > 1 && execution.Fusions.Has(Student.FoldedHeads);

    public override bool IsCaptured => _network.PassesAreCaptured;

    public override void Dispose() => _x.Dispose();

    protected override void Run()
    {
        var c = _network.Config;
        if (!_folds)
        {
            StateStep.States(new Denoiser(_network), BranchLayout.Chained, _x, _nodes, default).Dispose();
            return;
        }
        var map = TrajectoryMap.Of(BranchLayout.Chained, c.Prediction, c.SigmaData, _nodes, c.Branches, 1);
        using var folded = new FoldedNetwork(_network, map.FoldCoefficients());
        StateStep.States(new Denoiser(folded), BranchLayout.Chained, _x, [_nodes[0], _nodes[^1]], default).Dispose();
    }
}
