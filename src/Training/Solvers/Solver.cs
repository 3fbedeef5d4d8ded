using BDense.Kernels;

namespace BDense.Training.Solvers;

/// <summary>
/// D(x; sigma): the denoised image expected behind x = clean + sigma * noise. The caller disposes what it returns; x stays as it is.
/// </summary>
public delegate Tensor Denoise(Tensor x, double sigma);

/// <summary>
/// Solves the probability-flow ODE dx/dsigma = (x - D(x; sigma)) / sigma (Karras et al. 2022, eq. 1 with sigma(t) = t) from
/// t[0] to t[^1] and returns the state there, which the caller disposes; x stays as it is.
/// </summary>
/// <param name="denoise">The denoiser.</param>
/// <param name="x">The state at t[0].</param>
/// <param name="t">Falling noise levels, two or more; the last may be 0.</param>
/// <param name="o">Options; a solver ignores what does not concern it.</param>
public delegate Tensor SolverFunction(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o);

/// <summary>
/// What a solver shows of a step: the state at node <paramref name="Index"/> and the prediction that its step began with.
/// </summary>
/// <param name="Index">Of the node reached, 1 to n.</param>
/// <param name="Sigma">There.</param>
/// <param name="State">x; valid during the call only, not to be changed.</param>
/// <param name="Denoised">D at the node before; valid during the call only.</param>
public readonly record struct SolverStep(int Index, double Sigma, Tensor State, Tensor Denoised);

/// <summary>Options of all solvers.</summary>
public sealed record SolverOptions
{
    /// <summary>Everything as it is where nothing is asked for.</summary>
    public static SolverOptions Default { get; } = new();

    /// <summary>
    /// Replaces the first evaluation by the one that unit-variance data would give, dx/dt = x / sqrt(1 + t^2): at sigma = 80
    /// all directions agree, and an evaluation is saved. Dockhorn et al. 2022 (GENIE), appendix; Zhou et al. 2024 (SFD).
    /// </summary>
    public bool AnalyticalFirstStep { get; init; }

    /// <summary>DPM-Solver++ and UniPC end with steps of order 2 and 1, which few steps need. Lu et al. 2022b, section 5.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Largest order of a multistep method; 0 for its own.</summary>
    public int Order { get; init; }

    /// <summary>Fresh noise in Heun's method; none by default.</summary>
    public Churn? Churn { get; init; }

    /// <summary>Called after every step.</summary>
    public Action<SolverStep>? OnStep { get; init; }

    /// <summary>Looked at between steps.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>Fills a tensor with the standard normal noise that step <paramref name="step"/> (from 0) adds.</summary>
public delegate void FreshNoise(int step, Tensor y);

/// <summary>Noise added between steps while t lies in [Min, Max]: Karras et al. 2022, algorithm 2.</summary>
/// <param name="Amount">S_churn, 0 or more: gamma = min(S_churn / steps, sqrt 2 - 1).</param>
/// <param name="Min">S_min.</param>
/// <param name="Max">S_max.</param>
/// <param name="NoiseScale">S_noise, the standard deviation of the fresh noise.</param>
/// <param name="Key">Of the noise; step i uses the numbers from block i * 2^32 on.</param>
public sealed record Churn(double Amount, double Min = 0, double Max = double.PositiveInfinity, double NoiseScale = 1,
    RandomKey Key = default)
{
    /// <summary>Where the noise comes from in place of <see cref="Key"/>'s, which is one sequence for the whole batch.</summary>
    public FreshNoise? Fresh { get; init; }

    /// <summary>y = standard normal noise for step <paramref name="step"/>.</summary>
    internal void Draw(int step, Tensor y)
    {
        if (Fresh is { } fresh)
            fresh(step, y);
        else
            y.Backend.RandomNormal(Key.Skip((ulong)step << 32), y);
    }

    /// <summary>gamma at noise level <paramref name="t"/>.</summary>
    public double Gamma(double t, int steps) => t >= Min && t <= Max ? Math.Min(Amount / steps, Math.Sqrt(2) - 1) : 0;
}

/// <summary>A solver as the table lists it.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="Order">Nominal order of convergence on smooth grids.</param>
/// <param name="EvaluationsPerStep">Network evaluations in a full step.</param>
/// <param name="Source">Where it was published.</param>
/// <param name="Run">The method.</param>
public sealed record Solver(string Name, int Order, int EvaluationsPerStep, string Source, SolverFunction Run)
{
    /// <summary>The largest <see cref="SolverOptions.Order"/> of a multistep method, its own; 0 where nothing can be chosen.</summary>
    public int MaxOrder { get; init; }

    /// <summary>Whether <see cref="SolverOptions.LowerOrderFinal"/> concerns it.</summary>
    public bool LowersOrder { get; init; }

    /// <summary>Whether it makes its steps of the denoised image, as DPM-Solver++ does: where its authors threshold.</summary>
    public bool PredictsData { get; init; }

    /// <summary>NFE over a grid of <paramref name="steps"/> steps. A two-evaluation method takes one where it steps to 0.</summary>
    /// <param name="steps">Nodes less one.</param>
    /// <param name="toZero">Whether the last node is 0.</param>
    /// <param name="analyticalFirstStep">Whether the first evaluation is analytical.</param>
    public int Evaluations(int steps, bool toZero = false, bool analyticalFirstStep = false) =>
        EvaluationsPerStep * steps - (toZero && EvaluationsPerStep > 1 ? EvaluationsPerStep - 1 : 0) - (analyticalFirstStep ? 1 : 0);
}
