using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Experiments;

/// <summary>What an evaluation is made with.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Noises, the same for every sampler.</summary>
    public int Count { get; init; } = 512;

    public int Batch { get; init; } = 64;

    /// <summary>Of the noises; training never sees them.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps of DPM-Solver++(3M) that stand for the exact solution of the teacher's ODE.</summary>
    public int FineSteps { get; init; } = 40;

    public double SigmaMin { get; init; } = 0.006;

    public double SigmaMax { get; init; } = 80;
}

/// <summary>A sampler's figures.</summary>
/// <param name="Endpoint">Distances to the teacher's endpoint on its own grid; none where there is no such grid.</param>
/// <param name="Fine">Distances to the teacher's fine trajectory.</param>
/// <param name="FrechetDistance">Random-feature Fréchet distance to the data; NaN without data.</param>
public sealed record Measured(SampleErrors? Endpoint, SampleErrors Fine, double FrechetDistance);

/// <summary>
/// One set of noises, the teacher's endpoints from them, and the yardsticks: distances sample by sample to the teacher's own
/// coarse endpoint and to its fine trajectory, and the random-feature Fréchet distance to the data (not FID).
/// </summary>
public sealed class Evaluation : IDisposable
{
    private readonly INetwork _teacher;
    private readonly EvaluationOptions _options;
    private readonly RandomFeatures _features;
    private readonly FeatureStatistics? _dataStatistics;
    private readonly Dictionary<string, float[]> _endpoints = [];

    /// <param name="teacher">One branch; stays the caller's.</param>
    /// <param name="data">For the Fréchet distance; or none.</param>
    /// <param name="options">How.</param>
    public Evaluation(INetwork teacher, Dataset? data, EvaluationOptions options)
    {
        (_teacher, _options) = (teacher, options);
        var c = teacher.Config;
        Sampling.RequireOneArray(teacher, options.Count);
        _features = new RandomFeatures(teacher.Backend, c.ImageChannels);
        if (data is null)
            return;
        TeacherTraining.RequireFit(teacher, data);
        _dataStatistics = new FeatureStatistics(RandomFeatures.Dimension);
        // Evenly over the whole dataset, which may lie in the order of its classes.
        int samples = Math.Min(data.Count, MaxDataSamples);
        int[] indices = [.. Enumerable.Range(0, samples).Select(i => (int)((long)i * data.Count / samples))];
        foreach (int[] chunk in indices.Chunk(options.Batch))
        {
            using var x = data.Upload(teacher.Backend, chunk);
            _dataStatistics.Add(_features.Compute(x));
        }
    }

    /// <summary>Images of the dataset that its statistics are taken over, at most.</summary>
    public const int MaxDataSamples = 8192;

    private int SampleLength => _teacher.Config.Resolution * _teacher.Config.Resolution * _teacher.Config.ImageChannels;

    /// <summary>NFE of the fine trajectory.</summary>
    public int FineEvaluations => _options.FineSteps;

    /// <summary>The sampler of the fine trajectory.</summary>
    public SamplerOptions FineSampler => FineOf(_options.FineSteps);

    /// <summary>The same with another number of steps.</summary>
    public SamplerOptions FineOf(int steps) => new SamplerOptions
    {
        Solver = "dpmpp3m",
        Steps = steps,
        SigmaMin = _options.SigmaMin,
        SigmaMax = _options.SigmaMax,
    }.Resolve();

    /// <summary>The teacher's fine endpoints, [Count,H,W,C].</summary>
    public float[] Fine(Action<int>? onDone = null, CancellationToken cancellation = default) =>
        Teacher(FineSampler, onDone, cancellation);

    /// <summary>The teacher's endpoints with a sampler; computed once.</summary>
    public float[] Teacher(SamplerOptions options, Action<int>? onDone = null, CancellationToken cancellation = default)
    {
        var sampler = SamplerBuilder.Build(_teacher, options, cancellation);
        string key = RunJson.ToLine(sampler.Options);
        if (!_endpoints.TryGetValue(key, out float[]? images))
            _endpoints[key] = images = Samples(_teacher, sampler.Run, sampler.Sigma, onDone, cancellation);
        return images;
    }

    /// <summary>Where the teacher arrives on the very grid that a student was distilled from.</summary>
    public float[] TeacherOf(Distill distill, Action<int>? onDone = null, CancellationToken cancellation = default) =>
        Teacher(TeacherSamplerOf(distill), onDone, cancellation);

    /// <summary>Its sampler.</summary>
    /// <remarks>A second stage's teacher is a student; what counts is how far both are from the first one's teacher.</remarks>
    public static SamplerOptions TeacherSamplerOf(Distill distill) => distill.Resolve().Origin.Yardstick();

    /// <summary>A student's endpoints, [Count,H,W,C].</summary>
    public float[] Student(Student student, Action<int>? onDone = null, CancellationToken cancellation = default) =>
        Samples(student.Network, (x, labels, fresh) => student.Sample(x, labels, cancellation: cancellation, fresh: fresh),
            student.StartSigma, onDone, cancellation);

    /// <summary>Holds samples to the yardsticks.</summary>
    /// <param name="images">From this evaluation's noises.</param>
    /// <param name="endpoint">The teacher's endpoints to compare with besides the fine ones; or none.</param>
    public Measured Measure(float[] images, float[]? endpoint)
    {
        var c = _teacher.Config;
        double distance = _dataStatistics is null ? double.NaN
            : FrechetDistance.Between(_features.Statistics(images, c.Resolution, c.Resolution, _options.Batch), _dataStatistics);
        return new Measured(endpoint is null ? null : EndpointError.Between(images, endpoint, SampleLength),
            EndpointError.Between(images, Fine(), SampleLength), distance);
    }

    public void Dispose() => _features.Dispose();

    private float[] Samples(INetwork network, Sampler sampler, double sigma, Action<int>? onDone, CancellationToken cancellation) =>
        Sampling.Generate(network, sampler, ImageDraws.Of(_options.Seed), _options.Count, _options.Batch, sigma, onDone, cancellation);
}
