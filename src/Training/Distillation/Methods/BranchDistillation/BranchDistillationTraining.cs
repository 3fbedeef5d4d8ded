using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Watching;

namespace BDense.Training.Distillation.Methods.BranchDistillation;

/// <summary>
/// The authors' own progressive distillation with dense branches (see <see cref="LinearBetaDdim"/>), round by round: a batch noised to
/// the teacher's step t = 2k, k ~ U{1..S-1}; the teacher's two (or Jump) steps are the branches' targets; the student at its own
/// step k; equal weights, w = 1 + alpha / sigma. The next teacher is the raw student, its last head; a fresh optimizer each round.
/// </summary>
public sealed class BranchDistillationTraining : ITraining
{
    private readonly INetwork _student;
    private readonly Dataset _data;
    private readonly BranchDistillationOptions _options;
    private readonly Batches _batches;
    private readonly LearningRate _rate;
    private readonly Rounds _rounds;

    /// <param name="student">Trained in place; stays the caller's.</param>
    /// <param name="teacher">One branch; stays the caller's, unchanged.</param>
    /// <param name="data">Images of the network's size.</param>
    /// <param name="options">How; resolved here.</param>
    /// <exception cref="BDenseException">The network does not predict noise from DDPM's step.</exception>
    public BranchDistillationTraining(INetwork student, INetwork teacher, Dataset data, BranchDistillationOptions options)
    {
        _options = options.Resolve();
        TeacherTraining.RequireFit(student, data);
        if (student.Config is not { Prediction: Prediction.Eps, NoiseInput: NoiseInput.Timestep, LabelCount: 0 })
            throw new BDenseException(
                "the authors' variant needs an unconditional network that predicts the noise from DDPM's step, as ddpm-cifar10 does "
                + "(fields 'prediction', 'noiseInput', 'labelCount')");
        (_student, _data) = (student, data);
        _batches = new Batches(data.Count, _options.Batch, _options.Seed, _options.Flip);
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _rounds = new Rounds(student, teacher, _options, fromAverage: false);
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
        int n = _options.Batch;
        var indices = new int[n];
        var flips = new bool[n];
        _batches.At(step, indices, flips);
        var key = RandomStreams.ForNodes(_options.Seed, step);
        int[] k = Places(n, i => Philox.Uniform(key, i));
        using var y = _data.Upload(Backend, indices, flips);
        using var z = TeacherTraining.Noised(y, Noising(k), RandomStreams.ForNoise(_options.Seed, step));

        using var tape = Tape.For(_student, recording: true);
        RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, step) : null;
        var (heads, losses, gradient) = Loss(tape, _student, z, k, new ForwardOptions(dropout));
        using (var dheads = Backend.FromArray(gradient, heads.Shape))
            tape.Backward(heads, dheads);
        double loss = losses.Sum(), rate = _rate.At(within, length);
        double norm = _rounds.Optimizer.Update(rate, 1, loss, step + 1);
        return new StepReport(loss, losses, rate, norm);
    }

    /// <summary>With the steps of the round under way.</summary>
    public ImageMaker Sampler(INetwork network) => BranchDistillationMethod.OfSteps(network, _options.StepsAfter(Round)).Maker();

    /// <inheritdoc/>
    public bool HasHeldOutLoss => true;

    /// <summary>Against the teacher of the round under way.</summary>
    public double HeldOutLoss(INetwork network, HeldOutBatch batch)
    {
        int[] k = Places(batch.Count, batch.Uniform);
        using var y = batch.Data.Upload(Backend, batch.Indices);
        using var z = batch.Noised(y, Noising(k));
        using var tape = Tape.For(network, recording: false);
        return Loss(tape, network, z, k, default).Losses.Sum();
    }

    /// <summary>Writes its state into a checkpoint's folder, all but the network.</summary>
    public JsonObject Save(string folder) => _rounds.Save(folder);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public void Load(string folder, JsonObject state) => _rounds.Load(folder, state);

    /// <summary>Frees its state; the networks stay the caller's.</summary>
    public void Dispose() => _rounds.Dispose();

    /// <summary>k ~ U{1..S-1} for each sample.</summary>
    private int[] Places(int samples, Func<int, double> uniform)
    {
        int steps = _options.StepsAfter(Round);
        return [.. Enumerable.Range(0, samples).Select(i => 1 + Math.Min(steps - 2, (int)(uniform(i) * (steps - 1))))];
    }

    /// <summary>alpha and sigma of the teacher's step of each sample.</summary>
    private float[] Noising(int[] k)
    {
        int jump = _options.Jump!.Value;
        var (alpha, sigma) = LinearBetaDdim.Schedule(_options.StepsAfter(Round) * jump);
        return [.. k.SelectMany(i => new[] { (float)alpha[jump * i], (float)sigma[jump * i] })];
    }

    /// <summary>The network's heads at z, each branch's loss, and the gradient of their sum in the heads.</summary>
    private (Variable Heads, double[] Losses, float[] Gradient) Loss(Tape tape, INetwork network, Tensor z, int[] k,
        in ForwardOptions options)
    {
        int steps = _options.StepsAfter(Round);
        var own = LinearBetaDdim.Schedule(steps);
        float[] targets = Targets(z, k, LinearBetaDdim.Schedule(steps * _options.Jump!.Value));
        using var numbers = LinearBetaDdim.Numbers(Backend, k, k.Length);
        var heads = network.Forward(tape, tape.Input(z), numbers, options);
        var (losses, gradient) = LinearBetaDdim.Loss(z.ToArray(), heads.Data.ToArray(), targets,
            [.. k.Select(i => (own.Alpha[i], own.Sigma[i]))], [.. k.Select(i => (own.Alpha[i - 1], own.Sigma[i - 1]))],
            network.Config.Branches, network.Config.ImageChannels);
        return (heads, losses, gradient);
    }

    /// <summary>The teacher's states after each of the steps that a branch stands for, [K,N,H,W,C].</summary>
    private float[] Targets(Tensor z, int[] k, (double[] Alpha, double[] Sigma) schedule)
    {
        var teacher = _rounds.Teacher;
        int jump = _options.Jump!.Value, branches = _student.Config.Branches;
        var targets = new float[branches * z.Length];
        using var state = Backend.Empty(z.Shape);
        Backend.Copy(z, state);
        for (int j = 0; j < jump; j++)
        {
            int[] t = [.. k.Select(i => jump * i - j)];
            using var eps = LinearBetaDdim.Noise(teacher, state, t);
            LinearBetaDdim.Step(state, eps, [.. t.Select(i => (schedule.Alpha[i], schedule.Sigma[i]))],
                [.. t.Select(i => (schedule.Alpha[i - 1], schedule.Sigma[i - 1]))]);
            if ((j + 1) % (jump / branches) == 0)
                state.Download(targets.AsSpan(((j + 1) / (jump / branches) - 1) * z.Length, z.Length));
        }
        return targets;
    }
}
