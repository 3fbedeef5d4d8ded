using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation.Methods.Sfd;

/// <summary>
/// Simple and fast distillation (Zhou et al. 2024), plain and with dense branches. An iteration draws noise sigma_max n, lets the
/// teacher's solver go all the way, and takes the student along: in each interval one pass, the distance of its branch states
/// from the teacher's, an optimizer update; the next interval starts where the student arrived, detached.
/// The first interval is analytical, without a gradient, where that is asked for.
/// </summary>
/// <remarks>
/// SFD-v (section 3.4 there) draws the number of intervals as well, and tells the network the number of nodes. In the second stage
/// the teacher is a student of the first, which goes by its own Euler steps.
/// </remarks>
public sealed class SfdTraining : ITraining
{
    private readonly INetwork _student;
    private readonly INetwork _teacher;
    private readonly SfdOptions _options;
    private readonly SfdGrid[] _grids;
    private readonly BranchWeights _weights;
    private readonly LearnedScales? _learned;
    private readonly AlignedWeights? _aligned;
    private readonly BranchGradients? _gradients;
    private readonly LearningRate _rate;
    private readonly Optimizer _optimizer;
    private readonly TrajectoryObjective _objective;
    private readonly TrajectoryCache? _cache;
    private readonly bool _shares;
    private readonly int _mostUpdates;
    private readonly PerceptualLoss? _perceptual;

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch, or the first stage's student; stays the caller's, unchanged.</param>
    /// <param name="options">How; resolved here.</param>
    public SfdTraining(INetwork student, INetwork teacher, SfdOptions options)
        : this(student, teacher, options, null)
    {
    }

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch; stays the caller's, unchanged.</param>
    /// <param name="options">How; resolved here.</param>
    /// <param name="shared">The teacher's states that students of one seed, batch, solver and grid share; or none.</param>
    public SfdTraining(INetwork student, INetwork teacher, SfdOptions options, TrajectoryCache? shared)
    {
        _options = options.Resolve();
        (_student, _teacher) = (student, teacher);
        _grids = SfdGrid.All(_options, student.Config.Branches);
        _weights = BranchWeights.Parse(_options.Weights!);
        double[][] initial =
            [.. _grids.SelectMany(g => Enumerable.Range(0, g.Student.Intervals).Select(i => _weights.At(g.Student.Nodes(i), 0)))];
        _learned = _weights.IsLearned ? new LearnedScales(initial, _options.Distance!.Value) : null;
        _aligned = _weights.IsAligned ? new AlignedWeights(initial) : null;
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _objective = new TrajectoryObjective(student, _options.Layout!.Value, _options.Distance!.Value, _options.Delta);
        _optimizer = DistillationMethods.NewOptimizer(student, _options);
        _perceptual = _options.Perceptual is { } file ? new PerceptualLoss(file) : null;
        _gradients = _aligned is not null || _options.Projection > 0 ? new BranchGradients(student, _objective) : null;
        _cache = shared ?? (_options.CacheTrajectories > 0 ? new TrajectoryCache(long.MaxValue) : null);
        _shares = shared is not null;
        _mostUpdates = _options.Choices()[^1];
        Steps = (long)Math.Ceiling(_options.Updates / _options.Choices().Average());
    }

    /// <summary>Where everything is.</summary>
    public Backend Backend => _student.Backend;

    /// <inheritdoc/>
    public INetwork Network => _student;

    /// <summary>Iterations: Updates / Nfe, rounded up; for SFD-v by the mean NFE.</summary>
    public long Steps { get; }

    /// <summary>Images that an iteration computes, for images a second.</summary>
    public int ImagesPerStep => _options.Batch;

    /// <summary>One in each of the student's intervals.</summary>
    public double UpdatesPerStep => _options.Choices().Average();

    /// <summary>Moving average of the weights, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _optimizer.Ema;

