using BDense.Kernels;

namespace BDense.Training.Distillation;

/// <summary>
/// Branch weights learned from gradients with the endpoint as their anchor: w_b ~ c_b e^{v_b} for b below K, w_K ~ c_K, where
/// v_b gains rate * cos(g_b, g_K) whenever both gradients are measured on the shared trunk, within [-8, 0]. c is the quadrature.
/// </summary>
/// <remarks>
/// <para>After the adaptive weighting of auxiliary tasks of Lin et al. 2019 (eq. 6: the descent on w_b that lowers the main loss one step
/// ahead is g_b . g_main), with cosines, so that the rate has no units, and with the quadrature as a ceiling: a branch whose
/// gradient opposes the endpoint's loses its weight and can win it back, but none can outgrow the endpoint as a likelihood
/// lets it (<see cref="LearnedScales"/>).</para>
/// <para>Measuring costs K backward passes instead of one, in every <see cref="Every"/>th iteration: 30% more for K = 4.</para>
/// </remarks>
public sealed class AlignedWeights
{
    /// <summary>Iterations from one measurement to the next.</summary>
    public const int Every = 10;

    private const double Least = -8;

    private readonly IReadOnlyList<double[]> _initial;
    private readonly double _rate;

    /// <param name="initial">For each interval c.</param>
    /// <param name="rate">Change of v_b a measurement, at full agreement or opposition.</param>
    public AlignedWeights(IReadOnlyList<double[]> initial, double rate = 0.3)
    {
        (_initial, _rate) = (initial, rate);
        LogFactors = [.. initial.Select(c => new double[c.Length])];
    }

    /// <summary>v[interval][branch]; the endpoint's stays 0. All there is to save.</summary>
    public double[][] LogFactors { get; private set; }

    /// <summary>Weights of an interval, summing to 1.</summary>
    public double[] Weights(int interval)
    {
        var w = _initial[interval].Zip(LogFactors[interval], (c, v) => c * Math.Exp(v)).ToArray();
        double sum = w.Sum();
        return [.. w.Select(v => v / sum)];
    }

    /// <summary>After a measurement.</summary>
    /// <param name="interval">Whose branches.</param>
    /// <param name="cosines">cos(g_b, g_K) for b = 1..K-1.</param>
    public void Update(int interval, ReadOnlySpan<double> cosines)
    {
        var v = LogFactors[interval];
        for (int b = 0; b < cosines.Length; b++)
            v[b] = Math.Clamp(v[b] + _rate * cosines[b], Least, 0);
    }

    /// <exception cref="BDenseException">Not of this number of intervals and branches.</exception>
    public void Restore(double[][] logFactors)
    {
        if (logFactors.Length != LogFactors.Length
            || logFactors.Zip(LogFactors).Any(p => p.First.Length != p.Second.Length || !p.First.All(double.IsFinite)))
            throw new BDenseException(
                $"aligned branch weights of another run: {logFactors.Length} intervals, expected {LogFactors.Length} of finite numbers");
        LogFactors = logFactors;
    }
}
