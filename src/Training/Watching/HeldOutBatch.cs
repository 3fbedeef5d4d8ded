using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Samplers;

namespace BDense.Training.Watching;

/// <summary>
/// Some images that a training does not learn from, and what its loss draws for each: numbers that belong to the image's place, whatever
/// the run, its seed and the batch, so that losses can be compared.
/// </summary>
/// <param name="data">All of them.</param>
/// <param name="first">The first of these.</param>
/// <param name="count">How many.</param>
public sealed class HeldOutBatch(Dataset data, int first, int count)
{
    // No seed that a person gives.
    private const ulong Seed = 0xB0B5_EED0_0000_0001;

    private const uint LevelStream = 0x7B000001, PlaceStream = 0x7B000002;

    /// <summary>Where the images are from.</summary>
    public Dataset Data => data;

    /// <summary>How many.</summary>
    public int Count => count;

    /// <summary>Their numbers in <see cref="Data"/>.</summary>
    public int[] Indices { get; } = [.. Enumerable.Range(first, count)];

    /// <summary>A standard normal number of image <paramref name="i"/> of these, for its noise level.</summary>
    public double Normal(int i) => Philox.Normal(new RandomKey(Seed, LevelStream), first + i);

    /// <summary>A number in [0, 1) of image <paramref name="i"/> of these, for its noise level or its place on a grid.</summary>
    public double Uniform(int i) => Philox.Uniform(new RandomKey(Seed, PlaceStream), first + i);

    /// <summary>c[n,0] y + c[n,1] noise, the same noise at every call; the caller disposes it.</summary>
    public Tensor Noised(Tensor y, float[] coefficients)
    {
        var x = y.Backend.Empty(y.Shape);
        ImageDraws.Of(Seed).Start(x, first, 1);
        using var c = y.Backend.FromArray(coefficients, new Shape(count, 2));
        y.Backend.LinearCombinationPerSample(c, [y, x], x);
        return x;
    }
}
