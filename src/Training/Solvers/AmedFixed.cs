using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// The step of AMED-Solver (Zhou et al. 2024, "Fast ODE-based sampling for diffusion models in around 5 steps"): one direction, at an
    /// intermediate time, stands for the mean direction of the whole step. s = t'^r t^(1-r), y = x + (s - t) (x - D(x; t)) / t,
    /// x' = x + c (t' - t) (y - D(y; s)) / s. Published, r and c come from a small network that sees the UNet's bottleneck, sample by
    /// sample; here they are two numbers a step for all samples (<see cref="AmedFit"/>), hence "fixed". r = 1/2, c = 1 is DPM-Solver-2.
    /// Two evaluations a step; a step to 0 is Euler's.
    /// </summary>
    /// <param name="ratios">r of each step, in (0, 1).</param>
    /// <param name="scales">c of each step.</param>
    public static SolverFunction AmedFixed(IReadOnlyList<double> ratios, IReadOnlyList<double> scales) => (denoise, x0, t, o) =>
    {
        if (t.Length - 1 != ratios.Count || ratios.Count != scales.Count)
            throw new BDenseException($"AMED's numbers are fitted to {ratios.Count} steps, not {t.Length - 1}");
        using var x = Start(x0, t);
        using var y = x.Backend.Empty(x.Shape);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            double from = t[i], to = t[i + 1], s = AmedTime(from, to, ratios[i]);
            using var d = Evaluate(denoise, x, from, i, o);
            if (to > 0)
            {
                Combine(y, (s / from, x), (1 - s / from, d));
                using var mean = denoise(y, s);
                double h = scales[i] * (to - from) / s;
                Combine(x, (1, x), (h, y), (-h, mean));
            }
            else
            {
                Combine(x, (1, d));
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, to, x, d));
        }
        return x.Share();
    };

    /// <summary>s = t'^r t^(1-r).</summary>
    internal static double AmedTime(double from, double to, double ratio) => Math.Pow(to, ratio) * Math.Pow(from, 1 - ratio);
}

/// <summary>Fits r and c of <see cref="SolverCatalog.AmedFixed"/>, step after step.</summary>
/// <remarks>
/// The published objective, the squared distance to the teacher's state at the step's end, from where the fitted steps before have
/// arrived. For a given r the best c is a quotient of two inner products, so that r alone is searched: nine places, then golden sections
/// around the best.
/// </remarks>
public static class AmedFit
{
    private const int Places = 9, Sections = 8;

    /// <summary>
    /// Network passes of a batch and a step, at most: places, one new one a section and two at first, and the step itself.
    /// </summary>
    internal const int Trials = Places + Sections + 3;

    private static readonly double Golden = (Math.Sqrt(5) - 1) / 2;

    /// <summary>r and c of each step of a grid.</summary>
    /// <param name="batches">Noises at grid[0], each with its denoiser.</param>
    /// <param name="grid">The nodes; the last above 0.</param>
    /// <param name="targets">For each batch the teacher's state at each node but the first.</param>
    /// <param name="cancellation">Looked at between evaluations.</param>
    public static (double[] Ratios, double[] Scales) Fit(IReadOnlyList<(Denoise Denoise, Tensor X)> batches, double[] grid,
        IReadOnlyList<float[][]> targets, CancellationToken cancellation = default)
    {
        var (ratios, scales) = (new double[grid.Length - 1], new double[grid.Length - 1]);
        var states = batches.Select(b => b.X.ToArray()).ToList();
        for (int i = 0; i + 1 < grid.Length; i++)
        {
            double from = grid[i], to = grid[i + 1];
            var slopes = batches.Select((b, n) => Slope(b, states[n], from)).ToList();
            var tried = new SortedDictionary<double, (double Error, double Scale)>();
            double best = Enumerable.Range(0, Places).Select(p => (p + 1.0) / (Places + 1)).MinBy(r => Try(r).Error);
            double low = best - 1.0 / (Places + 1), high = best + 1.0 / (Places + 1);
            double a = high - Golden * (high - low), b = low + Golden * (high - low);
            for (int section = 0; section < Sections; section++)
            {
                if (Try(a).Error <= Try(b).Error)
                    (high, b, a) = (b, a, b - Golden * (b - low));
                else
                    (low, a, b) = (a, b, a + Golden * (high - a));
            }
            var (ratio, found) = tried.MinBy(t => t.Value.Error);
            (ratios[i], scales[i]) = (ratio, found.Scale);
            states = [.. batches.Select((batch, n) =>
                Moved(states[n], scales[i] * (to - from),
                    Mean(batch, states[n], slopes[n], from, SolverCatalog.AmedTime(from, to, ratios[i]))))];

            (double Error, double Scale) Try(double r)
            {
                cancellation.ThrowIfCancellationRequested();
                if (tried.TryGetValue(r, out var known))
                    return known;
                // |w - c g|^2 with w = target - x, g = (t' - t) d.
                double ww = 0, wg = 0, gg = 0, s = SolverCatalog.AmedTime(from, to, r);
                for (int n = 0; n < batches.Count; n++)
                {
                    float[] mean = Mean(batches[n], states[n], slopes[n], from, s);
                    for (int e = 0; e < mean.Length; e++)
                    {
                        double w = (double)targets[n][i][e] - states[n][e], g = (to - from) * mean[e];
                        ww += w * w;
                        wg += w * g;
                        gg += g * g;
                    }
                }
                double c = gg > 0 ? wg / gg : 1;
                return tried[r] = (ww - 2 * c * wg + c * c * gg, c);
            }
        }
        return (ratios, scales);
    }

    /// <summary>(x - D(x; t)) / t.</summary>
    private static float[] Slope((Denoise Denoise, Tensor X) batch, float[] state, double t)
    {
        using var x = batch.X.Backend.FromArray(state, batch.X.Shape);
        using var d = batch.Denoise(x, t);
        return [.. state.Zip(d.ToArray(), (v, w) => (float)(((double)v - w) / t))];
    }

    /// <summary>The slope at s, from the Euler step there.</summary>
    private static float[] Mean((Denoise Denoise, Tensor X) batch, float[] state, float[] slope, double from, double s) =>
        Slope(batch, Moved(state, s - from, slope), s);

    private static float[] Moved(float[] state, double h, float[] slope) => [.. state.Zip(slope, (x, d) => (float)(x + h * d))];
}
