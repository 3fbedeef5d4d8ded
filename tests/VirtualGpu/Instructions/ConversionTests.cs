using System.Numerics;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>cvt and setp against exact numbers.</summary>
internal sealed class ConversionTests
{
    private static readonly string[] Whole = ["s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"], Floats = ["f16", "f32", "f64"];

    [Test]
    public void Whole_numbers_are_cut_or_held_to_the_range([ValueSource(nameof(Whole))] string from, [ValueSource(nameof(Whole))] string to)
    {
        ulong[] values = Values.Whole(IntegerTests.Bits(from));
        ulong[] cut = Operation.Run($"cvt.{to}.{from}", values), held = Operation.Run($"cvt.sat.{to}.{from}", values);
        for (int row = 0; row < values.Length; row++)
        {
            var number = IntegerTests.Number(values[row], from);
            Assert.That(Register(cut[row], to), Is.EqualTo(IntegerTests.Cut(number, IntegerTests.Bits(to))), $"{number}");
            Assert.That(Register(held[row], to), Is.EqualTo(IntegerTests.Cut(Clamp(number, to), IntegerTests.Bits(to))),
                $"{number}, saturated");
        }
    }

    [TestCase("rni", MidpointRounding.ToEven)]
    [TestCase("rzi", MidpointRounding.ToZero)]
    [TestCase("rmi", MidpointRounding.ToNegativeInfinity)]
    [TestCase("rpi", MidpointRounding.ToPositiveInfinity)]
    public void Floats_become_whole_numbers_within_the_range(string rounding, MidpointRounding mode)
    {
        foreach (string from in Floats)
        {
            ulong[] values = FloatsOf(from);
            foreach (string to in Whole)
            {
                ulong[] results = Operation.Run($"cvt.{rounding}.{to}.{from}", values);
                for (int row = 0; row < values.Length; row++)
                {
                    double value = Value(values[row], from), rounded = Math.Round(value, mode);
                    var (least, most) = Range(to);
                    var expected = double.IsNaN(value) ? 0 : double.IsInfinity(value) ? (value > 0 ? most : least)
                        : Clamp(new BigInteger(rounded), to);
                    Assert.That(Register(results[row], to), Is.EqualTo(IntegerTests.Cut(expected, IntegerTests.Bits(to))),
                        $"cvt.{rounding}.{to}.{from} of {value:r}");
                }
            }
            ulong[] still = Operation.Run($"cvt.{rounding}.{from}.{from}", values);
            for (int row = 0; row < values.Length; row++)
                FloatTests.Check(Math.Round(Value(values[row], from), mode), Value(still[row], from),
                    $"cvt.{rounding}.{from}.{from} of {Value(values[row], from):r}");
        }
    }

    [TestCase("rn", 0)]
    [TestCase("rz", 2)]
    [TestCase("rm", -1)]
    [TestCase("rp", 1)]
    public void Numbers_become_floats_rounded_as_asked(string rounding, int mode)
    {
        foreach (string to in Floats)
        {
            foreach (string from in Whole)
            {
                ulong[] values = Values.Whole(IntegerTests.Bits(from));
                ulong[] results = Operation.Run($"cvt.{rounding}.{to}.{from}", values);
                for (int row = 0; row < values.Length; row++)
                    FloatTests.Check(Rounded(new Exact(IntegerTests.Number(values[row], from), 0), to, mode), Value(results[row], to),
                        $"cvt.{rounding}.{to}.{from} of {IntegerTests.Number(values[row], from)}");
            }
        }
        foreach (var (to, from) in (ReadOnlySpan<(string, string)>)[("f32", "f64"), ("f16", "f32"), ("f16", "f64")])
        {
            ulong[] values = FloatsOf(from), results = Operation.Run($"cvt.{rounding}.{to}.{from}", values);
            for (int row = 0; row < values.Length; row++)
            {
                double value = Value(values[row], from);
                double expected = double.IsFinite(value) && value != 0 ? Rounded(Exact.Of(value), to, mode) : value;
                FloatTests.Check(expected, Value(results[row], to), $"cvt.{rounding}.{to}.{from} of {value:r}");
            }
        }
    }

    [Test]
    public void Wider_floats_hold_all_of_narrower_ones()
    {
        foreach (var (to, from) in (ReadOnlySpan<(string, string)>)[("f64", "f32"), ("f32", "f16"), ("f64", "f16")])
        {
            ulong[] values = FloatsOf(from), results = Operation.Run($"cvt.{to}.{from}", values);
            for (int row = 0; row < values.Length; row++)
                FloatTests.Check(Value(values[row], from), Value(results[row], to), $"cvt.{to}.{from}");
        }
    }