    /// <summary>One iteration, numbered from 0.</summary>
    public StepReport Step(long step)
    {
        var chosen =
            _grids[_grids.Length == 1 ? 0
                : Math.Min(_grids.Length - 1, (int)(Philox.Uniform(RandomStreams.ForChoices(_options.Seed, step), 0) * _grids.Length))];
        var grid = chosen.Student;
        long draw = _options.CacheTrajectories > 0 ? step % _options.CacheTrajectories : step;
        using var labels = Conditions.Random(_student, _options.Batch, RandomStreams.ForNodes(_options.Seed, draw));
        using var x = DistillationMethods.Latents(_student, _options, draw);
        using var targets = Targets(chosen, x, labels, draw);
        using var condition = _options.StepCondition == true ? DistillationMethods.StepCondition(Backend, grid, _options.Batch) : null;

        int k = grid.Branches, first = _options.AnalyticalFirstStep!.Value ? 1 : 0;
        if (first == 1)
        {
            using var arrived = Student.AnalyticalInterval(x, grid.Nodes(0), null);
            Backend.Copy(arrived, x);
        }
        double loss = 0, rate = 0, norm = 0, elements = _options.SumElements ? x.Length / _options.Batch : 1;
        double[] branches = new double[k], weights = [];
        for (int i = first; i < grid.Intervals; i++)
        {
            // Numbered as if every iteration had the most updates, so that no two draw the same numbers.
            long update = step * _mostUpdates + i - first, total = Steps * _mostUpdates;
            var nodes = grid.Nodes(i);
            weights = _learned?.Weights(chosen.FirstScale + i) ?? _aligned?.Weights(chosen.FirstScale + i)
                ?? _weights.At(nodes, total > 1 ? (double)update / (total - 1) : 1);
            using var y = targets.View(i * k * x.Length, new Shape(k, x.Length));
            RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, update)
                : null;
            var result = Pass(step, chosen.FirstScale + i, x, nodes, [.. weights.Select(w => w * elements)], y,
                new ForwardOptions(dropout, labels, Step: condition),
                i == grid.Intervals - 1 ? _perceptual : null, elements);
            rate = _rate.At(update, total);
            norm = _optimizer.Update(rate, 1, result.Loss, step + 1);
            _learned?.Update(chosen.FirstScale + i, result.Branches);
            loss += result.Loss / chosen.Nfe;
            for (int b = 0; b < k; b++)
                branches[b] += result.Branches[b] / chosen.Nfe;
        }
        return new StepReport(loss, branches, rate, norm, k > 1 ? weights : null);
    }

    /// <inheritdoc/>
    public ImageMaker Sampler(INetwork network) => Student.Of(network, _options).Maker();

    /// <summary>Writes its state into a checkpoint's folder, all but the network.</summary>
    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, _student);
        _optimizer.Save(folder, _student);
        var state = new JsonObject();
        if (_learned is not null)
            state["logScales"] = RunJson.ToNode(_learned.LogScales);
        if (_aligned is not null)
            state["logFactors"] = RunJson.ToNode(_aligned.LogFactors);
        return state;
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public void Load(string folder, JsonObject state)
    {
        Checkpoint.LoadInto(_student, folder);
        _optimizer.Load(folder, _student);
        _learned?.Restore(RunJson.FromNode<double[][]>(state["logScales"], Path.Combine(folder, RunFolder.StateFile), "logScales"));
        _aligned?.Restore(RunJson.FromNode<double[][]>(state["logFactors"], Path.Combine(folder, RunFolder.StateFile), "logFactors"));
    }

    /// <summary>Frees its state; the networks stay the caller's.</summary>
    public void Dispose()
    {
        _objective.Dispose();
        _optimizer.Dispose();
        _perceptual?.Dispose();
        _gradients?.Dispose();
    }

    /// <summary>
    /// Gradients and loss of one interval, the <paramref name="scale"/>th of all; <paramref name="x"/> goes on to the student's endpoint.
    /// </summary>
    private ObjectiveResult Pass(long step, int scale, Tensor x, double[] nodes, double[] weights, Tensor y, in ForwardOptions options,
        PerceptualLoss? perceptual, double perceptualScale)
    {
        if (_aligned is not null && step % AlignedWeights.Every == 0)
        {
            var cosines = new double[weights.Length - 1];
            var measured = _gradients!.Measure(x, nodes, weights, y, options, x, cosines);
            _aligned.Update(scale, cosines);
            return measured;
        }
        return _options.Projection > 0 && step % _options.Projection == 0
            ? _gradients!.Project(x, nodes, weights, y, options, x)
            : _objective.Accumulate(x, nodes, weights, y, options, endpoint: x, perceptual: perceptual, perceptualScale: perceptualScale);
    }

    /// <summary>The teacher's states at every branch node, [Intervals * K, N,H,W,C]; the caller disposes it.</summary>
    private Tensor Targets(SfdGrid grid, Tensor x, Tensor? labels, long draw)
    {
        // One's own trajectories are kept at one's own nodes, shared ones at all of the teacher's.
        int stride = grid.Teacher.Branches / grid.Student.Branches, steps = grid.Student.Intervals * grid.Teacher.Branches, kept = _shares
            ? 1 : stride;
        if (_cache?.Find(draw, grid.Nfe) is { } found)
            return At(stride / kept, found);
        bool keep = _cache?.HasRoom((long)steps / kept * x.Length) == true;
        int every = keep ? kept : stride;
        using var states = Backend.Empty(new Shape(steps / every, x.Length));
        Follow(grid.Teacher, grid.Nfe, x, labels, (index, state) =>
        {
            if (index % every != 0)
                return;
            using var place = StateStep.StateOf(states, index / every - 1, x.Shape);
            Backend.Copy(state, place);
        });
        if (!keep)
            return states.Share();
        float[] all = states.ToArray();
        _cache!.Keep(draw, grid.Nfe, all);
        return every == stride ? states.Share() : At(stride / every, all);

        Tensor At(int of, float[] values)
        {
            var targets = Backend.Empty(new Shape(grid.Student.Intervals * grid.Student.Branches, x.Length));
            for (int i = 0; i < targets.Shape[0]; i++)
            {
                using var place = targets.View(i * x.Length, new Shape(x.Length));
                place.Upload(values.AsSpan(((i + 1) * of - 1) * x.Length, x.Length));
            }
            return targets;
        }
    }

    /// <summary>Takes x along the teacher's nodes for a student of so many evaluations and shows its state at each, from 1.</summary>
    private void Follow(NestedGrid grid, int nfe, Tensor x, Tensor? labels, Action<int, Tensor> onState)
    {
        if (_options.FirstStage is SfdOptions first)
        {
            int heads = _teacher.Config.Branches, evaluations = grid.Teacher.Count - 1 - (first.Intervals - first.Nfe);
            using var arrived = Student.Of(_teacher, first, evaluations).Sample(x, labels, (j, _, state) =>
            {
                // Its own heads' states within a step are nobody's target.
                if (j % heads == 0)
                    onState(j / heads, state);
            });
            return;
        }
        var way = SamplerBuilder.Build(_teacher, (_options with { Nfe = nfe }).TeacherSampler(), onStep: s => onState(s.Index, s.State));
        using var end = way.Run(x, labels, SolverCatalog.NoFreshNoise);
    }

    /// <summary>The grids for one number of evaluations.</summary>
    /// <param name="Nfe">Evaluations.</param>
    /// <param name="Teacher">All the teacher's nodes.</param>
    /// <param name="Student">Those of the branch states.</param>
    /// <param name="FirstScale">Index of its first interval among the learned weights of all.</param>
    private sealed record SfdGrid(int Nfe, NestedGrid Teacher, NestedGrid Student, int FirstScale)
    {
        public static SfdGrid[] All(SfdOptions o, int branches)
        {
            var grids = new List<SfdGrid>();
            foreach (int nfe in o.Choices())
            {
                var teacher = o.Grid((o with { Nfe = nfe }).Intervals + 1);
                grids.Add(new SfdGrid(nfe, teacher, teacher.Coarsen(branches), grids.Sum(g => g.Student.Intervals)));
            }
            return [.. grids];
        }
    }
}
