using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Random numbers: uniform ones to the bit, normal ones to rounding.</summary>
public static class PhiloxCases
{
    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        // Seeds and offsets on both sides of 2^32: the counter and the key are 64-bit.
        (RandomKey Key, int Length, CaseSize Size)[] rows =
        [
            (new(0, 0), 1, CaseSize.Tiny), (new(42, 1), 67, CaseSize.Tiny),
            (new(0xfedc_ba98_7654_3210, 0xffff_ffff, 0xffff_fffful - 5), 66, CaseSize.Tiny),
            (new(ulong.MaxValue, 3, 1ul << 40), 4097, CaseSize.Small), (new(1, 2, 3), 100_003, CaseSize.Small),
            (new(1, 2), 1 << 24, CaseSize.Large),
        ];
        foreach (var (key, length, size) in rows)
        {
            Operand[] y = [Out("y", new(length))];
            string label = $"{length} seed {key.Seed:x} stream {key.Stream:x} offset {key.Offset:x}";
            yield return new("RandomUniform", label, y, (b, t) => b.RandomUniform(key, t[0]), d => Fill(d[0], i => Philox.Uniform(key, i)))
            { Size = size, Tolerance = Tolerance.Exact };
            yield return new("RandomNormal", label, y, (b, t) => b.RandomNormal(key, t[0]), d => Fill(d[0], i => Philox.Normal(key, i)))
            { Size = size, Tolerance = new(1e-11, 2e-5) };
        }
    }

    private static void Fill(double[] y, Func<int, double> value)
    {
        for (int i = 0; i < y.Length; i++)
            y[i] = value(i);
    }
}
