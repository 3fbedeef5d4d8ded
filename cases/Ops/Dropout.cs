using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Elements left out at random and the others scaled, the same for the same key.</summary>
public static class DropoutCases
{
    private static void Forward(double[] x, float p, RandomKey key, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = Philox.Uniform(key, i) >= p ? x[i] / (1 - (double)p) : 0;
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int Length, float P, CaseSize Size)[] rows =
        [
            (1, 0.5f, CaseSize.Tiny), (67, 0f, CaseSize.Tiny), (67, 0.13f, CaseSize.Tiny), (67, 0.999f, CaseSize.Tiny),
            (100_003, 0.1f, CaseSize.Small), (4096, 0.5f, CaseSize.Small),
            (1 << 24, 0.1f, CaseSize.Large),
        ];
        foreach (var (length, p, size) in rows)
        {
            var shape = new Shape(length);
            var key = new RandomKey(0x1234_5678_9abc_def0, 7, 0xffff_fffful - 3);
            string label = FormattableString.Invariant($"{length} p {p}");
            yield return new("Dropout", label, [In("x", shape), Out("y", shape)], (b, t) => b.Dropout(t[0], p, key, t[1]),
                d => Forward(d[0], p, key, d[1]))
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("Dropout", $"{label} in place", [InOut("x", shape)], (b, t) => b.Dropout(t[0], p, key, t[0]),
                d => Forward(d[0], p, key, d[0]))
            { Size = size, Tolerance = Tolerance.Tight };
            // Digits in all four places, and a carry.
            const ulong Counter = 0x0123_4567_89ab_cdef;
            yield return new("Dropout", $"{label} counter on the device",
                [In("x", shape), Out("y", shape), In("counter", new(RandomKey.CounterLength))],
                (b, t) => b.Dropout(t[0], p, key with { Counter = t[2] }, t[1]), d => Forward(d[0], p, key.Skip(Counter), d[1]))
            {
                Size = size,
                Tolerance = Tolerance.Tight,
                Prepare = d =>
                {
                    var digits = new float[RandomKey.CounterLength];
                    RandomKey.Digits(Counter, digits);
                    for (int i = 0; i < digits.Length; i++)
                        d[2][i] = digits[i];
                },
            };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        var key = new RandomKey(3, 4);
        double[] Apply(double[] x)
        {
            var y = new double[x.Length];
            Forward(x, 0.3f, key, y);
            return y;
        }
        yield return new("Dropout", "is its own gradient", [Values.NormalArray(1, 30)], d => Apply(d[0]), (_, dy) => [Apply(dy)]);
    }
}
