using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// y[j,i,e] = x[i,j,e]: rows and columns of blocks change places. Packed heads [N*Tokens,3*Heads,HeadSize] become matrices
    /// [3*Heads,N*Tokens,HeadSize] that <see cref="MatMul"/> takes. Its own inverse and gradient with rows and columns swapped.
    /// </summary>
    /// <param name="x">[Rows,Columns,Block]; may be BF16.</param>
    /// <param name="y">[Columns,Rows,Block], overwritten; not x; may be BF16.</param>
    public void Transpose(Tensor x, Tensor y)
    {
        Require(x.Shape.Rank == 3, $"a transposition is of rows, columns and blocks, not of {x.Shape}");
        ExpectActivation(x, x.Shape);
        ExpectActivation(y, new Shape(x.Shape[1], x.Shape[0], x.Shape[2]));
        Report(new OpCost(x.Bytes, y.Bytes, 0));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Transpose), x, y);
        TransposeCore(t.Read(x), t.Write(y));
        t.Store();
    }

    private protected abstract void TransposeCore(Tensor x, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> TransposeByName()
    {
        yield return new("transpose", ["ROWS", "COLUMNS", "BLOCK"], [256, 256, 4], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1], e[2])), y = t.Empty(new(e[1], e[0], e[2]));
            return [new("forward", () => t.Backend.Transpose(x, y))];
        });
    }
}
