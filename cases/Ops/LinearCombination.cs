using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Sums of multiples of tensors: solvers' steps, copies, additions.</summary>
public static class LinearCombinationCases
{
    /// <summary>Elements of a copy that no GPU's caches hold.</summary>
    public const int HugeCopy = 1 << 26;

    /// <summary>Elements of 4,096 images of 32x32 in a solver's step: what benchmarks time on GPUs, of four terms.</summary>
    public const int HugeStep = 4096 * 32 * 32 * 3;

    private static readonly float[] Coefficients = [0.5f, -1.25f, 3f, 0.1f, -0.7f, 2.2f, 1f, -0.01f];

    private static double[] Sum(Func<int, int, double> coefficient, double[][] x, int samples)
    {
        var y = new double[x[0].Length];
        for (int i = 0; i < y.Length; i++)
            for (int j = 0; j < x.Length; j++)
                y[i] += coefficient(i / (y.Length / samples), j) * x[j][i];
        return y;
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (length, size) in new[] { (1, CaseSize.Tiny), (67, CaseSize.Tiny), (100_003, CaseSize.Small),
            (1 << 24, CaseSize.Large), (HugeStep, CaseSize.Huge), (HugeCopy, CaseSize.Huge) })
        {
            var shape = new Shape(length);
            for (int terms = 1; terms <= Backend.MaxTerms; terms++)
            {
                if (size >= CaseSize.Large && terms is not (1 or 2 or 4))
                    continue;
                int count = terms;
                Operand[] x = [.. Enumerable.Range(0, count).Select(j => In($"x{j}", shape))];
                yield return new("LinearCombination", $"{length} terms {count}", [.. x, Out("y", shape)],
                    (b, t) => b.LinearCombination(Coefficients.AsSpan(0, count), t.AsSpan(0, count), t[count]),
                    d => d[count] = Sum((_, j) => Coefficients[j], d[..count], 1))
                { Size = size, Tolerance = Tolerance.Tight, Setting = Coefficients[..count] };
            }
            yield return new("Copy", $"{length}", [In("x", shape), Out("y", shape)],
                (b, t) => b.Copy(t[0], t[1]), d => d[1] = d[0])
            { Size = size, Tolerance = Tolerance.Exact, Setting = new[] { 1f } };
            if (size == CaseSize.Huge)
                continue;
            yield return new("Add", $"{length}", [In("a", shape), In("b", shape), Out("y", shape)],
                (b, t) => b.Add(t[0], t[1], t[2]), d => d[2] = Sum((_, _) => 1, d[..2], 1))
            { Size = size, Tolerance = Tolerance.Tight, Setting = new[] { 1f, 1f } };
            yield return new("Scale", $"{length}", [In("x", shape), Out("y", shape)],
                (b, t) => b.Scale(t[0], -0.25f, t[1]), d => d[1] = Sum((_, _) => -0.25, d[..1], 1))
            { Size = size, Tolerance = Tolerance.Exact, Setting = new[] { -0.25f } };
            if (size == CaseSize.Large)
                continue;
            foreach (int place in new[] { 0, 2 })
            {
                Operand[] x = [.. Enumerable.Range(0, 3).Select(j => j == place ? InOut($"x{j}", shape) : In($"x{j}", shape))];
                yield return new("LinearCombination", $"{length} terms 3 into x{place}", x,
                    (b, t) => b.LinearCombination(Coefficients.AsSpan(0, 3), t, t[place]),
                    d => d[place] = Sum((_, j) => Coefficients[j], d, 1))
                { Size = size, Tolerance = Tolerance.Tight, Setting = Coefficients[..3] };
            }
            yield return new("Add", $"{length} onto itself", [InOut("a", shape)],
                (b, t) => b.Add(t[0], t[0], t[0]), d => d[0] = Sum((_, _) => 2, d, 1))
            { Size = size, Tolerance = Tolerance.Exact };
        }

        foreach (var (samples, elements, size) in new[] { (1, 1, CaseSize.Tiny), (3, 23, CaseSize.Tiny), (7, 769, CaseSize.Small),
            (16, 3072, CaseSize.Small), (64, 3072, CaseSize.Large) })
        {
            Shape shape = new(samples, elements);
            for (int terms = 1; terms <= Backend.MaxTerms; terms++)
            {
                int count = terms;
                Operand[] x = [.. Enumerable.Range(0, count).Select(j => In($"x{j}", shape))];
                yield return new("LinearCombinationPerSample", $"{samples}x{elements} terms {count}",
                    [.. x, In("c", new(samples, count)), Out("y", shape)],
                    (b, t) => b.LinearCombinationPerSample(t[count], t.AsSpan(0, count), t[count + 1]),
                    d => d[count + 1] = Sum((n, j) => d[count][n * count + j], d[..count], samples))
                { Size = size, Tolerance = Tolerance.Tight };
            }
            yield return new("LinearCombinationPerSample", $"{samples}x{elements} into x1",
                [In("x0", shape), InOut("x1", shape), In("c", new(samples, 2))],
                (b, t) => b.LinearCombinationPerSample(t[2], t.AsSpan(0, 2), t[1]),
                d => d[1] = Sum((n, j) => d[2][n * 2 + j], d[..2], samples))
            { Size = size, Tolerance = Tolerance.Tight };
        }
    }
}
