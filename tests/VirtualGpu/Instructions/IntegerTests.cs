using System.Numerics;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>Whole numbers against numbers without a bound on their size.</summary>
internal sealed class IntegerTests
{
    private static readonly string[] Types = ["s16", "u16", "s32", "u32", "s64", "u64"];

    private static readonly (string Op, int Sources, Func<BigInteger, BigInteger, BigInteger, int, BigInteger> Of)[] Operations =
    [
        ("add", 2, (a, b, _, _) => a + b),
        ("sub", 2, (a, b, _, _) => a - b),
        ("mul.lo", 2, (a, b, _, _) => a * b),
        ("mul.hi", 2, (a, b, _, bits) => a * b >> bits),
        ("mad.lo", 3, (a, b, c, _) => a * b + c),
        ("mad.hi", 3, (a, b, c, bits) => (a * b >> bits) + c),
        ("div", 2, (a, b, _, _) => b.IsZero ? -1 : BigInteger.Divide(a, b)),
        ("rem", 2, (a, b, _, _) => b.IsZero ? a : BigInteger.Remainder(a, b)),
        ("min", 2, (a, b, _, _) => BigInteger.Min(a, b)),
        ("max", 2, (a, b, _, _) => BigInteger.Max(a, b)),
        ("neg", 1, (a, _, _, _) => -a),
        ("abs", 1, (a, _, _, _) => BigInteger.Abs(a)),
        ("sad", 3, (a, b, c, _) => c + BigInteger.Abs(a - b)),
    ];

    private static IEnumerable<TestCaseData> Cases =>
        from type in Types
        from operation in Operations
        select new TestCaseData($"{operation.Op}.{type}", operation.Sources,
            operation.Of).SetArgDisplayNames($"{operation.Op}.{type}");

    [TestCaseSource(nameof(Cases))]
    public void Arithmetic_is_that_of_unbounded_numbers_cut_to_the_type(string op, int sources,
        Func<BigInteger, BigInteger, BigInteger, int, BigInteger> of)
    {
        string type = op[(op.LastIndexOf('.') + 1)..];
        int bits = Bits(type);
        ulong[][] columns =
            Values.Combine([.. Enumerable.Repeat(Values.Whole(bits), Math.Min(sources, 2)),
                .. sources > 2 ? [[0, 5, Mask(bits)]] : Array.Empty<ulong[]>()]);
        ulong[] results = Operation.Run(op, columns);
        var expected =
            results.Select(
                (_, row) =>
                    Cut(of(Number(columns[0][row], type), sources > 1 ? Number(columns[1][row], type) : 0,
                        sources > 2 ? Number(columns[2][row], type) : 0, bits), bits));
        Assert.That(results, Is.EqualTo(expected));
    }

    [TestCase("s16", "whh")]
    [TestCase("u16", "whh")]
    [TestCase("s32", "lww")]
    [TestCase("u32", "lww")]
    public void Wide_products_have_all_their_bits(string type, string shape)
    {
        int bits = Bits(type);
        ulong[][] two = Values.Combine(Values.Whole(bits), Values.Whole(bits)),
            three = [.. two, [.. two[0].Select((_, row) => (ulong)row * 77)]];
        Assert.Multiple(() =>
        {
            Assert.That(Operation.Run("mul.wide." + type, two),
                Is.EqualTo(two[0].Select((_, row) => Cut(Number(two[0][row], type) * Number(two[1][row], type), 2 * bits))), shape);
            Assert.That(Operation.Run("mad.wide." + type, three),
                Is.EqualTo(two[0].Select((_, row) => Cut(Number(two[0][row], type) * Number(two[1][row], type) + three[2][row], 2 * bits))),
                shape);
        });
    }

    [Test]
    public void Shifts_beyond_the_width_shift_everything_out([Values("shl.b16", "shl.b32", "shl.b64", "shr.u16", "shr.u32", "shr.u64",
        "shr.s16", "shr.s32", "shr.s64", "shr.b32")] string op)
    {
        string type = op[4..];
        int bits = Bits(type);
        ulong[][] columns = Values.Combine(Values.Whole(bits), [0, 1, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, uint.MaxValue]);
        // Distances above the width give what the width gives.
        var expected = columns[0].Select((value, row) => (int)Math.Min(columns[1][row], (ulong)bits) is var distance
            ? Cut(op[2] == 'l' ? Number(value, type) << distance : Number(value, type) >> distance, bits) : 0);
        Assert.That(Operation.Run(op, columns), Is.EqualTo(expected));
    }

