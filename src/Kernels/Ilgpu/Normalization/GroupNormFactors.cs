using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void GroupNormFactorsCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift,
        Tensor factors, Tensor stats, Tensor? moments)
    {
        if (x.Length == 0)
            return;
        var g = GroupNormStats(s, x, scaleShift, stats, moments);
        Launch(GroupNormFactorsKernel, s.N * s.C, g, View(stats), View(gamma), View(beta), View(scaleShift ?? gamma), View(factors));
    }

    /// <summary>
    /// factors[n,c] = rstd gamma (1 + scale), factors[n,C+c] = (beta - mean rstd gamma)(1 + scale) + shift. One thread for each (n, c).
    /// </summary>
    [Kernel(64)]
    internal static void GroupNormFactorsKernel(Index1D i, GroupNormGeometry g, ArrayView<float> stats, ArrayView<float> gamma,
        ArrayView<float> beta,
        ArrayView<float> scaleShift, ArrayView<float> factors)
    {
        int n = i / g.C;
        int c = i - n * g.C;
        int at = 2 * (n * g.Groups + c / g.GroupChannels);
        float scale = g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f;
        float shift = g.HasScaleShift != 0 ? scaleShift[(2 * n + 1) * g.C + c] : 0f;
        float a = stats[at + 1] * gamma[c];
        factors[2 * n * g.C + c] = a * (1f + scale);
        factors[(2 * n + 1) * g.C + c] = (beta[c] - stats[at] * a) * (1f + scale) + shift;
    }
}
