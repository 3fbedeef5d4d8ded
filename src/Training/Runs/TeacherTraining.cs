using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Watching;

namespace BDense.Training.Runs;

/// <summary>What noise levels a teacher is trained at.</summary>
public enum NoiseLevels
{
    /// <summary>ln sigma ~ N(PMean, PStd^2): EDM.</summary>
    LogNormal,

    /// <summary>
    /// sigma = tan(a u + b), u ~ U(0,1), log-SNR within [-20, 20]: progressive distillation's teacher, in continuous time.
    /// </summary>
    Cosine,
}

/// <summary>How a teacher is trained.</summary>
public sealed record TeacherOptions
{
    /// <summary>Updates.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Images an update.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Passes whose gradients are summed for one update; divides the batch. Saves memory.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>After the warm-up; above 0.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Updates over which the learning rate rises linearly from near 0; 0 for none.</summary>
    public long Warmup { get; init; } = 50;

    /// <summary>How the learning rate falls after that.</summary>
    public Decay Decay { get; init; } = Decay.Constant;

    /// <summary>Decoupled, as AdamW; 0 for none.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest norm of the whole gradient; 0 for no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Decay of the weights' moving average an update, in [0, 1); 0 for none.</summary>
    public double EmaDecay { get; init; } = 0.999;

    /// <summary>Of everything random: batches, noise levels, noise, dropout.</summary>
    public ulong Seed { get; init; }

    /// <summary>ln sigma ~ N(PMean, PStd^2). Karras et al. 2022, table 1.</summary>
    public double PMean { get; init; } = -1.2;

    /// <summary>Deviation of ln sigma; see <see cref="PMean"/>.</summary>
    public double PStd { get; init; } = 1.2;

    /// <summary>At which noise levels.</summary>
    public NoiseLevels NoiseLevels { get; init; }

    /// <summary>lambda(sigma)</summary>
    public LossWeighting Weighting { get; init; } = LossWeighting.Unit;

    /// <summary>Mirrors half of the images.</summary>
    public bool Flip { get; init; }

    /// <summary>How a run of these may become longer: its learning rate must not have known its end.</summary>
    public RunLength Length() => new("teacher", "steps", Decay == Decay.Constant ? null
        : $"its learning rate falls over all of them (decay {Decay.ToString().ToLowerInvariant()}), so the first ones would have been "
            + $"others; begin a new run, from these weights with --init");

    /// <exception cref="UsageException">A number is out of range.</exception>
    public void Validate()
    {
        Require(Steps >= 1, $"--steps is 1 or more, not {Steps}");
        Require(Batch >= 1, $"--batch is 1 or more, not {Batch}");
        Require(MicroBatches >= 1 && Batch % MicroBatches == 0, $"{MicroBatches} micro-batches do not divide a batch of {Batch}");
        Require(LearningRate > 0 && double.IsFinite(LearningRate),
            FormattableString.Invariant($"a learning rate is above 0, not {LearningRate}"));
        Require(Warmup >= 0, $"warm-up is 0 or more updates, not {Warmup}");
        Require(EmaDecay is >= 0 and < 1, FormattableString.Invariant($"an EMA decay lies in [0, 1), not {EmaDecay}"));
        Require(ClipNorm >= 0 && WeightDecay >= 0, "clipping norm and weight decay are 0 or more");
        Require(PStd > 0 && double.IsFinite(PMean),
            FormattableString.Invariant($"ln sigma has a mean and a deviation above 0, not {PMean} and {PStd}"));

        static void Require(bool condition, string message)
        {
            if (!condition)
                throw new UsageException(message);
        }
    }
}

/// <summary>
/// Denoising score matching: x = y + sigma n, ln sigma ~ N(P_mean, P_std^2), loss lambda(sigma) ||D(x; sigma) - y||^2, mean over
/// elements. Karras et al. 2022, eq. 2 and table 1; with eps-, x- and v-prediction the same through their own preconditioning.
/// </summary>
public sealed class TeacherTraining : ITraining
{
    private static readonly Schedule Cosine = ScheduleCatalog.Cosine(Math.Exp(-10), Math.Exp(10));

    private readonly INetwork _network;
    private readonly Dataset _data;
    private readonly TeacherOptions _options;
    private readonly Optimizer _optimizer;
    private readonly LearningRate _rate;
    private readonly TrajectoryObjective _objective;
    private readonly Batches _batches;

    /// <param name="network">Trained in place; one branch. Stays the caller's.</param>
    /// <param name="data">Images of the network's size.</param>
    /// <param name="options">How.</param>
    public TeacherTraining(INetwork network, Dataset data, TeacherOptions options)
    {
        options.Validate();
        RequireFit(network, data);
        if (network.Config.Branches != 1)
            throw new BDenseException($"a teacher has one branch, this network {network.Config.Branches}");
        (_network, _data, _options) = (network, data, options);
        _batches = new Batches(data.Count, options.Batch / options.MicroBatches, options.Seed, options.Flip);
        _rate = new LearningRate(options.LearningRate, options.Warmup, options.Decay);
        // To sigma_1 = 0 the trajectory map is the denoiser.
        _objective = new TrajectoryObjective(network, BranchLayout.Chained, Distance.L2, 1);
        _optimizer = new Optimizer(network.Parameters, new OptimizerOptions
        {
            WeightDecay = options.WeightDecay,
            ClipNorm = options.ClipNorm,
            EmaDecay = options.EmaDecay,
        }.With(network.Execution));
    }

    /// <inheritdoc/>
    public Backend Backend => _network.Backend;

    /// <inheritdoc/>
    public INetwork Network => _network;

    /// <inheritdoc/>
    public long Steps => _options.Steps;

