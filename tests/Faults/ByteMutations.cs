using System.Buffers.Binary;

namespace BDense.Tests.Faults;

/// <summary>
/// Damage that knows nothing of a format: flipped bits, lost, doubled and moved pieces, numbers at the edges of their types.
/// </summary>
internal static class ByteMutations
{
    private static readonly byte[] Interesting = [0, 1, 9, 10, 13, 27, 32, 34, 44, 45, 48, 57, 92, 123, 127, 128, 192, 237, 254, 255];

    private static readonly long[] Extremes =
    [
        0, 1, -1, 127, 128, 255, 256, short.MaxValue, short.MinValue, ushort.MaxValue, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 31,
        1L << 32, 1L << 33,
        1L << 40, (1L << 53) + 1, long.MaxValue, long.MinValue, int.MaxValue / 4, int.MaxValue - 7,
    ];

    /// <summary>One to four changes, one after the other.</summary>
    /// <param name="r">What decides.</param>
    /// <param name="sample">What is changed; stays as it is.</param>
    /// <param name="other">Another sample of the format, for splices.</param>
    public static byte[] Apply(Random r, byte[] sample, byte[] other)
    {
        byte[] bytes = [.. sample];
        for (int n = 1 + r.Next(4); n > 0; n--)
            bytes = Once(r, bytes, other);
        return bytes;
    }

    private static byte[] Once(Random r, byte[] bytes, byte[] other)
    {
        if (bytes.Length == 0)
            return [Interesting[r.Next(Interesting.Length)]];
        int at = r.Next(bytes.Length), length = 1 + r.Next(Math.Min(bytes.Length - at, 1 << r.Next(10)));
        switch (r.Next(10))
        {
            case 0 or 1:
                bytes[at] ^= (byte)(1 << r.Next(8));
                return bytes;
            case 2:
                bytes[at] = r.Next(2) == 0 ? Interesting[r.Next(Interesting.Length)] : (byte)r.Next(256);
                return bytes;
            case 3:
                return bytes[..at];
            case 4:
                var inserted = new byte[1 + r.Next(16)];
                r.NextBytes(inserted);
                return [.. bytes[..at], .. inserted, .. bytes[at..]];
            case 5:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 6:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 7:
                return WithExtreme(r, bytes, at);
            case 8:
                int from = r.Next(other.Length + 1);
                return [.. bytes[..at], .. other[from..]];
            default:
                Array.Fill(bytes, Interesting[r.Next(Interesting.Length)], at, length);
                return bytes;
        }
    }

    private static byte[] WithExtreme(Random r, byte[] bytes, int at)
    {
        int size = 1 << r.Next(1, 4);
        if (size > bytes.Length)
            return bytes;
        at = Math.Min(at, bytes.Length - size);
        Span<byte> number = stackalloc byte[8];
        long value = Extremes[r.Next(Extremes.Length)];
        if (r.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            number[..size].CopyTo(bytes.AsSpan(at));
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(number, value);
            number[^size..].CopyTo(bytes.AsSpan(at));
        }
        return bytes;
    }
}
