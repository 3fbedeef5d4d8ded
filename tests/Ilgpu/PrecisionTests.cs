using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>What the precisions do to a number, and where they are refused.</summary>
internal sealed class PrecisionTests
{
    [TestCase(1f, 1f)]
    [TestCase(1.00390625f, 1f)]          // halfway: to even
    [TestCase(1.01171875f, 1.015625f)]   // halfway: to even
    [TestCase(-3.4e38f, float.NegativeInfinity)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(float.NaN, float.NaN)]
    public void BFloat16_rounds_to_nearest_even(float x, float expected) =>
        Assert.That(BitConverter.UInt32BitsToSingle(IlgpuBackend.RoundBFloat16(x) << 16), Is.EqualTo(expected));

    /// <summary>
    /// The factor of RoundTf32 and the tensor core's cut together: exact values stay, others err by at most 0.7 of the last of 10 bits, and
    /// by nothing on average.
    /// </summary>
    [Test]
    public void Tf32_rounding_is_exact_where_it_can_be_and_unbiased()
    {
        float factor = BitConverter.UInt32BitsToSingle(0x3F800B17);
        static float Cut(float v) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(v) & 0xFFFFE000);
        var random = new Random(4);
        double sum = 0;
        const int count = 100_000;
        for (int i = 0; i < count; i++)
        {
            float x = (float)Math.Pow(2, random.NextDouble() * 8 - 4);
            double unit = Math.Pow(2, Math.Floor(Math.Log2(x)) - 10);
            double error = (Cut(x * factor) - x) / unit;
            sum += error;
            Assert.That(Math.Abs(error), Is.LessThan(0.7));
            Assert.That(Cut(Cut(x) * factor), Is.EqualTo(Cut(x)));
        }
        Assert.That(sum / count, Is.EqualTo(0).Within(0.01));
        Assert.That(Cut(float.NaN * factor), Is.NaN);
        Assert.That(Cut(float.NegativeInfinity * factor), Is.EqualTo(float.NegativeInfinity));
    }

    [Test]
    public void A_device_without_tensor_cores_refuses()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        Assert.That(() => backend.Precision = Precision.Tf32,
            Throws.TypeOf<BDenseException>().With.Message.Contains("tf32 needs the tensor cores"));
        backend.Precision = Precision.Fp32;
    }

    /// <summary>
    /// The passes before the products, on a device: padding, rounding, both; and behind wgrad's the sum of padded slices.
    /// </summary>
    [TestCase(Precision.Tf32, 3), TestCase(Precision.Bf16, 3), TestCase(Precision.Bf16, 12), TestCase(Precision.Bf16, 16),
        TestCase(Precision.Tf32, 12)]
    public void Factors_are_padded_and_rounded(Precision precision, int channels)
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, 6 * channels).Select(_ => (float)random.NextDouble() - 0.5f)];
        using var x = backend.FromArray(values, new Shape(6, channels));
        using var factors = backend.Factors(precision, x, channels);
        byte[] expected = TensorEmulation.Bytes(precision,
            TensorEmulation.Pad(values, channels, ConvolutionPlan.Padded(precision, channels)));
        if (factors is null)
            Assert.That(expected, Is.EqualTo(TensorEmulation.Bytes(values)), "nothing is to be done");
        else
            Assert.That(TensorEmulation.Bytes(factors.ToArray()), Is.EqualTo(expected));
    }

    [TestCase(Precision.Tf32, 3), TestCase(Precision.Bf16, 3), TestCase(Precision.Bf16, 16), TestCase(Precision.Tf32, 16)]
    public void Weights_for_dgrad_are_exchanged_padded_and_rounded(Precision precision, int outputs)
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        var s = Conv2dShape.Same(1, 2, 2, 5, outputs, 3);
        float[] values = TensorEmulation.Exact(8, s.Weight.Length);
        using var w = backend.FromArray(values, s.Weight);
        using var crsk = backend.Exchanged(precision, s, w);
        float[] padded = TensorEmulation.Pad(ExchangeChannels(s, values), s.K,
            ConvolutionPlan.Padded(precision, s.K));
        Assert.That(TensorEmulation.Bytes(crsk.ToArray()), Is.EqualTo(TensorEmulation.Bytes(precision, padded)));
    }

    [Test]
    public void Padded_slices_are_added_in_order()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        // Two slices of three rows of four channels, the last of them padding.
        float[] slices = TensorEmulation.Exact(6, 2 * 3 * 4), before = TensorEmulation.Exact(7, 3 * 3);
        using var partial = backend.FromArray(slices, new Shape(2, 3, 4));
        using var dw = backend.FromArray(before, new Shape(3, 3));
        backend.SumSlices(partial, 2, 4, dw);
        for (int i = 0; i < before.Length; i++)
            Assert.That(dw.ToArray()[i], Is.EqualTo(before[i] + slices[i / 3 * 4 + i % 3] + slices[12 + i / 3 * 4 + i % 3]));
    }

    /// <summary>A slower path than the one asked for is said once for each kind of problem, and the asked one never.</summary>
    [Test]
    public void Another_precision_is_said_once()
    {
        var lines = new List<string>();
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        backend.OnNotice = lines.Add;
        foreach (int channels in new[] { 3, 3, 5 })
            backend.NoticePrecision("dgrad", channels, 256, Precision.Tf32);
        backend.NoticePrecision("dgrad", 7, 256, backend.Precision);
        Assert.That(lines, Has.Count.EqualTo(2));
        Assert.That(lines[0], Does.StartWith("dgrad 3 -> 256 is computed in tf32, not fp32").And.Not.Contain('\n'));
    }

    [TestCase(Precision.Fp32, 256, 256, true, Precision.Fp32)]
    [TestCase(Precision.Tf32, 256, 256, true, Precision.Tf32)]
    [TestCase(Precision.Bf16, 256, 12, true, Precision.Bf16)]
    [TestCase(Precision.Bf16, 12, 256, true, Precision.Tf32)]
    [TestCase(Precision.Tf32, 3, 128, true, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 3, true, Precision.Bf16)]
    [TestCase(Precision.Bf16, 256, 256, false, Precision.Fp32)]
    public void The_plan(Precision asked, int sourceChannels, int channels, bool aligned, Precision expected) =>
        Assert.That(ConvolutionPlan.Choose(asked, sourceChannels, channels, aligned), Is.EqualTo(expected));

    private static float[] ExchangeChannels(Conv2dShape s, float[] w)
    {
        int taps = s.R * s.S;
        var y = new float[w.Length];
        for (int k = 0; k < s.K; k++)
            for (int t = 0; t < taps; t++)
                for (int c = 0; c < s.C; c++)
                    y[(c * taps + t) * s.K + k] = w[(k * taps + t) * s.C + c];
        return y;
    }
}
