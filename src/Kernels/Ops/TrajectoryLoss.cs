using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>The distance rho between a branch state and its target, elementwise.</summary>
public enum Distance
{
    /// <summary>|d|; derivative sign(d), 0 at 0.</summary>
    L1,

    /// <summary>d^2; derivative 2d.</summary>
    L2,

    /// <summary>sqrt(d^2 + delta^2) - delta; derivative d / sqrt(d^2 + delta^2).</summary>
    PseudoHuber,
}

/// <summary>Geometry of the linear trajectory map and its loss.</summary>
/// <param name="N">Batch.</param>
/// <param name="Pixels">H * W.</param>
/// <param name="C">Channels of a state.</param>
/// <param name="Branches">K, 1 to 8.</param>
public readonly record struct TrajectoryShape(int N, int Pixels, int C, int Branches)
{
    /// <summary>[N,Pixels,C]</summary>
    public Shape State => new(N, Pixels, C);

    /// <summary>[N,Pixels,K*C], branch-major: the C channels of head 0, then those of head 1, ...</summary>
    public Shape Heads => new(N, Pixels, Branches * C);

    /// <summary>[K,N,Pixels,C]: one whole state after the other, so that a solver can write each as a view.</summary>
    public Shape States => new(Branches, N, Pixels, C);

    /// <summary>[N,K]</summary>
    public Shape PerBranch => new(N, Branches);

    /// <summary>[N,K,K]: row b holds the coefficients of state x_{b+1}.</summary>
    public Shape Map => new(N, Branches, Branches);

    /// <summary>[1+K]: the loss, then each branch's unweighted sum of rho.</summary>
    public Shape Losses => new(1 + Branches);
}

/// <summary>
/// The linear trajectory map. Every student evaluates its network once, at (x_0, t_0), and gets K heads F_0..F_{K-1}; its branch
/// states are linear in them: x_b = S_b x_0 + sum_j M[b,j] F_j, b = 1..K. Chained Euler steps (B-DENSE on SFD) make M lower
/// triangular, parallel branches (B-DENSE on progressive distillation) diagonal, K = 1 is plain SFD, plain progressive
/// distillation, and denoising score matching itself (S = c_skip, M = c_out).
/// </summary>
public abstract partial class Backend
{
    /// <summary>Most branches.</summary>
    public const int MaxBranches = 8;

    /// <summary>
    /// The fused dense-trajectory loss and its gradient, in one pass over the data:
    /// d_b = S[n,b] x_0 + sum_j M[n,b,j] F_j - y_b;
    /// losses[0] = sum_n sum_b W[n,b] sum_e rho(d_b); losses[1+b] = sum_n sum_e rho(d_b);
    /// dF_j = sum_b W[n,b] rho'(d_b) M[n,b,j].
    /// Weights carry all normalisation (1/N, 1/elements, lambda(t), branch weight), so nothing is divided here.
    /// </summary>
    /// <remarks>Moves (1 + 3K) * 4 bytes per state element: x_0, K heads and K targets read, K gradients written.</remarks>
    /// <param name="s">Geometry.</param>
    /// <param name="rho">Distance.</param>
    /// <param name="delta">Of the pseudo-Huber distance, above 0; ignored by the others.</param>
    /// <param name="x0">[N,Pixels,C]</param>
    /// <param name="heads">[N,Pixels,K*C]</param>
    /// <param name="targets">[K,N,Pixels,C]</param>
    /// <param name="skip">S: [N,K]</param>
    /// <param name="map">M: [N,K,K]</param>
    /// <param name="weights">W: [N,K]</param>
    /// <param name="dheads">[N,Pixels,K*C], overwritten: the gradient of losses[0].</param>
    /// <param name="losses">[1+K], overwritten; sums in a fixed order.</param>
    public void TrajectoryLoss(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads, Tensor targets,
        Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses)
    {
        CheckTrajectory(s, x0, heads, skip, map);
        Require(rho != Distance.PseudoHuber || delta > 0, $"pseudo-Huber needs a delta above 0, not {delta}");
        Expect(targets, s.States);
        Expect(weights, s.PerBranch);
        Expect(dheads, s.Heads);
        Expect(losses, s.Losses);
        long e = x0.Length, k = s.Branches;
        Report(OpCost.Of((1 + 2 * k) * e, k * e, e * (2 * k * k * 2 + 6 * k)));
        Writes(dheads);
        Writes(losses);
        if (Computes)
            TrajectoryLossCore(s, rho, delta, x0, heads, targets, skip, map, weights, dheads, losses);
    }

