using System.Numerics;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

public class SimdTests
{
    [Test]
    public void Exp_is_within_two_units_in_the_last_place()
    {
        for (double x = -103; x <= 88.7; x += 0.0137)
        {
            float argument = (float)x, actual = Simd.Exp(new Vector<float>(argument))[0];
            double expected = Math.Exp(argument);
            double unit = Math.Max(BitConverter.Int32BitsToSingle(1), MathF.BitIncrement((float)expected) - (double)(float)expected);
            Assert.That(Math.Abs(actual - expected), Is.LessThanOrEqualTo(2 * unit), $"exp({argument})");
        }
    }

    [TestCase(float.NegativeInfinity, 0f)]
    [TestCase(-200f, 0f)]
    [TestCase(0f, 1f)]
    [TestCase(89f, float.PositiveInfinity)]
    [TestCase(float.MaxValue, float.PositiveInfinity)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(float.NaN, float.NaN)]
    public void Exp_at_the_ends(float x, float expected) => Assert.That(Simd.Exp(new Vector<float>(x))[0], Is.EqualTo(expected));

    [Test]
    public void Sine_and_cosine_of_turns()
    {
        for (int i = 0; i <= 4096; i++)
        {
            float u = i / 4096f;
            var (sin, cos) = Simd.SinCosTurns(new Vector<float>(u));
            Assert.That(sin[0], Is.EqualTo(Math.Sin(2 * Math.PI * u)).Within(2e-7), $"sin of {u} turns");
            Assert.That(cos[0], Is.EqualTo(Math.Cos(2 * Math.PI * u)).Within(2e-7), $"cos of {u} turns");
        }
    }
}
