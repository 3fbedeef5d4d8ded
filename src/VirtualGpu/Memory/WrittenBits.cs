using System.Runtime.CompilerServices;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// A bit for each byte of memory, set once it was written: bit n mod 8 of byte n / 8. Several threads of the host may set bits that share a
/// word; bits are only ever set while a launch runs, so a word of ones can be stored as it is, and anything else is merged atomically.
/// </summary>
internal static unsafe class WrittenBits
{
    /// <summary>Whether bytes [from, from + count) were written.</summary>
    public static bool Are(byte* bits, long from, long count)
    {
        ulong* words = (ulong*)bits;
        long word = from >> 6, last = (from + count - 1) >> 6;
        ulong first = ulong.MaxValue << (int)(from & 63);
        while (word < last)
        {
            if ((~words[word] & first) != 0)
                return false;
            first = ulong.MaxValue;
            word++;
        }
        return (~words[word] & first & Up(from + count)) == 0;
    }

    /// <summary>Whether 1, 2, 4, 8 or 16 bytes at a multiple of their number were written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreAligned(byte* bits, long from, int count) => count switch
    {
        16 => *(ushort*)(bits + (from >> 3)) == ushort.MaxValue,
        8 => bits[from >> 3] == byte.MaxValue,
        _ => (~bits[from >> 3] >> (int)(from & 7) & (1 << count) - 1) == 0,
    };

    public static void Set(byte* bits, long from, long count)
    {
        ulong* words = (ulong*)bits;
        long word = from >> 6, last = (from + count - 1) >> 6;
        ulong first = ulong.MaxValue << (int)(from & 63);
        while (word < last)
        {
            Merge(words + word++, first);
            first = ulong.MaxValue;
        }
        Merge(words + word, first & Up(from + count));
    }

    /// <summary>1, 2, 4, 8 or 16 bytes at a multiple of their number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetAligned(byte* bits, long from, int count)
    {
        // Stored only where it changes something: other threads of the host may read the same line.
        if (count == 16)
        {
            if (*(ushort*)(bits + (from >> 3)) != ushort.MaxValue)
                *(ushort*)(bits + (from >> 3)) = ushort.MaxValue;
        }
        else if (count == 8)
        {
            if (bits[from >> 3] != byte.MaxValue)
                bits[from >> 3] = byte.MaxValue;
        }
        else
        {
            Merge((ulong*)bits + (from >> 6), (1UL << count) - 1 << (int)(from & 63));
        }
    }

    /// <summary>Takes over the bits of another place: what a copy of memory does.</summary>
    public static void Copy(byte* to, long toFrom, byte* from, long fromFrom, long count)
    {
        long whole = ((toFrom | fromFrom) & 7) == 0 ? count & ~7L : 0;
        Buffer.MemoryCopy(from + (fromFrom >> 3), to + (toFrom >> 3), whole >> 3, whole >> 3);
        for (long i = whole; i < count; i++)
        {
            long source = fromFrom + i, target = toFrom + i;
            byte bit = (byte)(1 << (int)(target & 7));
            bool written = (from[source >> 3] >> (int)(source & 7) & 1) != 0;
            to[target >> 3] = (byte)(written ? to[target >> 3] | bit : to[target >> 3] & ~bit);
        }
    }

    /// <summary>The first of some bytes that was not written; -1 if all were.</summary>
    public static long FirstUnset(byte* bits, long from, long count)
    {
        for (long i = from; i < from + count; i++)
        {
            if ((bits[i >> 3] >> (int)(i & 7) & 1) == 0)
                return i;
        }
        return -1;
    }

    /// <summary>Bits of the last word that come before an end.</summary>
    private static ulong Up(long end) => ulong.MaxValue >> (int)(-end & 63);

    private static void Merge(ulong* word, ulong bits)
    {
        if ((Volatile.Read(ref *word) & bits) == bits)
            return;
        if (bits == ulong.MaxValue)
            *word = bits;
        else
            Interlocked.Or(ref *word, bits);
    }
}
