using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

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

    /// <summary>One update an iteration, all rounds together.</summary>
    public long Steps => _options.Updates;

    /// <summary>Images that an iteration computes, for images a second.</summary>
    public int ImagesPerStep => _options.Batch;

    /// <summary>The round under way, from 0.</summary>
    public int Round => _rounds.Round;

    /// <summary>One iteration, numbered from 0.</summary>
    public StepReport Step(long step)
    {
        var (within, length) = _rounds.Enter(step);
        int jump = _options.Jump!.Value, n = _options.Batch;
        int studentSteps = _options.StepsAfter(Round), teacherSteps = studentSteps * jump;
        var own = LinearBetaDdim.Schedule(studentSteps);
        var theirs = LinearBetaDdim.Schedule(teacherSteps);

        var indices = new int[n];
        var flips = new bool[n];
        _batches.At(step, indices, flips);
        var key = RandomStreams.ForNodes(_options.Seed, step);
        int[] k =
            [.. Enumerable.Range(0, n).Select(i => 1 + Math.Min(studentSteps - 2, (int)(Philox.Uniform(key, i) * (studentSteps - 1))))];
        using var y = _data.Upload(Backend, indices, flips);
        using var z = TeacherTraining.Noised(y,
            [.. k.SelectMany(i => new[] { (float)theirs.Alpha[jump * i], (float)theirs.Sigma[jump * i] })],
            RandomStreams.ForNoise(_options.Seed, step));
        float[] targets = Targets(z, k, theirs);

        using var tape = Tape.For(_student, recording: true);
        using var numbers = LinearBetaDdim.Numbers(Backend, k, n);
        RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, step) : null;
        var heads = _student.Forward(tape, tape.Input(z), numbers, new ForwardOptions(dropout));
        var (losses, gradient) = LinearBetaDdim.Loss(z.ToArray(), heads.Data.ToArray(), targets,
            [.. k.Select(i => (own.Alpha[i], own.Sigma[i]))], [.. k.Select(i => (own.Alpha[i - 1], own.Sigma[i - 1]))],
            _student.Config.Branches, _student.Config.ImageChannels);
        using (var dheads = Backend.FromArray(gradient, heads.Shape))
            tape.Backward(heads, dheads);
        double loss = losses.Sum(), rate = _rate.At(within, length);
        double norm = _rounds.Optimizer.Update(rate, 1, loss, step + 1);
        return new StepReport(loss, losses, rate, norm);
    }

    /// <summary>Writes its state into a checkpoint's folder, all but the network.</summary>
    public JsonObject Save(string folder) => _rounds.Save(folder);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public void Load(string folder, JsonObject state) => _rounds.Load(folder, state);

    /// <summary>Frees its state; the networks stay the caller's.</summary>
    public void Dispose() => _rounds.Dispose();

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
