using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>DPM-Solver++(2M). Lu et al. 2022b, algorithm 2; one evaluation a step.</summary>
    public static Tensor DpmSolverPlusPlus2M(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        DpmSolverPlusPlus(2, 1, denoise, x, t, o);

    /// <summary>
    /// DPM-Solver++(3M) as its authors' code has it and everyone uses it, the teacher of SFD. Lu et al. 2022b, appendix B; one
    /// evaluation a step.
    /// </summary>
    /// <remarks>
    /// B estimates h^2 D'' / 2, while the expansion's third term is -phi3 h^2 D'': the published update has half of it. So it is of
    /// order 2 in the limit of many steps, though at few steps, where it is used, it behaves as one of order 3 does.
    /// <see cref="DpmSolverPlusPlus3MExact"/> has the whole term.
    /// </remarks>
    public static Tensor DpmSolverPlusPlus3M(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        DpmSolverPlusPlus(3, 1, denoise, x, t, o);

    /// <summary>
    /// DPM-Solver++(3M) with the third term of the Taylor expansion in full, -2 phi3 B: of order 3. One evaluation a step.
    /// </summary>
    public static Tensor DpmSolverPlusPlus3MExact(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        DpmSolverPlusPlus(3, 2, denoise, x, t, o);

    /// <summary>
    /// The multistep method in data prediction. Lambda = -ln t, h = lambda' - lambda, phi1 = e^-h - 1, phi2 = phi1 / h + 1,
    /// phi3 = phi2 / h - 1/2, r_k = h_k / h with h_0, h_1 the steps before; D_0, D_1, D_2 the predictions, newest first:
    /// order 1: x' = (t'/t) x - phi1 D_0;
    /// order 2: subtract phi1 / 2 (D_0 - D_1) / r_0 more;
    /// order 3: add phi2 A - curvature phi3 B to order 1, where a = (D_0 - D_1) / r_0, b = (D_1 - D_2) / r_1,
    /// A = a + r_0 / (r_0 + r_1) (a - b), B = (a - b) / (r_0 + r_1).
    /// The order rises from 1, and falls back to 1 at the end if <see cref="SolverOptions.LowerOrderFinal"/>; a step to 0 is of order 1.
    /// </summary>
    private static Tensor DpmSolverPlusPlus(int ownOrder, double curvature, Denoise denoise, Tensor x0, ReadOnlySpan<double> t,
        SolverOptions o)
    {
        int steps = t.Length - 1, max = o.Order > 0 ? Math.Min(o.Order, ownOrder) : ownOrder;
        using var x = Start(x0, t);
        using var d = new History(max);
        for (int i = 0; i < steps; i++)
        {
            d.Push(Evaluate(denoise, x, t[i], i, o));
            int order = t[i + 1] == 0 ? 1 : Math.Min(Math.Min(i + 1, max), o.LowerOrderFinal ? steps - i : max);
            var (c0, c1, c2) = DpmSolverPlusPlusCoefficients(order, curvature, t, i);
            switch (order)
            {
                case 1: Combine(x, (t[i + 1] / t[i], x), (c0, d[0])); break;
                case 2: Combine(x, (t[i + 1] / t[i], x), (c0, d[0]), (c1, d[1])); break;
                default: Combine(x, (t[i + 1] / t[i], x), (c0, d[0]), (c1, d[1]), (c2, d[2])); break;
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, d[0]));
        }
        return x.Share();
    }

    /// <summary>The weights of D_0, D_1 and D_2 in step <paramref name="i"/>: the formulas above, sorted by D.</summary>
    private static (double C0, double C1, double C2) DpmSolverPlusPlusCoefficients(int order, double curvature,
        ReadOnlySpan<double> t, int i)
    {
        double phi1 = t[i + 1] / t[i] - 1;
        if (order == 1)
            return (-phi1, 0, 0);
        double h = Math.Log(t[i] / t[i + 1]);
        double r0 = Math.Log(t[i - 1] / t[i]) / h;
        if (order == 2)
            return (-phi1 - phi1 / (2 * r0), phi1 / (2 * r0), 0);
        double r1 = Math.Log(t[i - 2] / t[i - 1]) / h;
        double phi2 = phi1 / h + 1, phi3 = curvature * (phi2 / h - 0.5);
        double ofA = phi2 * (1 + r0 / (r0 + r1)) - phi3 / (r0 + r1);
        double ofB = -phi2 * r0 / (r0 + r1) + phi3 / (r0 + r1);
        return (-phi1 + ofA / r0, -ofA / r0 + ofB / r1, -ofB / r1);
    }
}
