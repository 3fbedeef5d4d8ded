using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// DPM-Solver-2 with r = 1/2: an evaluation at the geometric middle m = sqrt(t t') gives the slope of the whole step:
    /// y = x + (m - t) (x - D(x; t)) / t; x' = x + (t' - t) (y - D(y; m)) / m. Lu et al. 2022, algorithm 1, in sigma space;
    /// Karras et al. 2022, appendix D. Two evaluations a step; a step to 0, which has no geometric middle, is Euler's.
    /// </summary>
    public static Tensor DpmSolver2(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        using var x = Start(x0, t);
        using var y = x.Backend.Empty(x.Shape);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            double from = t[i], to = t[i + 1], middle = Math.Sqrt(from * to);
            using var d = Evaluate(denoise, x, from, i, o);
            if (to > 0)
            {
                Combine(y, (middle / from, x), (1 - middle / from, d));
                using var slope = denoise(y, middle);
                Combine(x, (1, x), ((to - from) / middle, y), (-(to - from) / middle, slope));
            }
            else
            {
                Combine(x, (1, d));
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, to, x, d));
        }
        return x.Share();
    }
}
