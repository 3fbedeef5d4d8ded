using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Training.Distillation;

/// <summary>
/// The branch states without the linear trajectory map: D_j = c_skip x_0 + c_out F_j for each head, then Euler (DDIM) steps
/// x_{j+1} = (sigma_{j+1}/sigma_j) x_j + (1 - sigma_{j+1}/sigma_j) D_j, chained, or each from x_0. Two launches a branch.
/// </summary>
public static class PlainStep
{
    /// <param name="layout">Chained or parallel.</param>
    /// <param name="config">Prediction and sigma_data.</param>
    /// <param name="s">Geometry.</param>
    /// <param name="x0">[N,Pixels,C]</param>
    /// <param name="heads">[N,Pixels,K*C]</param>
    /// <param name="nodes">[N,K+1], or [K+1] for all samples.</param>
    /// <param name="states">[K,N,Pixels,C], overwritten.</param>
    public static void States(BranchLayout layout, NetworkConfig config, in TrajectoryShape s, Tensor x0, Tensor heads,
        ReadOnlySpan<double> nodes, Tensor states)
    {
        var backend = x0.Backend;
        int k = s.Branches, n = s.N, own = nodes.Length == k + 1 ? 0 : k + 1;
        using var byHead = backend.Empty(new Shape(k, n * s.Pixels, s.C));
        if (k == 1)
        {
            backend.Copy(heads, byHead);
        }
        else
        {
            using var interleaved = heads.Reshape(new Shape(n * s.Pixels, k, s.C));
            backend.Transpose(interleaved, byHead);
        }
        using var precondition = backend.FromArray(Coefficients(nodes, own, n, (sigma, _) =>
        {
            var p = Preconditioning.At(config.Prediction, sigma, config.SigmaData);
            return (p.Skip, p.Out);
        }), new Shape(n, 2));
        for (int b = 1; b <= k; b++)
        {
            int from = layout == BranchLayout.Chained ? b - 1 : 0;
            using var step = backend.FromArray(Coefficients(nodes, own, n, (_, sigma) =>
            {
                double ratio = sigma[b] / sigma[from];
                return (ratio, 1 - ratio);
            }), new Shape(n, 2));
            using var d = byHead.View((b - 1) * s.State.Length, s.State);
            using var y = StateStep.StateOf(states, b - 1, s.State);
            using var x = from == 0 ? x0.Share() : StateStep.StateOf(states, from - 1, s.State);
            backend.LinearCombinationPerSample(precondition, [x0, d], d);
            backend.LinearCombinationPerSample(step, [x, d], y);
        }
    }

    private delegate (double First, double Second) Pair(double start, ReadOnlySpan<double> nodes);

    private static float[] Coefficients(ReadOnlySpan<double> nodes, int stride, int n, Pair pair)
    {
        var c = new float[2 * n];
        for (int i = 0; i < n; i++)
        {
            var own = stride == 0 ? nodes : nodes.Slice(i * stride, stride);
            var (first, second) = pair(own[0], own);
            (c[2 * i], c[2 * i + 1]) = ((float)first, (float)second);
        }
        return c;
    }
}
