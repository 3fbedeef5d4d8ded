using BDense.Kernels;
using BDense.Training.Data;

namespace BDense.Training.Metrics;

/// <summary>
/// At most <paramref name="capacity"/> vectors of a stream of any length, each equally likely to be among them: reservoir sampling
/// (Vitter 1985, algorithm R). Which ones depends on their places in the stream alone.
/// </summary>
/// <param name="dimension">Length of a vector.</param>
/// <param name="capacity">Vectors kept at most.</param>
public sealed class FeatureSample(int dimension, int capacity = FeatureSample.DefaultCapacity)
{
    /// <summary>KID's subsets of 1,000 are drawn from so many: 82 MB of 2,048 features.</summary>
    public const int DefaultCapacity = 10_000;

    private const ulong Seed = 0x4B4944;
    private const uint Stream = 0xFEA70001;

    private readonly List<float[]> _vectors = [];
    private long _seen;

    /// <summary>Length of a feature vector.</summary>
    public int Dimension { get; } = dimension;

    /// <summary>Vectors kept.</summary>
    public int Count => _vectors.Count;

    /// <summary>Vector i of those kept.</summary>
    public ReadOnlySpan<float> this[int i] => _vectors[i];

    /// <summary>Shows the next vectors of the stream, [n, Dimension].</summary>
    public void Add(ReadOnlySpan<float> features)
    {
        for (; features.Length > 0; features = features[Dimension..], _seen++)
        {
            if (_vectors.Count < capacity)
            {
                _vectors.Add(features[..Dimension].ToArray());
                continue;
            }
            var bits = Philox.Block(Seed, Stream, (ulong)_seen);
            ulong drawn = (((ulong)bits.X << 32) | bits.Y) % (ulong)(_seen + 1);
            if (drawn < (ulong)capacity)
                features[..Dimension].CopyTo(_vectors[(int)drawn]);
        }
    }

    /// <summary>[Count, Dimension]</summary>
    public NpyArray ToArray() => new([Count, Dimension], _vectors.SelectMany(v => v).ToArray());

    /// <summary>Takes back what <see cref="ToArray"/> gave, after <paramref name="seen"/> vectors of the stream.</summary>
    /// <exception cref="BDenseException">Not [n, Dimension] of float32, with n as large as it must be.</exception>
    public void Restore(NpyArray array, long seen, string source)
    {
        if (array.Values is not float[] values || array.Shape is not [var n, var d] || d != Dimension || n != Math.Min(seen, capacity))
            throw new BDenseException($"{source}: holds no sample of {Math.Min(seen, capacity)} vectors of {Dimension} features");
        _vectors.Clear();
        _vectors.AddRange(values.Chunk(d));
        _seen = seen;
    }

    /// <summary>Vectors from anywhere, all of them kept.</summary>
    internal static FeatureSample Of(ReadOnlySpan<float> features, int dimension)
    {
        var sample = new FeatureSample(dimension, Math.Max(1, features.Length / dimension));
        sample.Add(features);
        return sample;
    }
}
