using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// Euler's method, which in sigma space is DDIM: x' = x + (t' - t) (x - D) / t = (t'/t) x + (1 - t'/t) D.
    /// Song et al. 2021 (DDIM), eq. 12; one evaluation a step.
    /// </summary>
    public static Tensor Euler(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        using var x = Start(x0, t);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            using var d = Evaluate(denoise, x, t[i], i, o);
            double ratio = t[i + 1] / t[i];
            Combine(x, (ratio, x), (1 - ratio, d));
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, d));
        }
        return x.Share();
    }
}
