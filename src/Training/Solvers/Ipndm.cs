using BDense.Kernels;

namespace BDense.Training;

public static partial class Solvers
{
    /// <summary>
    /// Improved PNDM: the Adams-Bashforth formulas for even steps, whatever the grid, on d = (x - D) / t, order rising from 1 to 4:
    /// x' = x + (t' - t) (55 d_0 - 59 d_1 + 37 d_2 - 9 d_3) / 24. Liu et al. 2022 (PNDM), eq. 12; without its Runge-Kutta start as in
    /// Zhang and Chen 2023 (DEIS), section 4. One evaluation a step; order 2 on smooth uneven grids, 4 where the steps are even.
    /// </summary>
    public static Tensor Ipndm(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        int max = o.Order > 0 ? Math.Min(o.Order, AdamsBashforth.Length) : AdamsBashforth.Length;
        using var x = Start(x0, t);
        using var d = new History(max);
        for (int i = 0; i + 1 < t.Length; i++)
        {
            using var denoised = Evaluate(denoise, x, t[i], i, o);
            Combine(d.Push(x.Backend.Empty(x.Shape)), (1 / t[i], x), (-1 / t[i], denoised));
            var weights = AdamsBashforth[Math.Min(i + 1, max) - 1];
            var terms = new (double, Tensor)[1 + weights.Length];
            terms[0] = (1, x);
            for (int j = 0; j < weights.Length; j++)
                terms[1 + j] = ((t[i + 1] - t[i]) * weights[j], d[j]);
            Combine(x, terms);
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, denoised));
        }
        return x.Share();
    }

    private static readonly double[][] AdamsBashforth =
    [
        [1],
        [3 / 2.0, -1 / 2.0],
        [23 / 12.0, -16 / 12.0, 5 / 12.0],
        [55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0],
    ];
}
