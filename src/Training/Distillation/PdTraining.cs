using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation;

/// <summary>
/// Progressive distillation (Salimans and Ho 2022) in sigma space, plain and with dense branches. A sample is noised to a random
/// node of the student's grid, x = y + sigma_0 n; the teacher takes its DDIM (Euler) steps from there; the student learns to
/// arrive in one, with K heads also at the states between. After a round the student is the teacher of the next, which has
/// fewer steps, and starts from its own weights with a fresh optimizer.
/// </summary>
/// <remarks>
/// Distances are measured in the denoised image, as published: a state error divided by 1 - sigma_b / sigma_0 is that of
/// x~ = (x_b - (sigma_b / sigma_0) x_0) / (1 - sigma_b / sigma_0), which lambda(sigma_0) and the branch weights multiply.
/// </remarks>
public sealed class PdTraining : ITraining
{
    private const string TeacherFile = "teacher.safetensors";

    private readonly INetwork _student;
    private readonly INetwork _firstTeacher;
    private readonly Dataset _data;
    private readonly Distill _options;
    private readonly NestedGrid[] _rounds;
    private readonly BranchWeights _weights;
    private readonly LearnedScales? _learned;
    private readonly LearningRate _rate;
    private readonly TrajectoryObjective _objective;
    private readonly Batches _batches;
    private readonly BranchGradients? _gradients;
    private Optimizer _optimizer;
    private INetwork? _laterTeacher;

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch; stays the caller's, unchanged.</param>
    /// <param name="data">Images of the network's size.</param>
    /// <param name="options">How; resolved here.</param>
    public PdTraining(INetwork student, INetwork teacher, Dataset data, Distill options)
    {
        _options = options.Resolve();
        TeacherTraining.RequireFit(student, data);
        (_student, _firstTeacher, _data) = (student, teacher, data);
        _batches = new Batches(data.Count, _options.Batch, _options.Seed, _options.Flip);
        _rounds = Rounds(_options);
        _weights = BranchWeights.Parse(_options.Weights!);
        var nodes = _rounds[0].Coarsen(student.Config.Branches).Nodes(0);
        _learned = _weights.IsLearned ? new LearnedScales([_weights.At(nodes, 0)], _options.Distance!.Value) : null;
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _objective = new TrajectoryObjective(student, _options.Layout!.Value, _options.Distance!.Value, _options.Delta);
        _optimizer = DistillationMethods.NewOptimizer(student, _options);
        _gradients = _options.Projection > 0 ? new BranchGradients(student, _objective) : null;
    }

    public Backend Backend => _student.Backend;

    /// <summary>One update an iteration, all rounds together.</summary>
    public long Steps => _options.Updates;

    public int ImagesPerStep => _options.Batch;

    /// <summary>The round under way, from 0.</summary>
    public int Round { get; private set; }

    /// <summary>Moving average of the weights in this round, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _optimizer.Ema;

