using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Watching;

namespace BDense.Training.Distillation.Methods.Pd;

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
    private readonly INetwork _student;
    private readonly Dataset _data;
    private readonly PdOptions _options;
    private readonly IReadOnlyList<NestedGrid> _grids;
    private readonly Rounds _rounds;
    private readonly BranchWeights _weights;
    private readonly LearnedScales? _learned;
    private readonly LearningRate _rate;
    private readonly TrajectoryObjective _objective;
    private readonly Batches _batches;
    private readonly BranchGradients? _gradients;

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch; stays the caller's, unchanged.</param>
    /// <param name="data">Images of the network's size.</param>
    /// <param name="options">How; resolved here.</param>
    public PdTraining(INetwork student, INetwork teacher, Dataset data, PdOptions options)
    {
        _options = options.Resolve();
        TeacherTraining.RequireFit(student, data);
        (_student, _data) = (student, data);
        _batches = new Batches(data.Count, _options.Batch, _options.Seed, _options.Flip);
        _grids = _options.RoundGrids();
        _weights = BranchWeights.Parse(_options.Weights!);
        var nodes = _grids[0].Coarsen(student.Config.Branches).Nodes(0);
        _learned = _weights.IsLearned ? new LearnedScales([_weights.At(nodes, 0)], _options.Distance!.Value) : null;
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _objective = new TrajectoryObjective(student, _options.Layout!.Value, _options.Distance!.Value, _options.Delta);
        _rounds = new Rounds(student, teacher, _options, fromAverage: true);
        _gradients = _options.Projection > 0 ? new BranchGradients(student, _objective) : null;
    }

    /// <summary>Where everything is.</summary>
    public Backend Backend => _student.Backend;

    /// <inheritdoc/>
    public INetwork Network => _student;

    /// <summary>One update an iteration, all rounds together.</summary>
    public long Steps => _options.Updates;

    /// <summary>Images that an iteration computes, for images a second.</summary>
    public int ImagesPerStep => _options.Batch;

    /// <summary>The round under way, from 0.</summary>
    public int Round => _rounds.Round;

    /// <summary>Moving average of the weights in this round, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _rounds.Optimizer.Ema;

    /// <summary>One iteration, numbered from 0.</summary>
    public StepReport Step(long step)
    {
        var (within, length) = _rounds.Enter(step);

        var indices = new int[_options.Batch];
        var flips = new bool[_options.Batch];
        _batches.At(step, indices, flips);
        using var y = _data.Upload(Backend, indices, flips);
        using var labels = Conditions.Of(_student, _data, indices);
        var key = RandomStreams.ForNodes(_options.Seed, step);
        var (places, noising) = Places(_options.Batch, i => Philox.Uniform(key, i));
        using var x = TeacherTraining.Noised(y, noising, RandomStreams.ForNoise(_options.Seed, step));
        using var targets = Targets(x, places, labels);

        var grid = _grids[Round].Coarsen(_student.Config.Branches);
        double progress = length > 1 ? (double)within / (length - 1) : 1;
        var (nodes, weights, mean) = NodesAndWeights(grid, places, progress);
        RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, step) : null;
        var forward = new ForwardOptions(dropout, labels);
        var result = _gradients is not null && step % _options.Projection == 0 ? _gradients.Project(x, nodes, weights, targets, forward, x)
            : _objective.Accumulate(x, nodes, weights, targets, forward);
        double rate = _rate.At(within, length);
        double norm = _rounds.Optimizer.Update(rate, 1, result.Loss, step + 1);
        _learned?.Update(0, result.Branches);
        return new StepReport(result.Loss, result.Branches, rate, norm, grid.Branches > 1 ? mean : null);
    }

    /// <summary>With the steps of the round under way.</summary>
    public ImageMaker Sampler(INetwork network) =>
        Student.Of(network, _options with { Nfe = _options.StepsAfter(Round), Rounds = 1 }).Maker();

    /// <inheritdoc/>
    public bool HasHeldOutLoss => true;

    /// <summary>Against the teacher of the round under way, with the branch weights of the round's end.</summary>
    public double HeldOutLoss(INetwork network, HeldOutBatch batch)
    {
        using var y = batch.Data.Upload(Backend, batch.Indices);
        using var labels = Conditions.Of(network, batch.Data, batch.Indices);
        var (places, noising) = Places(batch.Count, batch.Uniform);
        using var x = batch.Noised(y, noising);
        using var targets = Targets(x, places, labels);
        var (nodes, weights, _) = NodesAndWeights(_grids[Round].Coarsen(network.Config.Branches), places, progress: 1);
        using var objective = new TrajectoryObjective(network, _options.Layout!.Value, _options.Distance!.Value, _options.Delta);
        return objective.Measure(x, nodes, weights, targets, new ForwardOptions(Labels: labels));
    }

    /// <summary>Writes its state into a checkpoint's folder, all but the network.</summary>
    public JsonObject Save(string folder)
    {
        var state = _rounds.Save(folder);
        if (_learned is not null)
            state["logScales"] = RunJson.ToNode(_learned.LogScales);
        return state;
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public void Load(string folder, JsonObject state)
    {
        _rounds.Load(folder, state);
        _learned?.Restore(RunJson.FromNode<double[][]>(state["logScales"], Path.Combine(folder, RunFolder.StateFile), "logScales"));
    }

    /// <summary>Frees its state; the networks stay the caller's.</summary>
    public void Dispose()
    {
        _objective.Dispose();
        _rounds.Dispose();
        _gradients?.Dispose();
    }

    /// <summary>i ~ U{0..N-1} for each sample, and (1, sigma_i) to noise it with.</summary>
    private (int[] Places, float[] Noising) Places(int samples, Func<int, double> uniform)
    {
        var grid = _grids[Round];
        var (places, noising) = (new int[samples], new float[2 * samples]);
        for (int n = 0; n < places.Length; n++)
        {
            places[n] = Math.Min(grid.Intervals - 1, (int)(uniform(n) * grid.Intervals));
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
        var teacher = new Denoiser(_rounds.Teacher);
        int heads = teacher.Network.Config.Branches, jump = _options.Jump!.Value, k = _student.Config.Branches;
        // The teacher's own grid: its steps, and within them the nodes of its own heads.
        var steps = Round == 0 ? null : _grids[Round - 1].Coarsen(heads);
        var targets = Backend.Empty(new Shape(k, x.Length));
        var state = x.Share();
        for (int j = 0; j < jump; j++)
        {
            var nodes = new double[places.Length * (heads + 1)];
            for (int n = 0; n < places.Length; n++)
            {
                int step = places[n] * jump + j;
                double[] own = steps?.Nodes(step) ?? [_grids[0].Teacher[step], _grids[0].Teacher[step + 1]];
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
