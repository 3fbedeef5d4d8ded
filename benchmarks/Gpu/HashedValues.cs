namespace BDense.Benchmarks.Gpu;

/// <summary>
/// Random values that two languages can draw alike: u(i, seed) is a hash of an index, so that no data need be carried over.
/// </summary>
/// <remarks>
/// <c>benchmarks/Gpu/torch_peer.py</c> has the same function; the finaliser is "lowbias32" by Chris Wellons (public domain).
/// </remarks>
public static class HashedValues
{
    /// <summary>Uniform in [-1, 1), a multiple of 2^-23.</summary>
    public static float At(int index, int seed)
    {
        uint h = unchecked((uint)index * 0x9E3779B9u + (uint)seed * 0x85EBCA6Bu);
        h ^= h >> 16;
        h = unchecked(h * 0x7FEB352Du);
        h ^= h >> 15;
        h = unchecked(h * 0x846CA68Bu);
        h ^= h >> 16;
        return (int)(h >> 8) / 8388608f - 1f;
    }

    /// <summary>scale * u(i, seed) + offset for i below <paramref name="length"/>.</summary>
    public static float[] Draw(int length, int seed, float scale = 1f, float offset = 0f)
    {
        var values = new float[length];
        const int Slice = 1 << 16;
        Parallel.For(0, (length + Slice - 1) / Slice, slice =>
        {
            int end = Math.Min(length, (slice + 1) * Slice);
            for (int i = slice * Slice; i < end; i++)
                values[i] = scale * At(i, seed) + offset;
        });
        return values;
    }
}
