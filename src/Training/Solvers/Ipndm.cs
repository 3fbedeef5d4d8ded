using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// Improved PNDM: the Adams-Bashforth formulas for even steps, whatever the grid, on d = (x - D) / t, order rising from 1 to 4:
    /// x' = x + (t' - t) (55 d_0 - 59 d_1 + 37 d_2 - 9 d_3) / 24. Liu et al. 2022 (PNDM), eq. 12; without its Runge-Kutta start as in
    /// Zhang and Chen 2023 (DEIS), section 4. One evaluation a step; order 2 on smooth uneven grids, 4 where the steps are even.
    /// </summary>
    public static Tensor Ipndm(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o) =>
        LinearMultistep((t, i, slopes) => OfStep(t, i, AdamsBashforth[slopes - 1]), denoise, x0, t, o);

    private static readonly double[][] AdamsBashforth =
    [
        [1],
        [3 / 2.0, -1 / 2.0],
        [23 / 12.0, -16 / 12.0, 5 / 12.0],
        [55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0],
    ];
}
