using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>Floats against exact numbers, rounded once.</summary>
internal sealed class FloatTests
{
    private static readonly (string Op, Func<Exact, Exact, Exact, Exact> Of, Func<double, double, double, double> Special)[] Operations =
    [
        ("add", (a, b, _) => a + b, (a, b, _) => a + b),
        ("add.rn", (a, b, _) => a + b, (a, b, _) => a + b),
        ("sub", (a, b, _) => a + -b, (a, b, _) => a - b),
        ("mul", (a, b, _) => a * b, (a, b, _) => a * b),
        ("mul.rn", (a, b, _) => a * b, (a, b, _) => a * b),
        ("div.rn", (a, b, _) => a / b, (a, b, _) => a / b),
        ("fma.rn", (a, b, c) => a * b + c, Math.FusedMultiplyAdd),
        ("rcp.rn", (a, _, _) => Exact.Of(1) / a, (a, _, _) => 1 / a),
        ("sqrt.rn", (a, _, _) => a.Root(), (a, _, _) => Math.Sqrt(a)),
    ];

    private static IEnumerable<TestCaseData> Cases => ((string[])["f32", "f64"]).SelectMany(type => Operations.Select(o =>
        new TestCaseData($"{o.Op}.{type}", o.Of, o.Special).SetArgDisplayNames($"{o.Op}.{type}")));

    [TestCaseSource(nameof(Cases))]
    public void Arithmetic_rounds_once(string op, Func<Exact, Exact, Exact, Exact> of, Func<double, double, double, double> special)
    {
        bool single = op.EndsWith("f32", StringComparison.Ordinal);
        ulong[] values = single ? Values.Singles : Values.Doubles;
        int sources = op.StartsWith("fma", StringComparison.Ordinal) ? 3
            : op[0] is 'r' or 's' && op.Contains(".rn.", StringComparison.Ordinal) ? 1 : 2;
        ulong[][] columns = Values.Combine([.. Enumerable.Repeat(values, sources)]);
        ulong[] results = Operation.Run(op, columns);
        for (int row = 0; row < results.Length; row++)
        {
            double[] x = [.. columns.Select(c => Value(c[row], single)), 0, 0];
            double expected = special(x[0], x[1], x[2]);
            // Zeros, infinities and NaN are the host's own; they do not round.
            bool isSpecial = x.Any(v => !double.IsFinite(v)) || op.StartsWith("sqrt", StringComparison.Ordinal) && x[0] <= 0
                || (op.StartsWith("div", StringComparison.Ordinal) ? x[1] : op.StartsWith("rcp", StringComparison.Ordinal) ? x[0] : 1) == 0
                || of(Exact.Of(x[0]), Exact.Of(x[1]), Exact.Of(x[2])).M.IsZero;
            if (!isSpecial)
                expected = of(Exact.Of(x[0]), Exact.Of(x[1]), Exact.Of(x[2])).Round(single ? 24 : 53, single ? -149 : -1074);
            Check(single ? (float)expected : expected, Value(results[row], single), $"{op} of {string.Join(", ", x)}");
        }
    }

    [Test]
    public void Flushing_takes_subnormal_sources_and_results_for_zeros([Values("add", "sub", "mul", "div.full", "min", "max")] string op)
    {
        ulong[][] columns = Values.Combine(Values.Singles, Values.Singles);
        ulong[] flushed = Operation.Run(op + ".ftz.f32", columns),
            plain = Operation.Run(op + ".f32", [.. columns.Select(c => c.Select(Flush).ToArray())]);
        for (int row = 0; row < flushed.Length; row++)
            Check(Value(Flush(plain[row]), true), Value(flushed[row], true),
                $"{op}.ftz of {Value(columns[0][row], true)}, {Value(columns[1][row], true)}");
    }

    [Test]
    public void Saturation_holds_results_to_0_to_1()
    {
        ulong[][] columns = Values.Combine(Values.Singles, Values.Singles);
        ulong[] saturated = Operation.Run("mul.sat.f32", columns), plain = Operation.Run("mul.f32", columns);
        for (int row = 0; row < plain.Length; row++)
        {
            double value = Value(plain[row], true);
            Check(double.IsNaN(value) ? 0 : Math.Clamp(value, 0, 1), Value(saturated[row], true), $"{value}", signOfZero: false);
        }
    }

    [TestCase("min.f32")]
    [TestCase("max.f32")]
    [TestCase("min.f64")]
    [TestCase("max.f64")]
    public void Of_NaN_and_a_number_minimum_and_maximum_give_the_number(string op)
    {
        bool single = op.EndsWith("f32", StringComparison.Ordinal), max = op.StartsWith("max", StringComparison.Ordinal);
        ulong[] values = single ? Values.Singles : Values.Doubles;
        ulong[][] columns = Values.Combine(values, values);
        ulong[] results = Operation.Run(op, columns);
        for (int row = 0; row < results.Length; row++)
        {
            double a = Value(columns[0][row], single), b = Value(columns[1][row], single);
            double expected = double.IsNaN(a) ? b : double.IsNaN(b) ? a : a == 0 && b == 0 ? (double.IsNegative(a) == max ? b : a)
                : a > b == max ? a : b;
            Check(expected, Value(results[row], single), $"{op} of {a}, {b}");
        }
    }

