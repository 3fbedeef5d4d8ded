using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y[r,c] = exp(x[r,c] - max_c x[r,c]) / sum_c exp(x[r,c] - max_c x[r,c]). y may be x.</summary>
    /// <remarks>
    /// Attention without its fused kernel: scores, this, values. Moves 8 bytes an element where a row stays in the cache.
    /// </remarks>
    /// <param name="x">[Rows,Columns]; may be BF16.</param>
    /// <param name="y">As x, overwritten; may be BF16.</param>
    public void Softmax(Tensor x, Tensor y)
    {
        Require(x.Shape.Rank == 2, $"softmax is over the columns of a matrix, not of {x.Shape}");
        ExpectActivation(x, x.Shape);
        ExpectActivation(y, x.Shape);
        Report(new OpCost(x.Bytes, y.Bytes, 5L * x.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Softmax), x, y);
        SoftmaxCore(t.Read(x), t.Write(y));
        t.Store();
    }

    /// <summary>dx[r,c] = y[r,c] (dy[r,c] - sum_c dy[r,c] y[r,c]). dx may be dy.</summary>
    /// <param name="dy">[Rows,Columns]; may be BF16.</param>
    /// <param name="y">[Rows,Columns] of the forward pass; may be BF16.</param>
    /// <param name="dx">[Rows,Columns], overwritten; may be BF16.</param>
    public void SoftmaxBackward(Tensor dy, Tensor y, Tensor dx)
    {
        Require(y.Shape.Rank == 2, $"softmax is over the columns of a matrix, not of {y.Shape}");
        ExpectActivation(y, y.Shape);
        ExpectActivation(dy, y.Shape);
        ExpectActivation(dx, y.Shape);
        Report(new OpCost(dy.Bytes + y.Bytes, dx.Bytes, 4L * y.Length));
        Writes(dx);
        if (!Computes)
            return;
        using var t = Operands(nameof(SoftmaxBackward), dy, y, dx);
        SoftmaxBackwardCore(t.Read(dy), t.Read(y), t.Write(dx));
        t.Store();
    }

    private protected abstract void SoftmaxCore(Tensor x, Tensor y);

    private protected abstract void SoftmaxBackwardCore(Tensor dy, Tensor y, Tensor dx);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> SoftmaxByName()
    {
        yield return new("softmax", ["ROWS", "COLUMNS"], [512, 256], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1])), y = t.Empty(x.Shape), dy = t.Normal(x.Shape), dx = t.Empty(x.Shape);
            return [new("forward", () => t.Backend.Softmax(x, y)), new("backward", () => t.Backend.SoftmaxBackward(dy, y, dx))];
        });
    }
}
