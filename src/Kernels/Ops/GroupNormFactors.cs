using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// Group normalisation as a scale and a shift of each channel, for whoever reads x next: factors[n,c] = a = rstd_g gamma (1 + scale),
    /// factors[n,C+c] = b = (beta - mean_g rstd_g gamma)(1 + scale) + shift, so that <see cref="GroupNorm"/> is a x + b. Only x is read.
    /// </summary>
    /// <remarks>Where |mean| is far above the deviation, a x + b cancels: relative to y the error is |mean| rstd times float32's.</remarks>
    /// <param name="s">Geometry; SiLU is not asked about.</param>
    /// <param name="x">[N,Pixels,C]; may be BF16.</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="scaleShift">[N,2C], as in <see cref="GroupNorm"/>; or none.</param>
    /// <param name="factors">[N,2C], overwritten.</param>
    /// <param name="stats">[N,Groups,2]: mean and rstd of each group, for <see cref="GroupNormBackward"/>.</param>
    /// <param name="moments">[N,Pixels/16,C]: those of x (<see cref="Moments"/>), which is not read then; or none.</param>
    public void GroupNormFactors(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor factors, Tensor stats,
        Tensor? moments = null)
    {
        CheckGroupNorm(s, x, gamma, scaleShift, stats);
        CheckMoments(s, moments);
        Expect(beta, new Shape(s.C));
        Expect(factors, s.ScaleShift);
        Report(new OpCost(moments?.Bytes ?? x.Bytes, factors.Bytes + stats.Bytes, 4L * (moments?.Length ?? x.Length)));
        Writes(factors);
        Writes(stats);
        if (!Computes)
            return;
        using var t = Operands(nameof(GroupNormFactors), x);
        GroupNormFactorsCore(s, moments is null ? t.Read(x) : x, gamma, beta, scaleShift, factors, stats, moments);
    }

    /// <summary>With moments x is not to be read; it may be BF16 then.</summary>
    private protected abstract void GroupNormFactorsCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift,
        Tensor factors, Tensor stats, Tensor? moments);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> GroupNormFactorsByName()
    {
        string[] extents = ["N", "SIZE", "C", "GROUPS"];
        yield return new("group-norm-factors", extents, [4, 16, 64, 16], (t, e) =>
        {
            var s = new GroupNormShape(e[0], e[1] * e[1], e[2], e[3], 1e-5f, false);
            Tensor x = t.Normal(s.Activation), gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), factors = t.Empty(s.ScaleShift),
                stats = t.Empty(s.Stats);
            return [new("forward", () => t.Backend.GroupNormFactors(s, x, gamma, beta, null, factors, stats))];
        });
    }
}
