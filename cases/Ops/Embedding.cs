using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Cosines and sines of times: positional and Fourier features.</summary>
public static class EmbeddingCases
{
    private static void Features(double[] t, double[] frequencies, double[] y, bool sinFirst)
    {
        int count = frequencies.Length;
        for (int n = 0; n < t.Length; n++)
            for (int j = 0; j < count; j++)
            {
                double a = t[n] * frequencies[j];
                y[n * 2 * count + j] = sinFirst ? Math.Sin(a) : Math.Cos(a);
                y[n * 2 * count + count + j] = sinFirst ? Math.Cos(a) : Math.Sin(a);
            }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (bool sinFirst in new[] { false, true })
        {
            string order = sinFirst ? " sin first" : "";
            OpCase Row(int n, int count, string note, CaseSize size, Func<Random, int, float> t, Func<Random, int, float> frequencies,
                Tolerance tolerance) =>
                new("Embedding", $"{n}x{count}{note}{order}",
                    [In("t", new(n), t), In("frequencies", new(count), frequencies), Out("y", new(n, 2 * count))],
                    (b, x) => b.Embedding(x[0], x[1], x[2], sinFirst), d => Features(d[0], d[1], d[2], sinFirst))
                { Size = size, Tolerance = tolerance, Setting = sinFirst };

            // Absolute errors of 1e-5 and 5e-5, in units of the root mean square, 0.7: the argument is exact, or rounded (3e-5 at 1000).
            var (exact, rounded) = (new Tolerance(2e-10, 1.4e-5), new Tolerance(5e-9, 7e-5));
            yield return Row(3, 5, "", CaseSize.Tiny, Values.Around(0, 1), Values.Around(0, 3), exact);
            yield return Row(1, 1, "", CaseSize.Tiny, Values.Around(0, 1), Values.Around(0, 3), exact);
            yield return Row(64, 1, " to 1000", CaseSize.Small, Values.Uniform(-1000f, 1000f), Values.Of(1f), exact);
            yield return Row(33, 7, " binary to 1000", CaseSize.Small, (random, _) => random.Next(1000),
                Values.Of(1f, 0.5f, 0.25f, 0.125f, 1f / 16, 1f / 32, 1f / 64), exact);
            yield return Row(40, 64, " positional", CaseSize.Small, (random, _) => random.Next(1000),
                (_, j) => (float)Math.Pow(10000, -j / 64.0), rounded);
            yield return Row(4096, 128, " positional", CaseSize.Large, (random, _) => random.Next(1000),
                (_, j) => (float)Math.Pow(10000, -j / 128.0), rounded);
            yield return Row(17, 33, " Fourier", CaseSize.Small, Values.Around(0f, 1.2f), Values.Around(0f, 16f * 6.2831853f), rounded);
        }
    }
}
