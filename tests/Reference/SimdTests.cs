using System.Numerics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
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
    public void Silu_and_its_derivative_alone_and_in_pairs()
    {
        for (double at = -86; at <= 86; at += 0.0137)
        {
            float u = (float)at;
            double sigmoid = 1 / (1 + Math.Exp(-(double)u)), derivative = sigmoid * (1 + u * (1 - sigmoid));
            Vector<float> x = new(u), y = new(-u), dx = x, dy = y;
            float silu = Simd.Silu(x)[0], slope = Simd.SiluDerivative(x)[0];
            // The constant log2 e is off by 1.3e-8 of itself, which grows with x in e^-x.
            Assert.That(silu, Is.EqualTo(u * sigmoid).Within(Relative(u) * Math.Abs(u * sigmoid)), $"silu({u})");
            Assert.That(slope, Is.EqualTo(derivative).Within(Relative(u) * sigmoid * (1 + Math.Abs(u))), $"silu'({u})");
            Assert.That(Simd.Sigmoid(x)[0], Is.EqualTo(sigmoid).Within(Relative(u) * sigmoid), $"sigmoid({u})");
            Simd.Silu(ref x, ref y);
            Simd.SiluDerivative(ref dx, ref dy);
            Assert.That((x[0], dx[0]), Is.EqualTo((silu, slope)), $"first of a pair, {u}");
            Assert.That((y[0], dy[0]), Is.EqualTo((Simd.Silu(new(-u))[0], Simd.SiluDerivative(new(-u))[0])), $"second of a pair, {-u}");
        }
    }

    /// <summary>Without a fused multiply-add the product x log2 e is rounded too.</summary>
    private static double Relative(float x) => 4e-7 + (Fma.IsSupported || AdvSimd.IsSupported ? 3e-8 : 2e-7) * Math.Abs(x);

    [TestCase(0f, 0f)]
    [TestCase(float.NaN, float.NaN)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(1e30f, 1e30f)]
    [TestCase(-200f, 0f)]
    public void Silu_at_the_ends(float x, float expected)
    {
        Vector<float> a = new(x), b = new(x);
        Simd.Silu(ref a, ref b);
        Assert.That(new[] { Simd.Silu(new(x))[0], a[0], b[0] }, Is.All.EqualTo(expected).Within(1e-30f));
    }

    [Test]
    public void Exp_of_score()
    {
        for (double at = -86; at <= 0; at += 0.0137)
            Assert.That(Simd.ExpOfScore(new((float)at))[0], Is.EqualTo(Math.Exp((float)at)).Within(Relative((float)at) * Math.Exp((float)at)), $"{at}");
        Assert.That(Simd.ExpOfScore(new(float.NegativeInfinity))[0], Is.LessThan(2e-38f));
        Assert.That(Simd.ExpOfScore(new(float.NaN))[0], Is.NaN);
        Assert.That(Simd.ExpOfScore(Vector<float>.Zero)[0], Is.EqualTo(1f));
    }

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
