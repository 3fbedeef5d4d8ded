using BDense.Kernels;

namespace BDense.Training.Distillation;

/// <summary>
/// The dense-trajectory loss and its gradient as a composition of plain operations, as a framework without the fused kernel runs it:
/// states, differences, distances, sums, weights, derivatives, weights, gradient of the states.
/// </summary>
/// <remarks>Moves (1 + 17K) * 4 bytes an element where <see cref="Backend.TrajectoryLoss"/> moves (1 + 3K) * 4.</remarks>
public static class PlainTrajectoryLoss
{
    /// <summary>Arguments and results as those of <see cref="Backend.TrajectoryLoss"/>.</summary>
    /// <param name="s">Geometry.</param>
    /// <param name="rho">Distance.</param>
    /// <param name="delta">Of the pseudo-Huber distance.</param>
    /// <param name="x0">[N,Pixels,C]</param>
    /// <param name="heads">[N,Pixels,K*C]</param>
    /// <param name="targets">[K,N,Pixels,C]</param>
    /// <param name="skip">S: [N,K]</param>
    /// <param name="map">M: [N,K,K]</param>
    /// <param name="weights">W: [N,K]</param>
    /// <param name="dheads">[N,Pixels,K*C], overwritten.</param>
    /// <param name="losses">[1+K], overwritten.</param>
    /// <param name="branchByBranch">Elementwise operations once a branch, as a loop over branches does; else once over all of them,
    /// with the fused kernel's parallelism.</param>
    public static void Run(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads, Tensor targets,
        Tensor skip, Tensor map,
        Tensor weights, Tensor dheads, Tensor losses, bool branchByBranch = true)
    {
        var backend = x0.Backend;
        int k = s.Branches, n = s.N;
        using Tensor states = backend.Empty(s.States), distances = backend.Empty(s.States), weighted = backend.Empty(s.States);
        // [N,K] as [K,N], so that branch b's weights lie together.
        using var byBranch = backend.Empty(new Shape(k * n, 1));
        using var rows = weights.Reshape(new Shape(n, k, 1));
        backend.Transpose(rows, byBranch);

        backend.TrajectoryStates(s, x0, heads, skip, map, states);
        int parts = branchByBranch ? k : 1;
        for (int part = 0; part < parts; part++)
        {
            using Tensor x = Part(states, part, parts), y = Part(targets, part, parts), d = Part(distances, part, parts),
                v = Part(weighted, part, parts), w = byBranch.View(part * (k * n / parts), new Shape(k * n / parts, 1));
            backend.LinearCombination([1f, -1f], [x, y], x);
            backend.Rho(rho, delta, x, d);
            backend.LinearCombinationPerSample(w, [d], v);
            backend.RhoDerivative(rho, delta, x, x);
            backend.LinearCombinationPerSample(w, [x], x);
        }
        for (int b = 0; b < k; b++)
        {
            using Tensor d = Part(distances, b, k), sum = losses.View(1 + b, new Shape(1));
            backend.Sum(d, sum);
        }
        using (var total = losses.View(0, new Shape(1)))
            backend.Sum(weighted, total);
        backend.TrajectoryStatesBackward(s, states, map, dheads);
    }

    private static Tensor Part(Tensor all, int part, int parts) => all.View(part * (all.Length / parts), new Shape(all.Length / parts));
}
