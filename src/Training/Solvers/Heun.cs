using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// Heun's method with optional churn, Karras et al. 2022, algorithm 2 (algorithm 1 without churn). Noise is raised to
    /// t^ = (1 + gamma) t by x^ = x + sqrt(t^^2 - t^2) S_noise n; then, with d = (x^ - D(x^; t^)) / t^ and y = x^ + (t' - t^) d,
    /// x' = x^ + (t' - t^) (d + (y - D(y; t')) / t') / 2. Two evaluations a step; a step to 0 is Euler's.
    /// </summary>
    public static Tensor Heun(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        using var x = Start(x0, t);
        using var y = x.Backend.Empty(x.Shape);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            double from = t[i], to = t[i + 1];
            double gamma = o.Churn?.Gamma(from, t.Length - 1) ?? 0;
            if (gamma > 0)
            {
                from *= 1 + gamma;
                o.Churn!.Draw(i, y);
                Combine(x, (1, x), (Math.Sqrt(from * from - t[i] * t[i]) * o.Churn.NoiseScale, y));
            }
            using var d = Evaluate(denoise, x, from, i, o);
            Combine(y, (to / from, x), (1 - to / from, d));
            if (to > 0)
            {
                using var next = denoise(y, to);
                double half = (to - from) / 2;
                Combine(x, (1 + half / from, x), (-half / from, d), (half / to, y), (-half / to, next));
            }
            else
            {
                Combine(x, (1, y));
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, to, x, d));
        }
        return x.Share();
    }
}