    /// <inheritdoc/>
    public int ImagesPerStep => _options.Batch;

    /// <summary>Moving average of the weights, flat; none if its decay is 0.</summary>
    public Tensor? Ema => _optimizer.Ema;

    /// <inheritdoc/>
    public StepReport Step(long step)
    {
        double loss = 0, distance = 0;
        for (int m = 0; m < _options.MicroBatches; m++)
        {
            var result = Accumulate(step * _options.MicroBatches + m);
            loss += result.Loss / _options.MicroBatches;
            distance += result.Branches[0] / _options.MicroBatches;
        }
        double rate = _rate.At(step, Steps);
        double norm = _optimizer.Update(rate, _options.MicroBatches, loss, step + 1);
        return new StepReport(loss, [distance], rate, norm);
    }

    /// <summary>As <c>bdense sample</c> does where nothing is asked for: EDM's Heun, 18 steps.</summary>
    public ImageMaker Sampler(INetwork network)
    {
        var sampler = SamplerBuilder.Build(network, new SamplerOptions());
        return new ImageMaker(sampler.Run, sampler.Sigma);
    }

    /// <inheritdoc/>
    public bool HasHeldOutLoss => true;

    /// <inheritdoc/>
    public double HeldOutLoss(INetwork network, HeldOutBatch batch)
    {
        var (nodes, weights, noising) = Levels(batch.Count, batch.Normal, batch.Uniform);
        using var y = batch.Data.Upload(Backend, batch.Indices);
        using var labels = Conditions.Of(network, batch.Data, batch.Indices);
        using var x = batch.Noised(y, noising);
        using var objective = new TrajectoryObjective(network, BranchLayout.Chained, Distance.L2, 1);
        return objective.Measure(x, nodes, weights, y, new ForwardOptions(Labels: labels));
    }

    /// <inheritdoc/>
    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, _network);
        _optimizer.Save(folder, _network);
        return [];
    }

    /// <inheritdoc/>
    public void Load(string folder, JsonObject state)
    {
        Checkpoint.LoadInto(_network, folder);
        _optimizer.Load(folder, _network);
    }

    /// <summary>Frees the optimizer's state; the network stays the caller's.</summary>
    public void Dispose()
    {
        _objective.Dispose();
        _optimizer.Dispose();
    }

    /// <exception cref="BDenseException">The images are not of the network's size.</exception>
    internal static void RequireFit(INetwork network, Dataset data)
    {
        var c = network.Config;
        if (data.Height != c.Resolution || data.Width != c.Resolution || data.Channels != c.ImageChannels)
            throw new BDenseException($"{data.Name} holds images of {data.Height} x {data.Width} x {data.Channels}, " +
                $"the network takes {c.Resolution} x {c.Resolution} x {c.ImageChannels}: {Remedy(c, data)}");
    }

    private static string Remedy(NetworkConfig c, Dataset data)
    {
        if (data.Height != data.Width)
            return "crop the images to squares beforehand";
        if (data.Channels != c.ImageChannels)
            return $"give a network with imageChannels {data.Channels}, or other images";
        return data.Height > c.Resolution && data.Height % c.Resolution == 0
            ? $"give --resolution {c.Resolution}"
            : $"resize the images beforehand, or give a network with resolution {data.Height}";
    }

    private ObjectiveResult Accumulate(long pass)
    {
        int n = _batches.BatchSize;
        var indices = new int[n];
        var flips = new bool[n];
        _batches.At(pass, indices, flips);
        var sigmas = RandomStreams.ForSigmas(_options.Seed, pass);
        var (nodes, weights, noising) = Levels(n, i => Philox.Normal(sigmas, i), i => Philox.Uniform(sigmas, i));
        using var y = _data.Upload(Backend, indices, flips);
        using var labels = Conditions.Of(_network, _data, indices);
        using var x = Noised(y, noising, RandomStreams.ForNoise(_options.Seed, pass));
        RandomKey? dropout = _network.Config.Dropout > 0 ? RandomStreams.ForDropout(_options.Seed, pass) : null;
        return _objective.Accumulate(x, nodes, weights, y, new ForwardOptions(dropout, labels));
    }

    /// <summary>Of n images the noise levels and 0 behind each, their weights, and (1, sigma) to noise with.</summary>
    /// <param name="n">Images.</param>
    /// <param name="normal">A standard normal number of each, for log-normal levels.</param>
    /// <param name="uniform">A number in [0, 1) of each, for those of the cosine schedule.</param>
    private (double[] Nodes, double[] Weights, float[] Noising) Levels(int n, Func<int, double> normal, Func<int, double> uniform)
    {
        var (nodes, weights, noising) = (new double[2 * n], new double[n], new float[2 * n]);
        for (int i = 0; i < n; i++)
        {
            double sigma = _options.NoiseLevels == NoiseLevels.Cosine ? Cosine.Sigma(uniform(i))
                : Math.Exp(_options.PMean + _options.PStd * normal(i));
            nodes[2 * i] = sigma;
            weights[i] = _options.Weighting.At(sigma, _network.Config);
            (noising[2 * i], noising[2 * i + 1]) = (1, (float)sigma);
        }
        return (nodes, weights, noising);
    }

    /// <summary>c[n,0] y + c[n,1] noise; the caller disposes it.</summary>
    internal static Tensor Noised(Tensor y, float[] coefficients, RandomKey key)
    {
        var x = y.Backend.Empty(y.Shape);
        y.Backend.RandomNormal(key, x);
        using var c = y.Backend.FromArray(coefficients, new Shape(y.Shape[0], 2));
        y.Backend.LinearCombinationPerSample(c, [y, x], x);
        return x;
    }
}
