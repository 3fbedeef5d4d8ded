using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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
    /// <param name="x">As many tensors of one length; each may be BF16.</param>
    /// <param name="y">Of the same length, overwritten; may be BF16.</param>
    public void LinearCombination(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        Require(c.Length == x.Length && c.Length is >= 1 and <= MaxTerms,
            $"{c.Length} coefficients for {x.Length} tensors; 1 to {MaxTerms} of each");
        ExpectActivation(y, y.Shape);
        long bytes = 0;
        foreach (var term in x)
        {
            ExpectActivation(term, y.Shape, "a term");
            bytes += term.Bytes;
        }
        Report(new OpCost(bytes, y.Bytes, (2L * c.Length - 1) * y.Length));
        Writes(y);
        if (!Computes)
            return;
        Terms terms = default;
        using var t = Operands(nameof(LinearCombination), terms.Of(x, y));
        for (int j = 0; j < x.Length; j++)
            terms[j] = t.Read(x[j]);
        LinearCombinationCore(c, terms.First(x.Length), t.Write(y));
        t.Store();
    }

    /// <summary>
    /// y[n,e] = sum_j c[n,j] x_j[n,e]: as <see cref="LinearCombination"/>, with coefficients of each sample's own. Preconditioning
    /// (D = c_skip x + c_out F, Karras et al. 2022, eq. 7), noising (alpha x + sigma eps) and steps at mixed times.
    /// </summary>
    /// <param name="c">[N,J] on the device, J = 1 to 8.</param>
    /// <param name="x">J tensors of [N,E]; each may be BF16.</param>
    /// <param name="y">[N,E], overwritten; may be one of the x, or BF16.</param>
    public void LinearCombinationPerSample(Tensor c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        int terms = c.Shape.Rank == 2 ? c.Shape[1] : 0;
        Require(terms == x.Length && terms is >= 1 and <= MaxTerms,
            $"coefficients {c.Shape} for {x.Length} tensors; 1 to {MaxTerms} of them");
        Require(c.Shape[0] > 0 && y.Length % c.Shape[0] == 0, $"{y.Shape} does not divide into {c.Shape[0]} samples");
        Expect(c, c.Shape);
        ExpectActivation(y, y.Shape);
        long bytes = c.Bytes;
        foreach (var term in x)
        {
            ExpectActivation(term, y.Shape, "a term");
            bytes += term.Bytes;
        }
        Report(new OpCost(bytes, y.Bytes, (2L * terms - 1) * y.Length));
        Writes(y);
        if (!Computes)
            return;
        Terms read = default;
        using var t = Operands(nameof(LinearCombinationPerSample), read.Of(x, y));
        for (int j = 0; j < x.Length; j++)
            read[j] = t.Read(x[j]);
        LinearCombinationPerSampleCore(c, read.First(x.Length), t.Write(y));
        t.Store();
    }

    /// <summary>y = a + b.</summary>
    public void Add(Tensor a, Tensor b, Tensor y) => LinearCombination([1f, 1f], [a, b], y);

    /// <summary>y = factor * x.</summary>
    public void Scale(Tensor x, float factor, Tensor y) => LinearCombination([factor], [x], y);

    /// <summary>y = x.</summary>
    public void Copy(Tensor x, Tensor y) => LinearCombination([1f], [x], y);

    /// <summary>The terms of a call, and the result behind them.</summary>
    [InlineArray(MaxTerms + 1)]
    private struct Terms
    {
        private Tensor? _first;

        /// <summary>All operands.</summary>
        [UnscopedRef]
        public ReadOnlySpan<Tensor?> Of(ReadOnlySpan<Tensor> x, Tensor y)
        {
            for (int j = 0; j < x.Length; j++)
                this[j] = x[j];
            this[x.Length] = y;
            return this[..(x.Length + 1)];
        }

        [UnscopedRef]
        public ReadOnlySpan<Tensor> First(int count) => this[..count]!;
    }

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