    [TestCase("and", "and")]
    [TestCase("or", "or")]
    [TestCase("xor", "xor")]
    [TestCase("not", "not")]
    public void Logic_works_on_bits(string op, string name)
    {
        foreach (int bits in (int[])[16, 32, 64])
        {
            ulong[][] columns = Values.Combine(op == "not" ? [Values.Whole(bits)] : [Values.Whole(bits), Values.Whole(bits)]);
            var expected =
                columns[0].Select(
                    (a, row) =>
                        (name switch
                        {
                            "and" => a & columns[1][row],
                            "or" => a | columns[1][row],
                            "xor" => a ^ columns[1][row],
                            _ => ~a
                        }) & Mask(bits));
            Assert.That(Operation.Run($"{op}.b{bits}", columns), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Bits_are_counted_found_and_turned_round()
    {
        ulong[] words = Values.Whole(32), longs = Values.Whole(64);
        Assert.Multiple(() =>
        {
            Assert.That(Operation.Run("popc.b32", words), Is.EqualTo(words.Select(v => (ulong)Binary(v, 32).Count(c => c == '1'))));
            Assert.That(Operation.Run("popc.b64", longs), Is.EqualTo(longs.Select(v => (ulong)Binary(v, 64).Count(c => c == '1'))));
            Assert.That(Operation.Run("clz.b32", words),
                Is.EqualTo(words.Select(v => (ulong)Binary(v, 32).TakeWhile(c => c == '0').Count())));
            Assert.That(Operation.Run("clz.b64", longs),
                Is.EqualTo(longs.Select(v => (ulong)Binary(v, 64).TakeWhile(c => c == '0').Count())));
            Assert.That(Operation.Run("brev.b32", words),
                Is.EqualTo(words.Select(v => Convert.ToUInt64(new string([.. Binary(v, 32).Reverse()]), 2))));
            Assert.That(Operation.Run("brev.b64", longs),
                Is.EqualTo(longs.Select(v => Convert.ToUInt64(new string([.. Binary(v, 64).Reverse()]), 2))));
            Assert.That(Operation.Run("bfind.u32", words),
                Is.EqualTo(
                    words.Select(v => (uint)(31 - Binary(v, 32).IndexOf('1', StringComparison.Ordinal)) is var at && v == 0 ? uint.MaxValue
                        : (ulong)at)));
        });
    }

    /// <summary>As the manual's pseudo code has it, bit by bit.</summary>
    [TestCase("u32", 32)]
    [TestCase("s32", 32)]
    [TestCase("u64", 64)]
    [TestCase("s64", 64)]
    public void Fields_are_taken_out_and_put_in(string type, int bits)
    {
        ulong[][] columns = Values.Combine(Values.Whole(bits), [0, 1, 5, 31, 32, 60, 64, 255, 256], [0, 1, 4, 8, 31, 32, 64, 255]);
        ulong[] extracted = Operation.Run("bfe." + type, columns);
        for (int row = 0; row < extracted.Length; row++)
        {
            int first = (int)columns[1][row] & 255, count = (int)columns[2][row] & 255;
            ulong a = columns[0][row], expected = 0, sign = type[0] == 'u' || count == 0 ? 0
                : a >> Math.Min(first + count - 1, bits - 1) & 1;
            for (int k = 0; k < bits; k++)
                expected |= (k < count && first + k < bits ? a >> first + k & 1 : sign) << k;
            Assert.That(extracted[row], Is.EqualTo(expected), $"{a:x} from {first}, {count} bits");
        }
        ulong[] base64 = [.. columns[0].Select(v => ~v & Mask(bits))];
        ulong[] inserted = Operation.Run($"bfi.b{bits}", columns[0], base64, columns[1], columns[2]);
        for (int row = 0; row < inserted.Length; row++)
        {
            int first = (int)columns[1][row] & 255, count = (int)columns[2][row] & 255;
            ulong expected = base64[row];
            for (int k = 0; k < count && first + k < bits; k++)
                expected = expected & ~(1ul << first + k) | (columns[0][row] >> k & 1) << first + k;
            Assert.That(inserted[row], Is.EqualTo(expected), $"{columns[0][row]:x} at {first}, {count} bits");
        }
    }

    [Test]
    public void Bytes_are_permuted_and_words_funnelled()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Operation.Run("prmt.b32", [0x33221100], [0x77665544], [0x7250]), Is.EqualTo((ulong[])[0x77225500]));
            Assert.That(Operation.Run("prmt.b32", [0x83828180], [0x07060504], [0xFC98]), Is.EqualTo((ulong[])[0x0000_FFFF]));
            Assert.That(Operation.Run("shf.l.wrap.b32", [0x89ABCDEF], [0x01234567], [36]), Is.EqualTo((ulong[])[0x12345678]));
            Assert.That(Operation.Run("shf.l.clamp.b32", [0x89ABCDEF], [0x01234567], [36]), Is.EqualTo((ulong[])[0x89ABCDEF]));
            Assert.That(Operation.Run("shf.r.wrap.b32", [0x89ABCDEF], [0x01234567], [4]), Is.EqualTo((ulong[])[0x789ABCDE]));
            Assert.That(Operation.Run("lop3.b32", [0xF0F0F0F0], [0xCCCCCCCC], [0xAAAAAAAA], [0x96]), Is.EqualTo((ulong[])[0x96969696]));
            Assert.That(Operation.Run("mul24.lo.u32", [0xFF00_0003], [0x0100_0005]), Is.EqualTo((ulong[])[15]));
            Assert.That(Operation.Run("mul24.lo.s32", [0x00FF_FFFF], [5]), Is.EqualTo((ulong[])[unchecked((uint)-5)]));
            Assert.That(Operation.Run("add.sat.s32", [0x7FFF_FFFF], [1]), Is.EqualTo((ulong[])[0x7FFF_FFFF]));
        });
    }

    public static int Bits(string type) => int.Parse(type.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);

    public static ulong Mask(int bits) => bits == 64 ? ulong.MaxValue : (1ul << bits) - 1;

    public static BigInteger Number(ulong value, string type) =>
        type[0] == 's' && (value >> Bits(type) - 1 & 1) != 0 ? (BigInteger)value - (BigInteger.One << Bits(type)) : value;

    public static ulong Cut(BigInteger value, int bits) => (ulong)(value & (BigInteger.One << bits) - 1);

    private static string Binary(ulong value, int bits) => Convert.ToString((long)value, 2).PadLeft(64, '0')[(64 - bits)..];
}
