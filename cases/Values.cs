namespace BDense.Cases;

/// <summary>Where operands start.</summary>
public static class Values
{
    /// <summary>What outputs start as.</summary>
    public static float NaN(Random random, int i) => float.NaN;

    /// <summary>For what is prepared from other operands.</summary>
    public static float Zero(Random random, int i) => 0f;

    /// <summary>Mean 0, variance 1 (Box-Muller).</summary>
    public static float Normal(Random random, int i) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    /// <summary>In [0.1, 1.1).</summary>
    public static float Positive(Random random, int i) => 0.1f + random.NextSingle();

    /// <summary>Normal numbers of this mean and deviation.</summary>
    public static Func<Random, int, float> Around(float mean, float deviation) => (random, i) => mean + deviation * Normal(random, i);

    /// <summary>In [low, high).</summary>
    public static Func<Random, int, float> Uniform(float low, float high) => (random, _) => low + (high - low) * random.NextSingle();

    /// <summary>The given values over and over.</summary>
    public static Func<Random, int, float> Of(params float[] values) => (_, i) => values[i % values.Length];

    /// <summary>Plain arrays of normal numbers, for the gradient checks.</summary>
    public static double[] NormalArray(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(i => (double)Normal(random, i))];
    }
}
