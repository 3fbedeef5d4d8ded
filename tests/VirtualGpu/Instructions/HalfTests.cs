using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Instructions;

internal sealed class HalfTests
{
    private static readonly ulong[] Halves =
        [.. ((float[])[0, -0f, 1, -1, 0.5f, 1.0009766f, 2049 / 2048f, -2.5f, 1 / 3f, 6e-8f, -6e-5f, 100.25f, 65504, -65504,
            float.PositiveInfinity, float.NaN])
        .Select(v => (ulong)BitConverter.HalfToUInt16Bits((Half)v))];

    private static readonly (string Op, int Sources, Func<Exact, Exact, Exact, Exact> Of,
        Func<double, double, double, double> Special)[] Operations =
    [
        ("add.f16", 2, (a, b, _) => a + b, (a, b, _) => a + b),
        ("sub.f16", 2, (a, b, _) => a + -b, (a, b, _) => a - b),
        ("mul.f16", 2, (a, b, _) => a * b, (a, b, _) => a * b),
        ("fma.rn.f16", 3, (a, b, c) => a * b + c, Math.FusedMultiplyAdd),
    ];

    private static IEnumerable<TestCaseData> Cases =>
        Operations.Select(o => new TestCaseData(o.Op, o.Sources, o.Of, o.Special).SetArgDisplayNames(o.Op));

    [TestCaseSource(nameof(Cases))]
    public void Arithmetic_rounds_once(string op, int sources, Func<Exact, Exact, Exact, Exact> of,
        Func<double, double, double, double> special)
    {
        ulong[][] columns = Values.Combine([.. Enumerable.Repeat(Halves, sources)]);
        ulong[] results = Operation.Run(op, columns);
        for (int row = 0; row < results.Length; row++)
        {
            double[] x = [.. columns.Select(c => Value(c[row])), 0, 0];
            double expected = special(x[0], x[1], x[2]);
            if (x.All(double.IsFinite) && of(Exact.Of(x[0]), Exact.Of(x[1]), Exact.Of(x[2])) is { M.IsZero: false } exact)
                expected = exact.Round(11, -24) is var rounded && Math.Abs(rounded) > 65504
                    ? double.CopySign(double.PositiveInfinity, rounded) : rounded == 0 ? double.CopySign(0, exact.M.Sign) : rounded;
            FloatTests.Check(expected, Value(results[row]), $"{op} of {string.Join(", ", x)}");
        }
    }

    [Test]
    public void Relations_and_signs_are_those_of_the_values()
    {
        ulong[][] columns = Values.Combine(Halves, Halves);
        Assert.Multiple(() =>
        {
            Assert.That(Operation.Run("setp.lt.f16", columns),
                Is.EqualTo(columns[0].Select((a, row) => Value(a) < Value(columns[1][row]) ? 1ul : 0)));
            Assert.That(Operation.Run("setp.geu.f16", columns),
                Is.EqualTo(columns[0].Select((a, row) => Value(a) < Value(columns[1][row]) ? 0ul : 1)));
            Assert.That(Operation.Run("neg.f16", Halves), Is.EqualTo(Halves.Select(h => h ^ 0x8000)));
            Assert.That(Operation.Run("abs.f16", Halves), Is.EqualTo(Halves.Select(h => h & 0x7FFF)));
        });
    }

    [Test]
    public void Kinds_of_floats_are_told()
    {
        Func<double, bool> subnormal = v => v != 0 && Math.Abs(v) < 1.17549435e-38;
        (string, Func<double, bool>)[] kinds = [("finite", double.IsFinite), ("infinite", double.IsInfinity),
            ("number", v => !double.IsNaN(v)), ("notanumber", double.IsNaN),
            ("subnormal", subnormal), ("normal", v => double.IsFinite(v) && v != 0 && !subnormal(v))];
        foreach (var (kind, holds) in kinds)
            Assert.That(Operation.Run($"testp.{kind}.f32", Values.Singles),
                Is.EqualTo(Values.Singles.Select(v => holds(FloatTests.Value(v, true)) ? 1ul : 0)), kind);
        Assert.That(Operation.Run("copysign.f32", [0x8000_0000], [0x3F80_0000]), Is.EqualTo((ulong[])[0xBF80_0000]));
    }

    private static double Value(ulong bits) => (double)BitConverter.UInt16BitsToHalf((ushort)bits);
}
