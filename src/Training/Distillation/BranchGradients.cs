using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Training.Distillation;

/// <summary>
/// The branches' gradients apart, compared on the trunk: all parameters but the last convolution, whose rows are one branch's
/// own. What a call leaves in the gradients' buffer, which it finds cleared, is ready for the optimizer.
/// </summary>
internal sealed class BranchGradients(INetwork student, TrajectoryObjective objective) : IDisposable
{
    private readonly Tensor _endpoint = student.Backend.Empty(student.Parameters.Values.Shape);
    private readonly Tensor _trunk = student.Backend.Empty(student.Parameters.Values.Shape);
    private readonly Tensor _other = student.Backend.Empty(student.Parameters.Values.Shape);
    private readonly Tensor _square = student.Backend.Empty(new Shape(1));

    private Backend Backend => student.Backend;

    private Tensor Gradients => student.Parameters.Gradients!;

    /// <summary>
    /// Gradient surgery (PCGrad, Yu et al. 2020, algorithm 1, one-sided): g_K of the endpoint's loss and g of all others' together; where
    /// they conflict on the trunk, g . g_K below 0, g loses its component along g_K: g - (g . g_K / |g_K|^2) g_K. The endpoint's gradient
    /// stays as it is. Two passes, forward and backward, instead of one.
    /// </summary>
    /// <param name="x0">As for <see cref="TrajectoryObjective.Accumulate"/>.</param>
    /// <param name="nodes">[N,K+1], or [K+1] for all samples.</param>
    /// <param name="weights">[N,K], or [K] for all samples.</param>
    /// <param name="targets">[K,N,H,W,C]</param>
    /// <param name="options">Dropout and labels.</param>
    /// <param name="endpoint">Overwritten with x_K.</param>
    public ObjectiveResult Project(Tensor x0, double[] nodes, double[] weights, Tensor targets, in ForwardOptions options, Tensor endpoint)
    {
        int k = objective.Branches;
        double[] last = [.. weights.Select((w, i) => i % k == k - 1 ? w : 0)],
            others = [.. weights.Select((w, i) => i % k == k - 1 ? 0 : w)];
        // Its endpoint is not wanted; asked for all the same, both passes are one and the same captured graph.
        using var unused = Backend.Empty(endpoint.Shape);
        double loss = objective.Accumulate(x0, nodes, last, targets, options, unused).Loss;
        Backend.Copy(Gradients, _endpoint);
        student.Parameters.ZeroGradients();
        var rest = objective.Accumulate(x0, nodes, others, targets, options, endpoint);

        double square = Trunk(_endpoint, _trunk);
        double dot = Dot(square, out _);
        float removed = dot < 0 && square > 0 ? (float)(-dot / square) : 0;
        Backend.LinearCombination([1f, 1f, removed], [Gradients, _endpoint, _trunk], Gradients);
        return rest with { Loss = rest.Loss + loss };
    }

    /// <summary>One pass a branch: leaves sum_b w_b g_b, as a single pass would, and tells cos(g_b, g_K) on the trunk.</summary>
    /// <param name="x0">As for <see cref="TrajectoryObjective.Accumulate"/>.</param>
    /// <param name="nodes">[K+1] for all samples.</param>
    /// <param name="weights">[K] for all samples.</param>
    /// <param name="targets">[K,N,H,W,C]</param>
    /// <param name="options">Dropout and labels.</param>
    /// <param name="endpoint">Overwritten with x_K.</param>
    /// <param name="cosines">[K-1], overwritten; 0 where a gradient is 0.</param>
    public ObjectiveResult Measure(Tensor x0, double[] nodes, double[] weights, Tensor targets, in ForwardOptions options, Tensor endpoint,
        Span<double> cosines)
    {
        int k = weights.Length;
        using var unused = Backend.Empty(endpoint.Shape);
        Branch(k - 1, options, unused);
        double square = Trunk(Gradients, _trunk);
        Backend.Scale(Gradients, (float)weights[^1], _endpoint);
        ObjectiveResult result = default;
        for (int b = 0; b < k - 1; b++)
        {
            student.Parameters.ZeroGradients();
            result = Branch(b, options, b == k - 2 ? endpoint : unused);
            double dot = Dot(square, out double own);
            cosines[b] = square > 0 && own > 0 ? dot / Math.Sqrt(square * own) : 0;
            Backend.LinearCombination([1f, (float)weights[b]], [_endpoint, Gradients], _endpoint);
        }
        Backend.Copy(_endpoint, Gradients);
        return result with { Loss = result.Branches.Zip(weights, (l, w) => l * w).Sum() };

        ObjectiveResult Branch(int b, in ForwardOptions o, Tensor end)
        {
            var one = new double[k];
            one[b] = 1;
            return objective.Accumulate(x0, nodes, one, targets, o, end);
        }
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        _trunk.Dispose();
        _other.Dispose();
        _square.Dispose();
    }

    /// <summary>g . g_K on the trunk, g being the gradients and g_K in <see cref="_trunk"/>: (|g + g_K|^2 - |g|^2 - |g_K|^2) / 2.</summary>
    private double Dot(double square, out double own)
    {
        own = Trunk(Gradients, _other);
        Backend.LinearCombination([1f, 1f], [_other, _trunk], _other);
        return (Square(_other) - own - square) / 2;
    }

    /// <summary>A copy without the head's part, and its square.</summary>
    private double Trunk(Tensor gradients, Tensor trunk)
    {
        Backend.Copy(gradients, trunk);
        foreach (var head in new[] { student.HeadWeight, student.HeadBias })
        {
            using var window = trunk.View(head.Offset, head.Shape);
            Backend.Fill(window, 0);
        }
        return Square(trunk);
    }

    private double Square(Tensor x)
    {
        Backend.SumOfSquares(x, _square);
        Span<float> value = stackalloc float[1];
        _square.Download(value);
        return value[0];
    }
}
