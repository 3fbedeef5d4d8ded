using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Inputs and tolerances for the CPU kernels' own tests.</summary>
internal static class ReferenceCheck
{
    /// <summary>Uniform on [-1, 1).</summary>
    public static float[] Noise(int length, int seed)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = (2f * random.NextSingle()) - 1f;
        return values;
    }

    /// <summary>Sums of <paramref name="terms"/> products below 1 err by a few units in the last place of sqrt(terms).</summary>
    public static void Close(float[] actual, double[] expected, int terms)
    {
        double tolerance = 2e-6 * Math.Sqrt(terms + 1);
        Assert.That(actual, Has.Length.EqualTo(expected.Length));
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(actual[i] - expected[i]) <= tolerance))
                Assert.Fail($"element {i}: {actual[i]:R}, expected {expected[i]:R} within {tolerance:R}");
        }
    }
}
