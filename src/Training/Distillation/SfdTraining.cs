using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>
/// Simple and fast distillation (Zhou et al. 2024), plain and with dense branches. An iteration draws noise sigma_max n, lets the
/// teacher's solver go all the way, and takes the student along: in each interval one pass, the distance of its branch states
/// from the teacher's, an optimizer update; the next interval starts where the student arrived, detached.
/// The first interval is analytical, without a gradient, where that is asked for.
/// </summary>
public sealed class SfdTraining : ITraining
{
    private readonly UNet _student;
    private readonly Denoiser _teacher;
    private readonly Distill _options;
    private readonly NestedGrid _teacherGrid, _grid;
    private readonly Solver _solver;
    private readonly BranchWeights _weights;
    private readonly LearnedScales? _learned;
    private readonly LearningRate _rate;
    private readonly Optimizer _optimizer;
    private readonly TrajectoryObjective _objective;
    private readonly Dictionary<long, float[]> _cache = [];

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch; stays the caller's, unchanged.</param>
    /// <param name="options">How; resolved here.</param>
    public SfdTraining(UNet student, UNet teacher, Distill options)
    {
        _options = options.Resolve();
        (_student, _teacher) = (student, new Denoiser(teacher));
        _solver = Solvers.Find(_options.Solver);
        _teacherGrid = NestedGrid.Of(_options.FindSchedule(), _options.Intervals + 1, _options.Jump!.Value);
        _grid = _teacherGrid.Coarsen(student.Config.Branches);
        _weights = BranchWeights.Parse(_options.Weights!);
        _learned = _weights.IsLearned
            ? new LearnedScales([.. Enumerable.Range(0, _grid.Intervals).Select(i => _weights.At(_grid.Nodes(i), 0))], _options.Distance!.Value)
            : null;
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _objective = new TrajectoryObjective(student, _options.Layout!.Value, _options.Distance!.Value, _options.Delta);
        _optimizer = Distillation.NewOptimizer(student, _options);
        Steps = (_options.Updates + _options.Nfe - 1) / _options.Nfe;
    }

    public Backend Backend => _student.Backend;

    /// <summary>Iterations: Updates / Nfe, rounded up.</summary>
    public long Steps { get; }

    public int ImagesPerStep => _options.Batch;

    /// <summary>Moving average of the weights, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _optimizer.Ema;

    public StepReport Step(long step)
    {
        long draw = _options.CacheTrajectories > 0 ? step % _options.CacheTrajectories : step;
        using var labels = Conditions.Random(_student, _options.Batch, RandomStreams.ForNodes(_options.Seed, draw));
        using var x = Distillation.Latents(_student, _options, draw);
        using var targets = Targets(x, labels, draw);

        int k = _grid.Branches, first = _options.AnalyticalFirstStep!.Value ? 1 : 0;
        if (first == 1)
        {
            using var arrived = Student.AnalyticalInterval(x, _grid.Nodes(0), null);
            Backend.Copy(arrived, x);
        }
        double loss = 0, rate = 0, norm = 0;
        var branches = new double[k];
        for (int i = first; i < _grid.Intervals; i++)
        {
            long update = step * _options.Nfe + i - first, total = Steps * _options.Nfe;
            var nodes = _grid.Nodes(i);
            double[] weights = _learned?.Weights(i) ?? _weights.At(nodes, total > 1 ? (double)update / (total - 1) : 1);
            using var y = targets.View(i * k * x.Length, new Shape(k, x.Length));
            RandomKey? dropout = Distillation.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, update) : null;
            var result = _objective.Accumulate(x, nodes, weights, y, new ForwardOptions(dropout, labels), endpoint: x);
            rate = _rate.At(update, total);
            norm = _optimizer.Update(rate, 1, result.Loss, step + 1);
            _learned?.Update(i, result.Branches);
            loss += result.Loss / _options.Nfe;
            for (int b = 0; b < k; b++)
                branches[b] += result.Branches[b] / _options.Nfe;
        }
        return new StepReport(loss, branches, rate, norm);
    }

    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, _student);
        _optimizer.Save(folder, _student);
        return _learned is null ? [] : new JsonObject { ["logScales"] = RunJson.ToNode(_learned.LogScales) };
    }

    public void Load(string folder, JsonObject state)
    {
        Checkpoint.LoadInto(_student, folder);
        _optimizer.Load(folder, _student);
        _learned?.Restore(RunJson.FromNode<double[][]>(state["logScales"], Path.Combine(folder, RunFolder.StateFile)));
    }

    public void Dispose()
    {
        _objective.Dispose();
        _optimizer.Dispose();
    }

    /// <summary>The teacher's states at every branch node, [Intervals * K, N,H,W,C]; the caller disposes it.</summary>
    private Tensor Targets(Tensor x, Tensor? labels, long draw)
    {
        var targets = Backend.Empty(new Shape(_grid.Intervals * _grid.Branches, x.Length));
        if (_cache.TryGetValue(draw, out float[]? kept))
        {
            targets.Upload(kept);
            return targets;
        }
        int stride = _teacherGrid.Branches / _grid.Branches;
        var options = new ForwardOptions(Labels: labels);
        using var end = _solver.Run((state, sigma) => _teacher.Denoise(state, sigma, options), x, [.. _teacherGrid.Teacher], new SolverOptions
        {
            OnStep = s =>
            {
                if (s.Index % stride != 0)
                    return;
                using var place = StateStep.StateOf(targets, s.Index / stride - 1, x.Shape);
                Backend.Copy(s.State, place);
            },
        });
        if (_options.CacheTrajectories > 0)
            _cache[draw] = targets.ToArray();
        return targets;
    }
}