    public StepReport Step(long step)
    {
        var (round, within, length) = _options.PlaceOf(step);
        while (Round < round)
            BeginNextRound();

        var indices = new int[_options.Batch];
        var flips = new bool[_options.Batch];
        _batches.At(step, indices, flips);
        using var y = _data.Upload(Backend, indices, flips);
        using var labels = Conditions.Of(_student, _data, indices);
        var (places, noising) = Places(step);
        using var x = TeacherTraining.Noised(y, noising, RandomStreams.ForNoise(_options.Seed, step));
        using var targets = Targets(x, places, labels);

        var grid = _rounds[Round].Coarsen(_student.Config.Branches);
        double progress = length > 1 ? (double)within / (length - 1) : 1;
        var (nodes, weights, mean) = NodesAndWeights(grid, places, progress);
        RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, step) : null;
        var forward = new ForwardOptions(dropout, labels);
        var result = _gradients is not null && step % _options.Projection == 0 ? _gradients.Project(x, nodes, weights, targets, forward, x)
            : _objective.Accumulate(x, nodes, weights, targets, forward);
        double rate = _rate.At(within, length);
        double norm = _optimizer.Update(rate, 1, result.Loss, step + 1);
        _learned?.Update(0, result.Branches);
        return new StepReport(result.Loss, result.Branches, rate, norm, grid.Branches > 1 ? mean : null);
    }

    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, _student);
        _optimizer.Save(folder, _student);
        if (_laterTeacher is not null)
            Checkpoint.Save(Path.Combine(folder, TeacherFile), _laterTeacher);
        var state = new JsonObject { ["round"] = Round };
        if (_learned is not null)
            state["logScales"] = RunJson.ToNode(_learned.LogScales);
        return state;
    }

    public void Load(string folder, JsonObject state)
    {
        string file = Path.Combine(folder, RunFolder.StateFile);
        Checkpoint.LoadInto(_student, folder);
        _optimizer.Load(folder, _student);
        int round = RunJson.FromNode<int>(state["round"], file, "round");
        if (round < 0 || round >= _options.Rounds)
            throw new BDenseException($"{file}: 'round' is {round}, not in 0..{_options.Rounds - 1}");
        Round = round;
        _laterTeacher?.Dispose();
        _laterTeacher = round > 0 ? Checkpoint.Load(Backend, Path.Combine(folder, TeacherFile)) : null;
        _learned?.Restore(RunJson.FromNode<double[][]>(state["logScales"], file, "logScales"));
    }

    public void Dispose()
    {
        _objective.Dispose();
        _optimizer.Dispose();
        _laterTeacher?.Dispose();
        _gradients?.Dispose();
    }

    /// <summary>Each round's student grid over its teacher's: Nfe * Jump^r steps, the last round Nfe.</summary>
    internal static NestedGrid[] Rounds(Distill o)
    {
        var grids = new NestedGrid[o.Rounds];
        int steps = o.Nfe;
        for (int round = o.Rounds - 1; round >= 0; round--, steps *= o.Jump!.Value)
            grids[round] = o.Grid(steps + 1);
        // A round's teacher is the student of the round before, so it steps on that one's very nodes.
        for (int round = 1; round < o.Rounds; round++)
            grids[round] = NestedGrid.Of([.. grids[round].Student], [.. grids[round - 1].Student], o.Jump!.Value, o.Schedule);
        return grids;
    }

    private void BeginNextRound()
    {
        if (_optimizer.Ema is { } average)
            _student.Parameters.CopyFrom(average);
        _laterTeacher?.Dispose();
        _laterTeacher = _student.Clone();
        _optimizer.Dispose();
        _optimizer = DistillationMethods.NewOptimizer(_student, _options);
        Round++;
    }

    /// <summary>i ~ U{0..N-1} for each sample, and (1, sigma_i) to noise it with.</summary>
    private (int[] Places, float[] Noising) Places(long step)
    {
        var grid = _rounds[Round];
        var key = RandomStreams.ForNodes(_options.Seed, step);
        var (places, noising) = (new int[_options.Batch], new float[2 * _options.Batch]);
        for (int n = 0; n < places.Length; n++)
        {
            places[n] = Math.Min(grid.Intervals - 1, (int)(Philox.Uniform(key, n) * grid.Intervals));
            (noising[2 * n], noising[2 * n + 1]) = (1, (float)grid.Student[places[n]]);
        }
        return (places, noising);
    }

    private (double[] Nodes, double[] Weights, double[] Mean) NodesAndWeights(NestedGrid grid, int[] places, double progress)
    {
        int k = grid.Branches;
        int power = _options.Distance == Distance.L2 ? 2 : 1;
        var (nodes, weights, mean) = (new double[places.Length * (k + 1)], new double[places.Length * k], new double[k]);
        for (int n = 0; n < places.Length; n++)
        {
            var own = grid.Nodes(places[n]);
            own.CopyTo(nodes, n * (k + 1));
            var branch = _learned?.Weights(0) ?? _weights.At(own, progress);
            double lambda = Math.Pow(_options.Weighting.At(own[0], _student.Config), power / 2.0);
            for (int b = 0; b < k; b++)
            {
                weights[n * k + b] = lambda * branch[b] / Math.Pow(1 - own[b + 1] / own[0], power);
                mean[b] += branch[b] / places.Length;
            }
        }
        return (nodes, weights, mean);
    }

    /// <summary>The teacher's states at the branch nodes, [K,N,H,W,C]; the caller disposes it.</summary>
    private Tensor Targets(Tensor x, int[] places, Tensor? labels)
    {
        var teacher = new Denoiser(_laterTeacher ?? _firstTeacher);
        int heads = teacher.Network.Config.Branches, jump = _options.Jump!.Value, k = _student.Config.Branches;
        // The teacher's own grid: its steps, and within them the nodes of its own heads.
        var steps = Round == 0 ? null : _rounds[Round - 1].Coarsen(heads);
        var targets = Backend.Empty(new Shape(k, x.Length));
        var state = x.Share();
        for (int j = 0; j < jump; j++)
        {
            var nodes = new double[places.Length * (heads + 1)];
            for (int n = 0; n < places.Length; n++)
            {
                int step = places[n] * jump + j;
                double[] own = steps?.Nodes(step) ?? [_rounds[0].Teacher[step], _rounds[0].Teacher[step + 1]];
                own.CopyTo(nodes, n * (heads + 1));
            }
            using var start = state;
            using var states = StateStep.States(teacher, _options.Layout!.Value, start, nodes, new ForwardOptions(Labels: labels));
            state = StateStep.StateOf(states, heads - 1, x.Shape);
            if ((j + 1) % (jump / k) == 0)
            {
                using var place = StateStep.StateOf(targets, (j + 1) / (jump / k) - 1, x.Shape);
                Backend.Copy(state, place);
            }
        }
        state.Dispose();
        return targets;
    }
}
