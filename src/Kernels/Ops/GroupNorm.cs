using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>Geometry of a group normalisation, with the optional per-sample scale and shift and the optional SiLU.</summary>
/// <param name="N">Batch.</param>
/// <param name="Pixels">H * W.</param>
/// <param name="C">Channels, a multiple of <paramref name="Groups"/>.</param>
/// <param name="Groups">Groups of C / Groups consecutive channels.</param>
/// <param name="Epsilon">Added to the variance: 1e-6 (DDPM++), 1e-5 (ADM).</param>
/// <param name="Silu">Whether SiLU follows in the same pass.</param>
public readonly record struct GroupNormShape(int N, int Pixels, int C, int Groups, float Epsilon, bool Silu)
{
    /// <summary>[N,Pixels,C]</summary>
    public Shape Activation => new(N, Pixels, C);

    /// <summary>[N,Groups,2]: mean and 1/sqrt(variance + Epsilon) of each group.</summary>
    public Shape Stats => new(N, Groups, 2);

    /// <summary>[N,2C]: C scales, then C shifts, of each sample.</summary>
    public Shape ScaleShift => new(N, 2 * C);

    /// <summary>Of the input.</summary>
    public MomentsShape Moments => new(N, Pixels, C);

    /// <summary>Whether its groups are whole blocks of the input's moments.</summary>
    public bool TakesMoments => Moments.IsValid && C / Groups % MomentsShape.BlockChannels == 0;
}

public abstract partial class Backend
{
    /// <summary>
    /// xhat = (x - mean_g) * rstd_g, rstd_g = 1/sqrt(var_g + eps) over the pixels and channels of a group (population variance);
    /// u = xhat * gamma + beta; u = u * (1 + scale) + shift if given; y = u, or u * sigmoid(u) with SiLU. Wu and He 2018, eq. 1-2.
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="x">[N,Pixels,C]; may be BF16.</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="scaleShift">[N,2C]: C scales, then C shifts, of each sample (ADM's adaptive normalisation); or none.</param>
    /// <param name="y">[N,Pixels,C], overwritten; may be BF16.</param>
    /// <param name="stats">[N,Groups,2]: mean and rstd of each group, for the backward pass.</param>
    /// <param name="moments">[N,Pixels/16,C]: those of x (<see cref="Moments"/>), merged in a fixed order, so that x is not read for its
    /// statistics; or none.</param>
    public void GroupNorm(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor stats,
        Tensor? moments = null)
    {
        CheckGroupNorm(s, x, gamma, scaleShift, stats);
        CheckMoments(s, moments);
        Expect(beta, new Shape(s.C));
        ExpectActivation(y, s.Activation);
        Report(new OpCost(x.Bytes + (moments?.Bytes ?? 0), y.Bytes + stats.Bytes,
            (s.Silu ? 12L : 8L) * x.Length - (moments is null ? 0 : 4L * (x.Length - moments.Length))));
        Writes(y);
        Writes(stats);
        if (!Computes)
            return;
        using var t = Operands(nameof(GroupNorm), x, y);
        GroupNormCore(s, t.Read(x), gamma, beta, scaleShift, t.Write(y), stats, moments);
        t.Store();
    }

    /// <summary>
    /// With du = dy (through SiLU's derivative where fused), dxhat = du * (1 + scale) * gamma and m elements in a group:
    /// dx = rstd * (dxhat - mean_g(dxhat) - xhat * mean_g(dxhat * xhat)); dgamma += sum du (1 + scale) xhat;
    /// dbeta += sum du (1 + scale); dscale = sum_pixels du (xhat gamma + beta); dshift = sum_pixels du.
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="dy">[N,Pixels,C]; may be BF16.</param>
    /// <param name="x">[N,Pixels,C], may be BF16: the input is kept, xhat and u are computed again.</param>
    /// <param name="stats">[N,Groups,2] of the forward pass.</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="scaleShift">As in the forward pass.</param>
    /// <param name="dx">[N,Pixels,C], overwritten; may be BF16.</param>
    /// <param name="dgamma">[C], accumulated.</param>
    /// <param name="dbeta">[C], accumulated.</param>
    /// <param name="dscaleShift">[N,2C], overwritten; given if and only if <paramref name="scaleShift"/> is.</param>
    public void GroupNormBackward(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta, Tensor? scaleShift,
        Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift)
    {
        CheckGroupNorm(s, x, gamma, scaleShift, stats);
        ExpectActivation(dy, s.Activation);
        Expect(beta, new Shape(s.C));
        ExpectActivation(dx, s.Activation);
        Expect(dgamma, new Shape(s.C));
        Expect(dbeta, new Shape(s.C));
        Require(scaleShift is null == dscaleShift is null, "scale and shift have a gradient exactly if they are given");
        if (dscaleShift is not null)
            Expect(dscaleShift, s.ScaleShift);
        Report(new OpCost(dy.Bytes + x.Bytes, dx.Bytes, (s.Silu ? 24L : 16L) * x.Length));
        Writes(dx);
        Writes(dgamma);
        Writes(dbeta);
        Writes(dscaleShift);
        if (!Computes)
            return;
        using var t = Operands(nameof(GroupNormBackward), dy, x, dx);
        GroupNormBackwardCore(
            s, t.Read(dy), t.Read(x), stats, gamma, beta, scaleShift, t.Write(dx), dgamma, dbeta, dscaleShift);
        t.Store();
    }

    private protected abstract void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y,
        Tensor stats, Tensor? moments);

