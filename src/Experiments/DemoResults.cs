namespace BDense.Experiments;

/// <summary>What <c>demo</c> found; written as <c>results.json</c>. Times in seconds unless named otherwise, memory in bytes.</summary>
public sealed record DemoResults(
    ulong Seed,
    string Device,
    string Dataset,
    double ElapsedSeconds,
    TeacherResult Teacher,
    IReadOnlyList<TeacherSampling> TeacherSampling,
    IReadOnlyList<StudentResult> Students,
    IReadOnlyList<PairedComparison> Comparisons)
{
    /// <summary>Noises that every sampler started from, the same for all.</summary>
    public required int EvaluationNoises { get; init; }
}

/// <summary>The teacher: an EDM denoiser.</summary>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="Steps">Optimizer updates.</param>
/// <param name="FinalLoss">Mean of the weighted denoising loss over the last tenth of the updates.</param>
/// <param name="ImagesPerSecond">Training throughput.</param>
public sealed record TeacherResult(long Parameters, int Steps, double FinalLoss, double ImagesPerSecond);

/// <summary>The undistilled teacher sampled with few steps, to show what distillation has to mend.</summary>
/// <param name="Solver">Name of the solver.</param>
/// <param name="Nfe">Network evaluations a sample.</param>
/// <param name="RmseFine">Root mean square distance to the teacher's own fine trajectory from the same noise; images lie in [-1,
/// 1].</param>
/// <param name="FrechetDistance">Fréchet distance over random convolutional features; not FID.</param>
public sealed record TeacherSampling(string Solver, int Nfe, double RmseFine, double FrechetDistance);

/// <summary>One distilled student.</summary>
/// <param name="Method">PD, PD + B-DENSE, SFD or SFD + B-DENSE.</param>
/// <param name="Branches">K; 1 without B-DENSE.</param>
/// <param name="Weights">Branch weighting.</param>
/// <param name="Nfe">Network evaluations a sample.</param>
/// <param name="Seed">Seed of its training; methods with equal seeds are paired.</param>
/// <param name="Updates">Optimizer updates in all.</param>
/// <param name="EndpointRmse">Root mean square distance to the teacher's own endpoint on the grid it was distilled from.</param>
/// <param name="EndpointRmseFine">The same to the teacher's fine trajectory.</param>
/// <param name="EndpointRmseInterval">95% bootstrap interval of <paramref name="EndpointRmse"/> over the noises.</param>
/// <param name="FrechetDistance">Fréchet distance to the dataset over random convolutional features; not FID.</param>
/// <param name="StepMilliseconds">Median time of one update.</param>
/// <param name="PeakBytes">Largest device memory in use while it was trained.</param>
public sealed record StudentResult(string Method, int Branches, string Weights, int Nfe, ulong Seed, int Updates, double EndpointRmse,
    double EndpointRmseFine, double[] EndpointRmseInterval, double FrechetDistance, double StepMilliseconds, long PeakBytes);

/// <summary>A B-DENSE student against the same method without branches, over the same noises and seeds.</summary>
/// <param name="Method">The B-DENSE method.</param>
/// <param name="Baseline">What it is compared with.</param>
/// <param name="Nfe">Network evaluations a sample.</param>
/// <param name="Metric">Which error.</param>
/// <param name="Difference">Mean paired difference, method minus baseline; below 0 is better.</param>
/// <param name="Interval">Its 95% bootstrap interval.</param>
/// <param name="Verdict">better, worse or no difference.</param>
public sealed record PairedComparison(string Method, string Baseline, int Nfe, string Metric, double Difference, double[] Interval,
    string Verdict);