    [Test]
    public void Signs_are_changed_and_dropped_as_bits()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Operation.Run("neg.f32", Values.Singles), Is.EqualTo(Values.Singles.Select(v => v ^ 1u << 31)));
            Assert.That(Operation.Run("abs.f32", Values.Singles), Is.EqualTo(Values.Singles.Select(v => v & int.MaxValue)));
            Assert.That(Operation.Run("neg.f64", Values.Doubles), Is.EqualTo(Values.Doubles.Select(v => v ^ 1ul << 63)));
            Assert.That(Operation.Run("abs.f64", Values.Doubles), Is.EqualTo(Values.Doubles.Select(v => v & long.MaxValue)));
        });
    }

    /// <summary>The errors that the manual grants: relative, or absolute where it says so.</summary>
    [TestCase("ex2.approx.f32", -2, -100f, 100f)]
    [TestCase("lg2.approx.f32", -22, 1e-6f, 1e6f)]
    [TestCase("rcp.approx.f32", -23, 1e-6f, 1e6f)]
    [TestCase("rsqrt.approx.f32", -22, 1e-6f, 1e6f)]
    [TestCase("sqrt.approx.f32", -22, 1e-6f, 1e6f)]
    [TestCase("sin.approx.f32", -20, -3.14f, 3.14f)]
    [TestCase("cos.approx.f32", -20, -3.14f, 3.14f)]
    [TestCase("tanh.approx.f32", -11, -5f, 5f)]
    public void Approximations_are_within_the_bounds_of_the_manual(string op, int exponent, float from, float to)
    {
        ulong[] x =
            [.. Enumerable.Range(0, 1024)
                .Select(k =>
                    (ulong)BitConverter.SingleToUInt32Bits(from < 0 ? from + (to - from) * k / 1023
                        : from * MathF.Pow(to / from, k / 1023f)))];
        Func<double, double> f = op[..3] switch
        {
            "ex2" => v => Math.Pow(2, v),
            "lg2" => Math.Log2,
            "rcp" => v => 1 / v,
            "rsq" => v => 1 / Math.Sqrt(v),
            "sqr" => Math.Sqrt,
            "sin" => Math.Sin,
            "cos" => Math.Cos,
            _ => Math.Tanh,
        };
        bool absolute = op[..3] is "lg2" or "sin" or "cos";
        double bound = op[..3] == "ex2" ? Math.Pow(2, -22) : Math.Pow(2, exponent);
        ulong[] results = Operation.Run(op, x);
        for (int row = 0; row < x.Length; row++)
        {
            double expected = f(Value(x[row], true)), error = Math.Abs(Value(results[row], true) - expected);
            Assert.That(error, Is.LessThanOrEqualTo(bound * (absolute && Math.Abs(expected) < 1 ? 1 : Math.Abs(expected)) + 1e-45),
                $"{op} of {Value(x[row], true)}");
        }
    }

    [TestCase("ex2.approx.f32", float.NegativeInfinity, 0f)]
    [TestCase("ex2.approx.f32", float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase("ex2.approx.f32", -0f, 1f)]
    [TestCase("ex2.approx.ftz.f32", -130f, 0f)]
    [TestCase("lg2.approx.f32", 0f, float.NegativeInfinity)]
    [TestCase("lg2.approx.f32", -1f, float.NaN)]
    [TestCase("lg2.approx.f32", float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase("rcp.approx.ftz.f32", 1e-40f, float.PositiveInfinity)]
    [TestCase("rcp.approx.ftz.f32", -0f, float.NegativeInfinity)]
    [TestCase("rcp.approx.f32", float.PositiveInfinity, 0f)]
    [TestCase("rsqrt.approx.f32", -0f, float.NegativeInfinity)]
    [TestCase("sqrt.approx.f32", -1f, float.NaN)]
    [TestCase("sin.approx.f32", float.PositiveInfinity, float.NaN)]
    [TestCase("cos.approx.f32", 0f, 1f)]
    [TestCase("tanh.approx.f32", float.NegativeInfinity, -1f)]
    public void Approximations_of_special_values_are_those_of_the_manual(string op, float x, float expected) =>
        Check(expected, Value(Operation.Run(op, [BitConverter.SingleToUInt32Bits(x)])[0], true), op);

    public static double Value(ulong bits, bool single) =>
        single ? BitConverter.UInt32BitsToSingle((uint)bits) : BitConverter.UInt64BitsToDouble(bits);

    public static void Check(double expected, double actual, string what, bool signOfZero = true)
    {
        bool same = double.IsNaN(expected) ? double.IsNaN(actual)
            : expected == actual && (!signOfZero || double.IsNegative(expected) == double.IsNegative(actual));
        if (!same)
            Assert.Fail($"{what}: {actual:r} instead of {expected:r}");
    }

    private static ulong Flush(ulong bits) => (bits & 0x7F80_0000) == 0 ? bits & 0x8000_0000 : bits;
}
