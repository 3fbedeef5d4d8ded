using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Reference;

public class PhiloxTests(int lanes) : ReferenceTest(lanes)
{
    /// <summary>The authors' known answers for philox4x32-10: counter, key, result (Random123, kat_vectors).</summary>
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [TestCase(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u,
        0x24126ea1u)]
    public void Known_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        var block = Philox.Rounds(c0, c1, c2, c3, k0, k1);
        Assert.That((uint[])[block.X, block.Y, block.Z, block.W], Is.EqualTo((uint[])[x, y, z, w]));
    }

    /// <summary>Also the extreme bits stay inside the open interval: a normal number needs the logarithm of them.</summary>
    [TestCase(0u, 1.0 / (1 << 24))]
    [TestCase(0x1FFu, 1.0 / (1 << 24))]
    [TestCase(0x80000000u, 0.5 + 1.0 / (1 << 24))]
    [TestCase(~0u, 1 - 1.0 / (1 << 24))]
    public void Uniform_numbers_are_inside_0_and_1(uint bits, double expected)
    {
        Assert.That((double)Philox.ToUniform(bits), Is.EqualTo(expected).And.GreaterThan(0).And.LessThan(1));
    }

    [TestCase(1)]
    [TestCase(255)]
    [TestCase(8192 * 2 + 3)]
    public void Sequences(int length)
    {
        var key = new RandomKey(0x123456789abcdef0, 17, uint.MaxValue - 3ul);
        var y = Run([], [new float[length], new float[length]], (backend, _, o) =>
        {
            backend.RandomUniform(key, o[0]);
            backend.RandomNormal(key, o[1]);
        });
        Assert.That(y[0], Is.EqualTo(Enumerable.Range(0, length).Select(i => Philox.Uniform(key, i))));
        Close(y[1], i => Philox.Normal(key, i), 1e-6, "normal");
    }

    [Test]
    public void Normal_numbers_have_mean_0_and_variance_1()
    {
        const int Length = 1 << 18;
        float[] z = Run([], [new float[Length]], (backend, _, o) => backend.RandomNormal(new RandomKey(1, 2), o[0]))[0];
        Assert.That(z.Average(v => (double)v), Is.EqualTo(0).Within(5 / Math.Sqrt(Length)));
        Assert.That(z.Average(v => (double)v * v), Is.EqualTo(1).Within(5 * Math.Sqrt(2.0 / Length)));
    }

    [TestCase(0f, 100)]
    [TestCase(0.3f, 7)]
    [TestCase(0.9f, 20_001)]
    public void Dropout(float p, int length)
    {
        var key = new RandomKey(5, 6, 7);
        float[] x = Values(length, 1);
        float[] y = Run([x], [new float[length]], (backend, i, o) => backend.Dropout(i[0], p, key, o[0]))[0];
        Close(y, i => Philox.Uniform(key, i) >= p ? x[i] / (1 - (double)p) : 0, 1e-6, "y");
    }
}