    private protected abstract void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta,
        Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift);

    private void CheckGroupNorm(in GroupNormShape s, Tensor x, Tensor gamma, Tensor? scaleShift, Tensor stats, [CallerMemberName]
    string op = "")
    {
        Require(s.Groups > 0 && s.C % s.Groups == 0, $"{s.C} channels do not divide into {s.Groups} groups", op);
        ExpectActivation(x, s.Activation, op: op);
        Expect(gamma, new Shape(s.C), op: op);
        Expect(stats, s.Stats, op: op);
        if (scaleShift is not null)
            Expect(scaleShift, s.ScaleShift, op: op);
    }

    private void CheckMoments(in GroupNormShape s, Tensor? moments, [CallerMemberName] string op = "")
    {
        if (moments is null)
            return;
        Require(s.TakesMoments, $"{s.Pixels} pixels of groups of {s.C / s.Groups} channels are not whole blocks of "
            + $"{MomentsShape.BlockPixels} pixels and {MomentsShape.BlockChannels} channels, whose moments are given", op);
        Expect(moments, s.Moments.Moments, op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> GroupNormByName()
    {
        string[] extents = ["N", "SIZE", "C", "GROUPS"];
        foreach (bool silu in new[] { false, true })
        {
            yield return new(silu ? "group-norm-silu" : "group-norm", extents, [4, 16, 64, 16], (t, e) =>
            {
                var s = new GroupNormShape(e[0], e[1] * e[1], e[2], e[3], 1e-5f, silu);
                Tensor x = t.Normal(s.Activation), gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), y = t.Empty(s.Activation),
                    stats = t.Empty(s.Stats), dy = t.Normal(s.Activation),
                    dx = t.Empty(s.Activation), dgamma = t.Zeros(new(s.C)), dbeta = t.Zeros(new(s.C));
                return
                [
                    new("forward", () => t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats)),
                    new("backward", () => t.Backend.GroupNormBackward(s, dy, x, stats, gamma, beta, null, dx, dgamma, dbeta, null)),
                ];
            });
        }
        yield return new("group-norm-moments", extents, [4, 16, 64, 16], (t, e) =>
        {
            var s = new GroupNormShape(e[0], e[1] * e[1], e[2], e[3], 1e-5f, true);
            Tensor x = t.Normal(s.Activation), gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), y = t.Empty(s.Activation),
                stats = t.Empty(s.Stats), moments = t.Empty(s.Moments.Moments);
            t.Backend.Moments(s.Moments, x, moments);
            return [new("forward", () => t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats, moments))];
        });
    }
}
