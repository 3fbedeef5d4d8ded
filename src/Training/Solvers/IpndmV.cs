using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// iPNDM_v as published (Zhou et al. 2024, AMED, and its authors' code, diff-sampler): Adams-Bashforth of variable steps on
    /// d = (x - D) / t, order rising from 1 to 4, with the weights of <see cref="IpndmVWeights"/>. One evaluation a step.
    /// </summary>
    /// <remarks>
    /// Orders 1 and 2 are those of <see cref="AdamsBashforthOfSteps"/>. At order 3 a pair of parentheses stands elsewhere than in the
    /// derivation; at order 4 a sign and a ratio differ as well, so that its weights sum to 1 on even steps alone. It is here because
    /// published figures are made with it.
    /// </remarks>
    public static Tensor IpndmV(Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o) =>
        LinearMultistep((t, i, slopes) => OfStep(t, i, IpndmVWeights(t, i, slopes)), denoise, x0, t, o);

    /// <summary>
    /// Weights of d_0, d_1, .. in step <paramref name="i"/>, newest first. With h the step, h1, h2, h3 those before it, r = h1 / h2 and
    /// s = h1 (h1 + h2) / (h2 (h2 + h3)): order 2 adds a = h / (2 h1) of the first difference to Euler's, order 3 e3 of the second, order 4
    /// e4 of the third. As published
    /// e3 = (1 - h / (3 (h + h1)) q) / 2 with q = h (h + h1) / (h1 (h1 + h2)); exact is (1 - h / (3 (h + h1))) q / 2;
    /// e4 = ((1 - h / (3 (h + h1))) / 2 + (1 - h / (2 (h + h1))) h / (6 (h + h1 + h2))) Q; exact is the same with a minus;
    /// and the last weight is -s r e4; exact is -s h2 / h3 e4.
    /// </summary>
    internal static double[] IpndmVWeights(ReadOnlySpan<double> t, int i, int order)
    {
        if (order == 1)
            return [1];
        double h = t[i + 1] - t[i], h1 = t[i] - t[i - 1], a = h / h1 / 2;
        if (order == 2)
            return [1 + a, -a];
        double h2 = t[i - 1] - t[i - 2], r = h1 / h2;
        double e3 = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2;
        if (order == 3)
            return [1 + a + e3, -a - (1 + r) * e3, r * e3];
        double h3 = t[i - 2] - t[i - 3], s = h1 * (h1 + h2) / (h2 * (h2 + h3));
        double e4 = ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2)))
            * (h * (h + h1) * (h + h1 + h2)) / (h1 * (h1 + h2) * (h1 + h2 + h3));
        return [1 + a + e3 + e4, -a - (1 + r) * e3 - (1 + r + s) * e4, r * e3 + (r + s * (1 + h2 / h3)) * e4, -s * r * e4];
    }
}
