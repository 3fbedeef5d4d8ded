using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>Most states that one linear combination takes.</summary>
    public const int MaxTerms = 8;

    /// <summary>
    /// y = sum_j c_j x_j, elementwise, in one pass: a solver step over up to eight states, and with one or two terms copy, scale, add
    /// and the residual sum with its skip scale. Terms are added in the order given. y may be one of the x.
    /// </summary>
    /// <param name="c">1 to 8 coefficients.</param>
    /// <param name="x">As many tensors of one length.</param>
    /// <param name="y">Of the same length, overwritten.</param>
    public void LinearCombination(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        Require(c.Length == x.Length && c.Length is >= 1 and <= MaxTerms,
            $"{c.Length} coefficients for {x.Length} tensors; 1 to {MaxTerms} of each");
        Expect(y, y.Shape);
        foreach (var term in x)
            Expect(term, y.Shape, "a term");
        Report(OpCost.Of((long)c.Length * y.Length, y.Length, (2L * c.Length - 1) * y.Length));
        Writes(y);
        if (Computes)
            LinearCombinationCore(c, x, y);
    }

    /// <summary>
    /// y[n,e] = sum_j c[n,j] x_j[n,e]: as <see cref="LinearCombination"/>, with coefficients of each sample's own. Preconditioning
    /// (D = c_skip x + c_out F, Karras et al. 2022, eq. 7), noising (alpha x + sigma eps) and steps at mixed times.
    /// </summary>
    /// <param name="c">[N,J] on the device, J = 1 to 8.</param>
    /// <param name="x">J tensors of [N,E].</param>
    /// <param name="y">[N,E], overwritten; may be one of the x.</param>
    public void LinearCombinationPerSample(Tensor c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        int terms = c.Shape.Rank == 2 ? c.Shape[1] : 0;
        Require(terms == x.Length && terms is >= 1 and <= MaxTerms,
            $"coefficients {c.Shape} for {x.Length} tensors; 1 to {MaxTerms} of them");
        Require(c.Shape[0] > 0 && y.Length % c.Shape[0] == 0, $"{y.Shape} does not divide into {c.Shape[0]} samples");
        Expect(c, c.Shape);
        Expect(y, y.Shape);
        foreach (var term in x)
            Expect(term, y.Shape, "a term");
        Report(OpCost.Of((long)terms * y.Length + c.Length, y.Length, (2L * terms - 1) * y.Length));
        Writes(y);
        if (Computes)
            LinearCombinationPerSampleCore(c, x, y);
    }

    /// <summary>y = a + b.</summary>
    public void Add(Tensor a, Tensor b, Tensor y) => LinearCombination([1f, 1f], [a, b], y);

    /// <summary>y = factor * x.</summary>
    public void Scale(Tensor x, float factor, Tensor y) => LinearCombination([factor], [x], y);

    /// <summary>y = x.</summary>
    public void Copy(Tensor x, Tensor y) => LinearCombination([1f], [x], y);

    private protected abstract void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y);

    private protected abstract void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> LinearCombinationByName()
    {
        yield return OperationCatalog.OneToOne("copy", (b, x, y) => b.Copy(x, y));
        yield return new("linear-combination", ["LENGTH", "TERMS"], [OperationCatalog.UsualLength, 4], (t, e) =>
        {
            float[] coefficients = [.. Enumerable.Range(1, e[1]).Select(j => 1f / j)];
            Tensor[] terms = [.. coefficients.Select(_ => t.Normal(new(e[0])))];
            Tensor y = t.Empty(new(e[0]));
            return [new("forward", () => t.Backend.LinearCombination(coefficients, terms, y))];
        });
        yield return new("linear-combination-per-sample", ["N", "LENGTH", "TERMS"], [64, OperationCatalog.UsualLength / 64, 2], (t, e) =>
        {
            Tensor[] terms = [.. Enumerable.Range(0, e[2]).Select(_ => t.Normal(new(e[0], e[1])))];
            Tensor coefficients = t.Normal(new(e[0], e[2])), y = t.Empty(new(e[0], e[1]));
            return [new("forward", () => t.Backend.LinearCombinationPerSample(coefficients, terms, y))];
        });
    }
}
