using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Watching;

namespace BDense.Training.Distillation.Methods.Ect;

/// <summary>
/// Easy consistency tuning (Geng et al. 2024, arXiv 2406.14548; github.com/locuslab/ect, <c>training/loss.py</c>). The student begins as
/// the teacher and has no other teacher than itself: of an image y and noise n, at t ~ exp(N(P_mean, P_std^2)) and the earlier r of
/// <see cref="ConsistencyPairs"/>,
/// L = mean over images of w(t) rho(D(y + t n; t) - stopgrad D(y + r n; r)), w and rho as <see cref="ConsistencyPairs.Weight"/> and
/// <see cref="ImageDistance"/> have them. Both passes have the same noise and the same dropout; where r is 0, D is y.
/// </summary>
/// <remarks>
/// The published code trains with RAdam; here it is Adam, whose first steps a warm-up of the learning rate can shorten: RAdam
/// is made for that.
/// The published code also replaces gradients that are not finite; here they end the run.
/// </remarks>
public sealed class EctTraining : ITraining
{
    private readonly INetwork _student;
    private readonly Denoiser _denoiser;
    private readonly Dataset _data;
    private readonly EctOptions _options;
    private readonly ConsistencyPairs _pairs;
    private readonly Batches _batches;
    private readonly LearningRate _rate;
    private readonly Optimizer _optimizer;

    /// <param name="student">Trained in place; one head; stays the caller's.</param>
    /// <param name="data">Images of the network's size.</param>
    /// <param name="options">How; resolved here.</param>
    /// <exception cref="BDenseException">The images are not of the network's size.</exception>
    public EctTraining(INetwork student, Dataset data, EctOptions options)
    {
        _options = options.Resolve();
        TeacherTraining.RequireFit(student, data);
        (_student, _denoiser, _data) = (student, new Denoiser(student), data);
        _pairs = new ConsistencyPairs(_options.Q, _options.K, _options.B);
        _batches = new Batches(data.Count, _options.Batch, _options.Seed, _options.Flip);
        _rate = new LearningRate(_options.LearningRate, _options.Warmup, _options.Decay!.Value);
        _optimizer = DistillationMethods.NewOptimizer(student, _options);
    }

    /// <inheritdoc/>
    public Backend Backend => _student.Backend;

    /// <inheritdoc/>
    public INetwork Network => _student;

    /// <summary>One update an iteration.</summary>
    public long Steps => _options.Updates;

    /// <inheritdoc/>
    public int ImagesPerStep => _options.Batch;

    /// <summary>Moving average of the weights, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _optimizer.Ema;

    /// <inheritdoc/>
    public StepReport Step(long step)
    {
        int n = _options.Batch, stage = new Shares(_options.Updates, _options.Stages).PlaceOf(step).Round;
        var (indices, flips) = (new int[n], new bool[n]);
        _batches.At(step, indices, flips);
        using var y = _data.Upload(Backend, indices, flips);
        using var labels = Conditions.Of(_student, _data, indices);
        var key = RandomStreams.ForSigmas(_options.Seed, step);
        double[] t = Levels(n, i => Philox.Normal(key, i));
        double[] r = [.. t.Select(level => _pairs.Earlier(level, stage))];
        using var x = Noised(y, t, step);
        RandomKey? dropout = DistillationMethods.UsesDropout(_student, _options) ? RandomStreams.ForDropout(_options.Seed, step) : null;
        var forward = new ForwardOptions(dropout, labels);
        using var target = Target(_denoiser, y, r, levels => Noised(y, levels, step), forward);
        var (loss, distance) = Accumulate(x, t, target, forward);
        double rate = _rate.At(step, Steps), norm = _optimizer.Update(rate, 1, loss, step + 1);
        return new StepReport(loss, [distance], rate, norm);
    }

    /// <inheritdoc/>
    public ImageMaker Sampler(INetwork network) => Student.Of(network, _options).Maker();

    /// <inheritdoc/>
    public bool HasHeldOutLoss => true;

    /// <summary>With the pairs of the last stage, so that losses of all stages can be compared.</summary>
    public double HeldOutLoss(INetwork network, HeldOutBatch batch)
    {
        var denoiser = new Denoiser(network);
        double[] t = Levels(batch.Count, batch.Normal), r = [.. t.Select(level => _pairs.Earlier(level, _options.Stages - 1))];
        using var y = batch.Data.Upload(Backend, batch.Indices);
        using var labels = Conditions.Of(network, batch.Data, batch.Indices);
        var forward = new ForwardOptions(Labels: labels);
        using var x = batch.Noised(y, Factors(t));
        using var target = Target(denoiser, y, r, levels => batch.Noised(y, Factors(levels)), forward);
        using var tape = Tape.For(network, recording: false);
        using var d = Denoised(denoiser, x, Heads(denoiser, tape, x, t, forward).Data, t);
        double[] distances = ImageDistance.Of(d.ToArray(), target.ToArray(), _options.Huber, batch.Count).Distances;
        return distances.Zip(t, (distance, level) => distance * ConsistencyPairs.Weight(level, network.Config.SigmaData)).Average();
    }