    /// <summary>
    /// The states themselves: states[b] = S[n,b] x_0 + sum_j M[n,b,j] F_j. Sampling with K heads, and the unfused loss's first part.
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="x0">[N,Pixels,C]</param>
    /// <param name="heads">[N,Pixels,K*C]</param>
    /// <param name="skip">S: [N,K]</param>
    /// <param name="map">M: [N,K,K]</param>
    /// <param name="states">[K,N,Pixels,C], overwritten.</param>
    public void TrajectoryStates(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map, Tensor states)
    {
        CheckTrajectory(s, x0, heads, skip, map);
        Expect(states, s.States);
        long e = x0.Length, k = s.Branches;
        Report(OpCost.Of((1 + k) * e, k * e, e * k * (2 * k + 1)));
        Writes(states);
        if (Computes)
            TrajectoryStatesCore(s, x0, heads, skip, map, states);
    }

    /// <summary>Gradient of <see cref="TrajectoryStates"/>: dF_j = sum_b M[n,b,j] dstates[b], overwritten.</summary>
    public void TrajectoryStatesBackward(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads)
    {
        Require(s.Branches is >= 1 and <= MaxBranches, $"{s.Branches} branches; 1 to {MaxBranches} are possible");
        Expect(dstates, s.States);
        Expect(map, s.Map);
        Expect(dheads, s.Heads);
        long e = s.State.Length, k = s.Branches;
        Report(OpCost.Of(k * e, k * e, e * k * 2 * k));
        Writes(dheads);
        if (Computes)
            TrajectoryStatesBackwardCore(s, dstates, map, dheads);
    }

    private protected abstract void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads,
        Tensor targets,
        Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses);

    private protected abstract void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map,
        Tensor states);

    private protected abstract void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads);

    private void CheckTrajectory(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map, [CallerMemberName] string op = "")
    {
        Require(s.Branches is >= 1 and <= MaxBranches, $"{s.Branches} branches; 1 to {MaxBranches} are possible", op);
        Expect(x0, s.State, op: op);
        Expect(heads, s.Heads, op: op);
        Expect(skip, s.PerBranch, op: op);
        Expect(map, s.Map, op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> TrajectoryLossByName()
    {
        string[] extents = ["N", "SIZE", "C", "BRANCHES"];
        yield return new("trajectory-loss", extents, [32, 32, 3, 4], (t, e) =>
        {
            var s = new TrajectoryShape(e[0], e[1] * e[1], e[2], e[3]);
            Tensor x0 = t.Normal(s.State), heads = t.Normal(s.Heads), targets = t.Normal(s.States), skip = t.Normal(s.PerBranch),
                map = t.Normal(s.Map), weights = t.Uniform(s.PerBranch),
                dheads = t.Empty(s.Heads), losses = t.Empty(s.Losses);
            return [new("forward",
                () => t.Backend.TrajectoryLoss(s, Distance.L2, 1f, x0, heads, targets, skip, map, weights, dheads, losses))];
        });
        yield return new("trajectory-states", extents, [32, 32, 3, 4], (t, e) =>
        {
            var s = new TrajectoryShape(e[0], e[1] * e[1], e[2], e[3]);
            Tensor x0 = t.Normal(s.State), heads = t.Normal(s.Heads), skip = t.Normal(s.PerBranch), map = t.Normal(s.Map),
                states = t.Empty(s.States), dheads = t.Empty(s.Heads);
            return
            [
                new("forward", () => t.Backend.TrajectoryStates(s, x0, heads, skip, map, states)),
                new("backward", () => t.Backend.TrajectoryStatesBackward(s, states, map, dheads)),
            ];
        });
    }
}
