using BDense.Kernels;

namespace BDense.Training.Distillation;

/// <summary>
/// Branch weights from a likelihood: a log-scale s_b per branch, trained with the network. Laplace, for L1-like distances:
/// L = sum_b (l_b e^-s_b + s_b), so w_b = e^-s_b and dL/ds_b = 1 - l_b e^-s_b; Gaussian, for squares: L = sum_b (l_b e^-2s_b / 2 + s_b),
/// w_b = e^-2s_b / 2, dL/ds_b = 1 - l_b e^-2s_b. l_b is the branch's mean distance. Kendall et al. 2018, eq. 7.
/// </summary>
/// <remarks>
/// <para>Its minimum is w_b ~ 1 / l_b: the branches that are nearest to their targets, the early ones, get the largest weights, and the
/// endpoint, the only state that sampling keeps, the smallest. A first trial lost 30% of endpoint accuracy to this drift.
/// It is here to be measured, not to be used.</para>
/// <para>The weights given out sum to 1, so that the drift does not also change the step size. One set of scales for each interval.</para>
/// </remarks>
public sealed class LearnedScales
{
    private readonly double _rate;
    private readonly bool _gaussian;

    /// <param name="initial">For each interval the weights to start from, all above 0.</param>
    /// <param name="distance">Squares have the Gaussian likelihood, all others Laplace's.</param>
    /// <param name="rate">Step of the gradient descent on s, which has units of its own: relative change an update.</param>
    public LearnedScales(IReadOnlyList<double[]> initial, Distance distance, double rate = 0.02)
    {
        _rate = rate;
        _gaussian = distance == Distance.L2;
        LogScales =
            [.. initial.Select(
                w => w.Select(v => -(_gaussian ? 0.5 * Math.Log(2 * Math.Max(v, 1e-6)) : Math.Log(Math.Max(v, 1e-6)))).ToArray())];
    }

    /// <summary>s[interval][branch]: all there is to save.</summary>
    public double[][] LogScales { get; private set; }

    /// <summary>Weights of an interval, summing to 1.</summary>
    public double[] Weights(int interval)
    {
        var w = LogScales[interval].Select(s => _gaussian ? Math.Exp(-2 * s) / 2 : Math.Exp(-s)).ToArray();
        double sum = w.Sum();
        return [.. w.Select(v => v / sum)];
    }

    /// <summary>One step on s, on the host: K numbers.</summary>
    /// <param name="interval">Whose branches.</param>
    /// <param name="meanDistances">l_b over the batch, unweighted.</param>
    public void Update(int interval, ReadOnlySpan<double> meanDistances)
    {
        var s = LogScales[interval];
        for (int b = 0; b < s.Length; b++)
        {
            double gradient = 1 - meanDistances[b] * Math.Exp((_gaussian ? -2 : -1) * s[b]);
            // Far from the optimum the gradient is exponential in s; one update moves a scale by at most a tenth.
            s[b] -= Math.Clamp(_rate * gradient, -0.1, 0.1);
        }
    }

    /// <exception cref="BDenseException">Not of this number of intervals and branches.</exception>
    public void Restore(double[][] logScales)
    {
        if (logScales.Length != LogScales.Length
            || logScales.Zip(LogScales).Any(p => p.First.Length != p.Second.Length || !p.First.All(double.IsFinite)))
            throw new BDenseException(
                $"learned branch weights of another run: {logScales.Length} intervals, expected {LogScales.Length} of finite numbers");
        LogScales = logScales;
    }
}