    /// <inheritdoc/>
    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, _student);
        _optimizer.Save(folder, _student);
        return [];
    }

    /// <inheritdoc/>
    public void Load(string folder, JsonObject state)
    {
        Checkpoint.LoadInto(_student, folder);
        _optimizer.Load(folder, _student);
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    /// <summary>t ~ exp(N(P_mean, P_std^2)) of each image.</summary>
    private double[] Levels(int n, Func<int, double> normal) =>
        [.. Enumerable.Range(0, n).Select(i => Math.Exp(_options.PMean + _options.PStd * normal(i)))];

    /// <summary>y + sigma n of each image, n the same at every call of one step; the caller disposes it.</summary>
    private Tensor Noised(Tensor y, double[] sigmas, long step) =>
        TeacherTraining.Noised(y, Factors(sigmas), RandomStreams.ForNoise(_options.Seed, step));

    /// <summary>Of image and noise.</summary>
    private static float[] Factors(double[] sigmas) => [.. sigmas.SelectMany(s => new[] { 1f, (float)s })];

    /// <summary>D(y + r n; r) without a gradient, and y where r is 0; the caller disposes it.</summary>
    private Tensor Target(Denoiser denoiser, Tensor y, double[] r, Func<double[], Tensor> noised, in ForwardOptions forward)
    {
        if (r.All(level => level == 0))
            return y.Share();
        // Where r is 0 the network, which takes no such level, is asked at another; its answer does not count.
        double[] levels = [.. r.Select(level => level > 0 ? level : 1)];
        using var x = noised(levels);
        using var tape = Tape.For(denoiser.Network, recording: false);
        var d = Denoised(denoiser, x, Heads(denoiser, tape, x, levels, forward).Data, levels);
        float[] which = [.. r.SelectMany(level => level > 0 ? new[] { 1f, 0f } : [0f, 1f])];
        using var choice = Backend.FromArray(which, new Shape(r.Length, 2));
        Backend.LinearCombinationPerSample(choice, [d, y], d);
        return d;
    }

    /// <summary>Forward, loss, backward: the gradients accumulate in the parameters.</summary>
    /// <param name="x">y + t n.</param>
    /// <param name="t">A level an image.</param>
    /// <param name="target">What D(x; t) is to be.</param>
    /// <param name="forward">Dropout and labels.</param>
    /// <returns>L, and the mean of rho without weights.</returns>
    internal (double Loss, double Distance) Accumulate(Tensor x, double[] t, Tensor target, in ForwardOptions forward)
    {
        int n = t.Length;
        using var tape = Tape.For(_student, recording: true);
        var heads = Heads(_denoiser, tape, x, t, forward);
        using var d = Denoised(_denoiser, x, heads.Data, t);
        var (distances, factors) = ImageDistance.Of(d.ToArray(), target.ToArray(), _options.Huber, n);
        double loss = 0;
        var gradient = new float[2 * n];
        for (int i = 0; i < n; i++)
        {
            double weight = ConsistencyPairs.Weight(t[i], _student.Config.SigmaData) / n;
            loss += weight * distances[i];
            // dL/dF = w rho'(D - target) c_out, of D = c_skip x + c_out F.
            double factor = weight * factors[i] * _denoiser.At(t[i]).Out;
            (gradient[2 * i], gradient[2 * i + 1]) = ((float)factor, (float)-factor);
        }
        using var c = Backend.FromArray(gradient, new Shape(n, 2));
        using var dheads = Backend.Empty(heads.Data.Shape);
        Backend.LinearCombinationPerSample(c, [d, target], dheads);
        tape.Backward(heads, dheads);
        return (loss, distances.Average());
    }

    /// <summary>F at a level an image, never from a captured pass: those have no dropout.</summary>
    private Variable Heads(Denoiser denoiser, Tape tape, Tensor x, double[] sigmas, in ForwardOptions forward)
    {
        var (scales, noises) = (new float[sigmas.Length], new float[sigmas.Length]);
        denoiser.Numbers(sigmas, scales, noises);
        using var scale = Backend.FromArray(scales, new Shape(sigmas.Length, 1));
        using var noise = Backend.FromArray(noises, new Shape(sigmas.Length));
        return denoiser.Merged(tape, denoiser.Heads(tape, x, scale, noise, forward), sigmas);
    }

    /// <summary>D = c_skip x + c_out F of each image; the caller disposes it.</summary>
    private Tensor Denoised(Denoiser denoiser, Tensor x, Tensor heads, double[] sigmas)
    {
        float[] coefficients = [.. sigmas.SelectMany(s => new[] { (float)denoiser.At(s).Skip, (float)denoiser.At(s).Out })];
        using var c = Backend.FromArray(coefficients, new Shape(sigmas.Length, 2));
        var d = Backend.Empty(x.Shape);
        Backend.LinearCombinationPerSample(c, [x, heads], d);
        return d;
    }
}
