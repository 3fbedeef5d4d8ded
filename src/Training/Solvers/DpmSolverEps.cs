using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// DPM-Solver(2M): <see cref="DpmSolverPlusPlus2M"/> in noise prediction; see <see cref="DpmSolverEps3M"/>. One evaluation a step.
    /// </summary>
    public static Tensor DpmSolverEps2M(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        DpmSolverEps(2, denoise, x, t, o);

    /// <summary>
    /// DPM-Solver(3M): the multistep method in noise prediction e = (x - D) / t. Lu et al. 2022b, section 4.2 and appendix B, with its
    /// code's choice of noise prediction; one evaluation a step.
    /// </summary>
    /// <remarks>
    /// Its third term is that of the Taylor expansion halved, as in <see cref="DpmSolverPlusPlus3M"/>: of order 2 in the limit.
    /// </remarks>
    public static Tensor DpmSolverEps3M(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        DpmSolverEps(3, denoise, x, t, o);

    /// <summary>
    /// With the names of <see cref="DpmSolverPlusPlus"/>, phi1 = e^h - 1, phi2 = phi1 / h - 1, phi3 = phi2 / h - 1/2 and e in place of D:
    /// order 1: x' = x - t' phi1 e_0; order 2: subtract t' phi1 / 2 (e_0 - e_1) / r_0 more;
    /// order 3: subtract t' phi2 A + t' phi3 B from order 1. A step to 0 is of order 1, t' phi1 = t - t'.
    /// </summary>
    private static Tensor DpmSolverEps(int ownOrder, Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        int steps = t.Length - 1, max = o.Order > 0 ? Math.Min(o.Order, ownOrder) : ownOrder;
        using var x = Start(x0, t);
        using var e = new History(max);
        for (int i = 0; i < steps; i++)
        {
            using var denoised = Evaluate(denoise, x, t[i], i, o);
            Combine(e.Push(x.Backend.Empty(x.Shape)), (1 / t[i], x), (-1 / t[i], denoised));
            int order = t[i + 1] == 0 ? 1 : Math.Min(Math.Min(i + 1, max), o.LowerOrderFinal ? steps - i : max);
            var (c0, c1, c2) = DpmSolverEpsCoefficients(order, t, i);
            switch (order)
            {
                case 1: Combine(x, (1, x), (c0, e[0])); break;
                case 2: Combine(x, (1, x), (c0, e[0]), (c1, e[1])); break;
                default: Combine(x, (1, x), (c0, e[0]), (c1, e[1]), (c2, e[2])); break;
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, denoised));
        }
        return x.Share();
    }

    private static (double C0, double C1, double C2) DpmSolverEpsCoefficients(int order, ReadOnlySpan<double> t, int i)
    {
        double to = t[i + 1], whole = t[i] - to;
        if (order == 1)
            return (-whole, 0, 0);
        double h = Math.Log(t[i] / to), r0 = Math.Log(t[i - 1] / t[i]) / h;
        if (order == 2)
            return (-whole - whole / (2 * r0), whole / (2 * r0), 0);
        double r1 = Math.Log(t[i - 2] / t[i - 1]) / h;
        double phi2 = whole / to / h - 1, phi3 = phi2 / h - 0.5;
        double ofA = to * (phi2 * (1 + r0 / (r0 + r1)) + phi3 / (r0 + r1));
        double ofB = -to * (phi2 * r0 + phi3) / (r0 + r1);
        return (-whole - ofA / r0, ofA / r0 - ofB / r1, ofB / r1);
    }
}
