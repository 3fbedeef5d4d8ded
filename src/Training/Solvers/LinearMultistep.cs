using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    private const int HistoryOrder = 4;

    /// <summary>C_0, C_1, .. of step <paramref name="i"/>, newest slope first, for so many slopes; the step's length is in them.</summary>
    private delegate double[] SlopeWeights(ReadOnlySpan<double> t, int i, int slopes);

    /// <summary>
    /// What iPNDM, iPNDM_v and DEIS have in common: x' = x + sum_j C_j d_j over the last slopes d = (x - D) / t, one more each step up to
    /// four, or as many as <see cref="SolverOptions.Order"/> says. They differ in C alone. One evaluation a step.
    /// </summary>
    /// <param name="weights">C.</param>
    /// <param name="denoise">D.</param>
    /// <param name="x0">[N,...] at t_0; stays as it is.</param>
    /// <param name="t">Falling noise levels.</param>
    /// <param name="o">How.</param>
    /// <returns>x at the last node; the caller disposes it.</returns>
    private static Tensor LinearMultistep(SlopeWeights weights, Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        int max = o.Order > 0 ? Math.Min(o.Order, HistoryOrder) : HistoryOrder;
        using var x = Start(x0, t);
        using var d = new History(max);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            using var denoised = Evaluate(denoise, x, t[i], i, o);
            Combine(d.Push(x.Backend.Empty(x.Shape)), (1 / t[i], x), (-1 / t[i], denoised));
            double[] c = weights(t, i, Math.Min(i + 1, max));
            var terms = new (double, Tensor)[1 + c.Length];
            terms[0] = (1, x);
            for (int j = 0; j < c.Length; j++)
                terms[1 + j] = (c[j], d[j]);
            Combine(x, terms);
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, denoised));
        }
        return x.Share();
    }

    /// <summary>Weights of slopes, times the step's length.</summary>
    private static double[] OfStep(ReadOnlySpan<double> t, int i, double[] weights)
    {
        double h = t[i + 1] - t[i];
        return [.. weights.Select(w => h * w)];
    }
}
