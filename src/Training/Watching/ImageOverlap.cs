using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BDense.Training.Data;

namespace BDense.Training.Watching;

/// <summary>Which images two datasets share: the same values, pixel by pixel, as training sees them. Mirrored ones are others.</summary>
internal static class ImageOverlap
{
    /// <summary>How many images of the second are in the first, and the numbers of the first such pair, from 0.</summary>
    public static (int Count, int InSecond, int InFirst) Of(Dataset first, Dataset second)
    {
        if (first.ImageLength != second.ImageLength)
            return default;
        var places = new Dictionary<UInt128, int>(second.Count);
        UInt128[] digests = Digests(second), others = Digests(first);
        for (int i = 0; i < others.Length; i++)
            places.TryAdd(others[i], i);
        int count = 0, inSecond = 0, inFirst = 0;
        for (int i = 0; i < digests.Length; i++)
        {
            if (!places.TryGetValue(digests[i], out int place))
                continue;
            if (count++ == 0)
                (inSecond, inFirst) = (i, place);
        }
        return (count, inSecond, inFirst);
    }

    /// <summary>The first half of each image's SHA-256.</summary>
    private static UInt128[] Digests(Dataset data)
    {
        var digests = new UInt128[data.Count];
        Parallel.For(0, data.Count, () => new float[data.ImageLength], (i, _, image) =>
        {
            data.Read(i, image);
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(image.AsSpan()), digest);
            digests[i] = BinaryPrimitives.ReadUInt128LittleEndian(digest);
            return image;
        }, _ => { });
        return digests;
    }
}
