using BDense.Cases;
using BDense.Cases.Checking;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>
/// Operations with activations in BF16, on the reference: the double-precision loops' results, rounded; the same bits with any number of
/// threads, from any place, and again.
/// </summary>
[TestFixture]
internal sealed class CpuBFloat16Tests
{
    private readonly Backend[] _backends = [new ReferenceBackend(1), new ReferenceBackend(3)];

    [OneTimeTearDown]
    public void Close() => Array.ForEach(_backends, b => b.Dispose());

    private static IEnumerable<OpCase> Rows => BFloat16Cases.Of(CaseSize.Small);

    private static IEnumerable<OpCase> Tiny => BFloat16Cases.Of(CaseSize.Tiny);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_rounded_oracle(OpCase row) => Assert.That(Checker.Row(_backends, row), Is.Empty);

    [TestCaseSource(nameof(Tiny))]
    public void Hands_on_NaN(OpCase row) => Assert.That(Checker.NaN(_backends[0], row), Is.Empty);

    [Test]
    public void Declared_bytes_are_those_of_the_operands()
    {
        using var backend = new DryRunBackend();
        foreach (var row in Rows.Where(row => row.Elements is > 10_000 and < 1_000_000))
            Assert.That(Checker.Cost(backend, row), Is.Empty);
    }

    [Test]
    public void A_value_that_is_rounded_otherwise_is_noticed()
    {
        var row = BFloat16Cases.Of(CaseSize.Tiny).First(row => row.Op == "Silu" && row.Elements > 100);
        double[][] expected = row.Expected(row.Start());
        float[][] right = [.. expected.Select(x => Array.ConvertAll(x, v => BFloat16.Rounded((float)v)))];
        Assert.That(Comparison.Difference(row, expected, right), Is.Null);
        // The next BF16 number but one.
        right[1][5] = BFloat16.Widen((ushort)(BFloat16.Round(right[1][5]) + 2));
        Assert.That(Comparison.Difference(row, expected, right), Does.Contain("y[5] expected"));
    }

    [Test]
    public void Every_operation_with_an_activation_has_rows()
    {
        var backend = _backends[0];
        var ops = BFloat16Cases.Of(CaseSize.Tiny).Select(row => row.Op).Distinct();
        Assert.That(ops, Is.EquivalentTo(BFloat16Cases.Ops));
        // The others refuse BF16 in one line.
        using Tensor x = backend.Zeros(new(4)), bits = backend.Empty(x.Shape, ElementType.BFloat16), sum = backend.Zeros(new(1));
        foreach (var call in new Action[] { () => backend.Clamp(bits, 0, 1, x), () => backend.SumOfSquares(bits, sum),
            () => backend.Adam(new AdamStep(1e-3f, 1), bits, x, x, x, null, sum) })
            Assert.That(call, Throws.TypeOf<BDenseException>().With.Message.Match("^[A-Za-z]+: [a-z]+ is BF16, expected float32; [^\n]*$"));
    }
}

/// <summary>The same on ILGPU's kinds of device: the kernels for BF16, and copies where there are none.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Ilgpu))]
internal sealed class DeviceBFloat16Tests(string device) : DeviceEqualityTests(device)
{
    private static IEnumerable<OpCase> Rows => BFloat16Cases.Of(CaseSize.Tiny);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_rounded_oracle(OpCase row) => Check(row);
}

/// <summary>BF16 on the host, and tensors of it.</summary>
[TestFixture]
internal sealed class BFloat16Tests
{
    // Half a unit above 1 and above 1 + 2^-7: ties go to the even one.
    [TestCase(1f, 0x3F80), TestCase(1.00390625f, 0x3F80), TestCase(1.01171875f, 0x3F82), TestCase(1.003907f, 0x3F81)]
    [TestCase(-1.01171875f, 0xBF82), TestCase(float.NaN, 0x7FFF), TestCase(float.PositiveInfinity, 0x7F80)]
    [TestCase(float.MaxValue, 0x7F80), TestCase(3.3895314e38f, 0x7F7F), TestCase(0f, 0), TestCase(-0f, 0x8000)]
    public void Rounds_to_nearest_even(float x, int bits) => Assert.That(BFloat16.Round(x), Is.EqualTo((ushort)bits));

    [Test]
    public void Every_number_is_itself_again()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float x = BFloat16.Widen((ushort)bits);
            if (!float.IsNaN(x))
                Assert.That(BFloat16.Round(x), Is.EqualTo((ushort)bits));
        }
    }

    [TestCase("cpu"), TestCase("ilgpu-cpu")]
    public void Take_half_the_memory_and_are_float32_on_the_host(string device)
    {
        using var backend = DeviceCatalog.Open(device);
        long before = backend.Pool.CurrentBytes;
        using var x = backend.Empty(new Shape(3, 1000), ElementType.BFloat16);
        Assert.That(backend.Pool.CurrentBytes - before, Is.LessThan(4 * x.Length));
        Assert.That(x.Bytes, Is.EqualTo(2 * x.Length));
        float[] values = [.. Enumerable.Range(0, x.Length).Select(i => 1 + i / 1000f)];
        x.Upload(values);
        Assert.That(x.ToArray(), Is.EqualTo(values.Select(BFloat16.Rounded)));
        using var part = x.View(1001, new Shape(7));
        Assert.That(part.ToArray(), Is.EqualTo(values[1001..1008].Select(BFloat16.Rounded)));
        Assert.That(() => x.View(2999, new Shape(2)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