    [Test]
    public void Bfloat16_takes_the_upper_half_rounded_to_even()
    {
        ulong[] a = [.. Values.Singles, 0x3F80_8000, 0x3F81_8000, 0x3F80_8001, 0x7F7F_FFFF], b = [.. a.Reverse()];
        Func<ulong, ulong> round = bits =>
            float.IsNaN((float)FloatTests.Value(bits, true)) ? 0x7FFF : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
        ulong[] pairs = Operation.Run("cvt.rn.bf16x2.f32", a, b);
        Assert.That(pairs, Is.EqualTo(a.Select((v, row) => round(v) << 16 | round(b[row]))));
        Assert.That(Operation.Run("cvt.rn.bf16.f32", a), Is.EqualTo(a.Select(round)));
        Assert.That(Operation.Run("cvt.f32.bf16", [.. a.Select(v => v >> 16)]), Is.EqualTo(a.Select(v => v >> 16 << 16)));
        Assert.That(Operation.Run("cvt.rna.tf32.f32", [0x3F80_0FFF, 0x3F80_1000, 0xBF80_1000, 0x7F80_0000]),
            Is.EqualTo((ulong[])[0x3F80_0000, 0x3F80_2000, 0xBF80_2000, 0x7F80_0000]));
    }

    private static readonly string[] Relations = ["eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu",
        "gtu", "geu", "num", "nan"];

    [Test]
    public void Relations_hold_as_the_manual_has_them([ValueSource(nameof(Relations))] string relation)
    {
        bool ofWhole = relation is not ("equ" or "neu" or "ltu" or "leu" or "gtu" or "geu" or "num" or "nan"),
            ofFloats = relation is not ("lo" or "ls" or "hi" or "hs");
        foreach (string type in ofWhole ? (string[])["s16", "u16", "s32", "u32", "s64", "u64"] : [])
        {
            if (type[0] == 's' && relation is "lo" or "ls" or "hi" or "hs")
                continue;
            ulong[][] columns = Values.Combine(Values.Whole(IntegerTests.Bits(type)), Values.Whole(IntegerTests.Bits(type)));
            ulong[] results = Operation.Run($"setp.{relation}.{type}", columns);
            for (int row = 0; row < results.Length; row++)
                Assert.That(results[row] != 0,
                    Is.EqualTo(
                        Holds(relation, IntegerTests.Number(columns[0][row], type).CompareTo(IntegerTests.Number(columns[1][row], type)))),
                        $"{relation}.{type}");
        }
        foreach (string type in ofFloats ? (string[])["f32", "f64"] : [])
        {
            ulong[][] columns = Values.Combine(FloatsOf(type), FloatsOf(type));
            ulong[] results = Operation.Run($"setp.{relation}.{type}", columns);
            for (int row = 0; row < results.Length; row++)
            {
                double a = Value(columns[0][row], type), b = Value(columns[1][row], type);
                bool unordered = double.IsNaN(a) || double.IsNaN(b);
                bool expected = relation switch
                {
                    "num" => !unordered,
                    "nan" => unordered,
                    _ => unordered ? relation.Length == 3 : Holds(relation[..2], a == b ? 0 : a < b ? -1 : 1)
                };
                Assert.That(results[row] != 0, Is.EqualTo(expected), $"{a:r} {relation}.{type} {b:r}");
            }
        }
    }

    private static bool Holds(string relation, int order) => relation switch
    {
        "eq" => order == 0,
        "ne" => order != 0,
        "lt" or "lo" => order < 0,
        "le" or "ls" => order <= 0,
        "gt" or "hi" => order > 0,
        _ => order >= 0,
    };

    private static (BigInteger Least, BigInteger Most) Range(string type)
    {
        var top = BigInteger.One << IntegerTests.Bits(type) - (type[0] == 's' ? 1 : 0);
        return (type[0] == 's' ? -top : 0, top - 1);
    }

    private static BigInteger Clamp(BigInteger value, string type) =>
        BigInteger.Max(Range(type).Least, BigInteger.Min(Range(type).Most, value));

    private static ulong Register(ulong stored, string type) => stored & IntegerTests.Mask(IntegerTests.Bits(type));

    private static ulong[] FloatsOf(string type) => type switch
    {
        "f32" => Values.Singles,
        "f64" => Values.Doubles,
        _ => [.. Values.Singles.Select(v => (ulong)BitConverter.HalfToUInt16Bits((Half)BitConverter.UInt32BitsToSingle((uint)v)))],
    };

    private static double Value(ulong bits, string type) =>
        type switch
        {
            "f32" => FloatTests.Value(bits, true),
            "f64" => FloatTests.Value(bits, false),
            _ => (double)BitConverter.UInt16BitsToHalf((ushort)bits)
        };

    /// <summary>Beyond the largest float comes infinity, or that float where rounding goes the other way.</summary>
    private static double Rounded(Exact value, string to, int mode)
    {
        var (precision, least, most) = to switch
        {
            "f32" => (24, -149, (double)float.MaxValue),
            "f64" => (53, -1074, double.MaxValue),
            _ => (11, -24, (double)Half.MaxValue)
        };
        double result = value.Round(precision, least, mode);
        if (Math.Abs(result) <= most)
            return result == 0 && value.M.Sign < 0 ? -0d : result;
        bool stays = mode == 2 || mode == -1 && result > 0 || mode == 1 && result < 0;
        return double.CopySign(stays ? most : double.PositiveInfinity, result);
    }
}
