using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>What a sampling is given besides noise.</summary>
/// <param name="Labels">Of a class-conditional network; or none.</param>
/// <param name="Fresh">Noise for steps that add some.</param>
/// <param name="OnState">Shown the states on the way: number, sigma, state (valid during the call); or none.</param>
/// <param name="Cancellation">Looked at between evaluations.</param>
public readonly record struct WayOptions(Tensor? Labels, FreshNoise Fresh, Action<int, double, Tensor>? OnState,
    CancellationToken Cancellation);

/// <summary>A way to sample a student that is not the usual one, from branch state to branch state over its grid.</summary>
public abstract record StudentWay
{
    /// <summary>NFE.</summary>
    public abstract int Evaluations { get; }

    /// <summary>Standard deviation of the noise that sampling starts from.</summary>
    public abstract double StartSigma { get; }

    /// <summary>The file of an export with what tells this way from the usual one.</summary>
    public abstract StudentFile Describe(StudentFile file);

    /// <summary>From noise to images; the caller disposes them.</summary>
    /// <param name="network">All heads, or one folded of them.</param>
    /// <param name="x">[N,H,W,C]; stays as it is.</param>
    /// <param name="options">Labels and the rest.</param>
    public abstract Tensor Sample(INetwork network, Tensor x, in WayOptions options);
}
