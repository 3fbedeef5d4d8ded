using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Elementary functions at every register width; the first lane speaks for all, and the last is held to be the same.</summary>
[TestFixture(typeof(Lanes1), typeof(float))]
[TestFixture(typeof(Lanes4), typeof(Vector128<float>))]
[TestFixture(typeof(Lanes8), typeof(Vector256<float>))]
[TestFixture(typeof(Lanes16), typeof(Vector512<float>))]
internal sealed class LaneMathTests<TLanes, V>
    where TLanes : struct, IMathLanes<V>
    where V : unmanaged
{
    private static float Exp(float x) => Lane(LaneMath.Exp<TLanes, V>(TLanes.Broadcast(x)));
    private static float Silu(float x) => Lane(LaneMath.Silu<TLanes, V>(TLanes.Broadcast(x)));
    private static float SiluDerivative(float x) => Lane(LaneMath.SiluDerivative<TLanes, V>(TLanes.Broadcast(x)));
    private static float Sigmoid(float x) => Lane(LaneMath.Sigmoid<TLanes, V>(TLanes.Broadcast(x)));
    private static float ExpOfScore(float x) => Lane(LaneMath.ExpOfScore<TLanes, V>(TLanes.Broadcast(x)));

    private static unsafe float Lane(V x)
    {
        float* lanes = (float*)&x;
        Assert.That(lanes[TLanes.Count - 1], Is.EqualTo(lanes[0]));
        return lanes[0];
    }

    [Test]
    public void Exp_is_within_two_units_in_the_last_place()
    {
        for (double x = -103; x <= 88.7; x += 0.0137)
        {
            float argument = (float)x, actual = Exp(argument);
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
    public void Exp_at_the_ends(float x, float expected) => Assert.That(Exp(x), Is.EqualTo(expected));

    [Test]
    public void Silu_and_its_derivative()
    {
        for (double at = -86; at <= 86; at += 0.0137)
        {
            float u = (float)at;
            double sigmoid = 1 / (1 + Math.Exp(-(double)u)), derivative = sigmoid * (1 + u * (1 - sigmoid));
            // The constant log2 e is off by 1.3e-8 of itself, which grows with x in e^-x.
            Assert.That(Silu(u), Is.EqualTo(u * sigmoid).Within(Relative(u) * Math.Abs(u * sigmoid)), $"silu({u})");
            Assert.That(SiluDerivative(u), Is.EqualTo(derivative).Within(Relative(u) * sigmoid * (1 + Math.Abs(u))), $"silu'({u})");
            Assert.That(Sigmoid(u), Is.EqualTo(sigmoid).Within(Relative(u) * sigmoid), $"sigmoid({u})");
        }
    }

    /// <summary>Without a fused multiply-add the product x log2 e is rounded too.</summary>
    private static double Relative(float x) =>
        4e-7 + (TLanes.Count > 1 && (Fma.IsSupported || AdvSimd.IsSupported) ? 3e-8 : 2e-7) * Math.Abs(x);

    [TestCase(0f, 0f)]
    [TestCase(float.NaN, float.NaN)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(1e30f, 1e30f)]
    [TestCase(-200f, 0f)]
    public void Silu_at_the_ends(float x, float expected) => Assert.That(Silu(x), Is.EqualTo(expected).Within(1e-30f));

    [Test]
    public void Exp_of_score()
    {
        for (double at = -86; at <= 0; at += 0.0137)
            Assert.That(ExpOfScore((float)at), Is.EqualTo(Math.Exp((float)at)).Within(Relative((float)at) * Math.Exp((float)at)), $"{at}");
        Assert.That(ExpOfScore(float.NegativeInfinity), Is.LessThan(2e-38f));
        Assert.That(ExpOfScore(float.NaN), Is.NaN);
        Assert.That(ExpOfScore(0f), Is.EqualTo(1f));
    }

    [TestCase(3f, 1f, 2f)]
    [TestCase(-3f, -1f, -1f)]
    [TestCase(1.5f, 1f, 1.5f)]
    [TestCase(0f, 0f, 0f)]
    [TestCase(float.Epsilon, 1f, float.Epsilon)]
    [TestCase(float.NaN, float.NaN, float.NaN)]
    public void Sign_and_hold(float x, float sign, float held)
    {
        Assert.That(Lane(TLanes.Sign(TLanes.Broadcast(x))), Is.EqualTo(sign));
        Assert.That(Lane(TLanes.Hold(TLanes.Broadcast(x), -1f, 2f)), Is.EqualTo(held));
    }

    /// <summary>Every lane counts, whichever is the greatest; and a part of a register is loaded and stored alone.</summary>
    [Test]
    public unsafe void Across_the_lanes()
    {
        int count = TLanes.Count;
        float* values = stackalloc float[count], copy = stackalloc float[count + 1];
        for (int greatest = 0; greatest < count; greatest++)
        {
            for (int i = 0; i < count; i++)
                values[i] = i == greatest ? 100f : -i - 1f;
            var v = TLanes.Load(values);
            Assert.That(TLanes.Greatest(v), Is.EqualTo(100f));
            Assert.That(TLanes.WideSum(v), Is.EqualTo(101 + greatest - count * (count + 1) / 2));
            for (int i = 0; i <= count; i++)
                copy[i] = 7f;
            LaneMath.Store<TLanes, V>(LaneMath.Load<TLanes, V>(values, greatest), copy, greatest + 1);
            for (int i = 0; i <= count; i++)
                Assert.That(copy[i], Is.EqualTo(i < greatest ? values[i] : i == greatest ? 0f : 7f));
        }
    }
}

public class SimdTests
{
    [Test]
    public void Silu()
    {
        for (double at = -86; at <= 86; at += 0.0137)
        {
            float u = (float)at;
            double silu = u / (1 + Math.Exp(-(double)u));
            double relative = 4e-7 + (Fma.IsSupported || AdvSimd.IsSupported ? 3e-8 : 2e-7) * Math.Abs(u);
            Assert.That(Simd.Silu(new(u))[0], Is.EqualTo(silu).Within(relative * Math.Abs(silu)), $"silu({u})");
        }
    }

    [TestCase(0f, 0f)]
    [TestCase(float.NaN, float.NaN)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(1e30f, 1e30f)]
    [TestCase(-200f, 0f)]
    public void Silu_at_the_ends(float x, float expected) => Assert.That(Simd.Silu(new(x))[0], Is.EqualTo(expected).Within(1e-30f));

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
