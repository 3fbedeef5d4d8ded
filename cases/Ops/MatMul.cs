using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Batched matrix products.</summary>
public static class MatMulCases
{
    /// <summary>c = alpha a b, or c += alpha a b.</summary>
    public sealed record Setting(MatMulShape Shape, float Alpha, bool Accumulate);

    /// <summary>What benchmarks time on CPUs.</summary>
    public static IReadOnlyList<MatMulShape> Large { get; } =
        [new(1, 256, 256, 256), new(1, 512, 512, 512), new(1, 1024, 1024, 1024), new(1, 64, 512, 128)];

    /// <summary>What benchmarks time on GPUs.</summary>
    public static IReadOnlyList<MatMulShape> Huge { get; } = [new(1, 4096, 4096, 4096)];

    /// <summary>c = alpha a b, or added to c.</summary>
    public static void Product(MatMulShape s, double[] a, double[] b, double[] c, double alpha, bool accumulate)
    {
        for (int batch = 0; batch < s.Batch; batch++)
            for (int m = 0; m < s.M; m++)
                for (int n = 0; n < s.N; n++)
                {
                    double sum = 0;
                    for (int k = 0; k < s.K; k++)
                        sum += a[batch * s.M * s.K + (s.TransA ? k * s.M + m : m * s.K + k)]
                            * b[batch * s.K * s.N + (s.TransB ? n * s.K + k : k * s.N + n)];
                    int at = (batch * s.M + m) * s.N + n;
                    c[at] = alpha * sum + (accumulate ? c[at] : 0);
                }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int Batch, int M, int N, int K, CaseSize Size)[] sizes =
        [
            (1, 1, 1, 1, CaseSize.Tiny), (2, 3, 5, 7, CaseSize.Tiny),
            (3, 17, 33, 65, CaseSize.Small), (1, 128, 96, 64, CaseSize.Small), (2, 64, 1, 100, CaseSize.Small),
            (1, 1, 130, 257, CaseSize.Small),
            .. Large.Select(s => (s.Batch, s.M, s.N, s.K, CaseSize.Large)), .. Huge.Select(s => (s.Batch, s.M, s.N, s.K, CaseSize.Huge)),
        ];
        return sizes.SelectMany(row => Of(row.Batch, row.M, row.N, row.K, row.Size));
    }

    /// <summary>Every transposition, plain, scaled and added to what is there.</summary>
    public static IEnumerable<OpCase> Of(int batch, int m, int n, int k, CaseSize size)
    {
        foreach (bool transA in new[] { false, true })
        {
            foreach (bool transB in new[] { false, true })
            {
                var s = new MatMulShape(batch, m, n, k, transA, transB);
                string label = $"{batch}x{m}x{n}x{k}{(transA ? " A'" : "")}{(transB ? " B'" : "")}";
                yield return new("MatMul", label, [In("a", s.A), In("b", s.B), Out("c", s.C)],
                    (b, t) => b.MatMul(s, t[0], t[1], t[2]), d => Product(s, d[0], d[1], d[2], 1, false))
                { Size = size, Setting = new Setting(s, 1, false) };
                if (size < CaseSize.Large)
                {
                    yield return new("MatMul", $"{label} alpha", [In("a", s.A), In("b", s.B), Out("c", s.C)],
                        (b, t) => b.MatMul(s, t[0], t[1], t[2], -0.375f), d => Product(s, d[0], d[1], d[2], -0.375, false))
                    { Size = size, Setting = new Setting(s, -0.375f, false) };
                    yield return new("MatMul", $"{label} alpha accumulate", [In("a", s.A), In("b", s.B), InOut("c", s.C)],
                        (b, t) => b.MatMul(s, t[0], t[1], t[2], 2.5f, true), d => Product(s, d[0], d[1], d[2], 2.5, true))
                    { Size = size, Setting = new Setting(s, 2.5f, true) };
                }
            }
        }
    }
}
