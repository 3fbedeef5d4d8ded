using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// Holds a warp's accesses against what is known of the bytes: were they written, and are the accesses ordered after those of other
/// threads? See <see cref="AccessRecord"/> for the rule of order.
/// </summary>
internal static unsafe partial class Judge
{
    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="region">All of the addresses lie in it.</param>
    /// <param name="lanes">Lanes that access.</param>
    /// <param name="pattern">Of the addresses.</param>
    /// <param name="addresses">Multiples of <paramref name="bytes"/>.</param>
    /// <param name="bytes">A lane's.</param>
    public static void Read(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
    {
        if (!region.AllWritten)
            Written(w, i, region, lanes, pattern, addresses, bytes);
        if (region.Records is null)
            return;
        ulong identity = w.Block.Memory.Identity(w, region.Space);
        if (pattern == Pattern.Contiguous && bytes >= 4 && !AccessRecord.IsSaturated(identity))
        {
            long word = (long)(addresses[0] - region.Start) >> 2;
            var (identities, step) = Consecutive(identity, bytes);
            var known = new SharedReads(identity, region.Space);
            for (int k = 0; k < 2 * bytes; k++)
            {
                ReadFour(w, i, region, word, identities, known, bytes);
                word += 4;
                identities += step;
            }
        }
        else
        {
            Each<Reads>(w, i, region, lanes, pattern, addresses, bytes, identity);
        }
    }

    /// <returns>False if an access conflicts: then each lane's must be judged with what it stores.</returns>
    /// <inheritdoc cref="Read"/>
    public static bool Write(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
    {
        if (region.Records is not null && !IsOrdered(w, i, region, lanes, pattern, addresses, bytes))
            return false;
        if (region.AllWritten)
            return true;
        if (pattern == Pattern.Contiguous)
        {
            WrittenBits.Set(region.Written, (long)(addresses[0] - region.Start), Warp.Lanes * bytes);
            return true;
        }
        for (uint left = lanes; left != 0; left &= left - 1)
            WrittenBits.SetAligned(region.Written, (long)(addresses[BitOperations.TrailingZeroCount(left)] - region.Start), bytes);
        return true;
    }

    /// <summary>A store of one lane that may conflict: it passes where the words were written before and hold what it stores.</summary>
    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="region">The address lies in it.</param>
    /// <param name="lane">Which lane.</param>
    /// <param name="address">A multiple of <paramref name="bytes"/>.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="values">What is stored; null where nothing passes.</param>
    public static void WriteValues(Warp w, Instruction i, Region region, int lane, ulong address, int bytes, byte* values)
    {
        long offset = (long)(address - region.Start);
        ulong mine = w.Block.Memory.Identity(w, region.Space) + ((ulong)lane << AccessRecord.LaneShift);
        if (bytes < 4)
            Part<KnownWrites>(w, i, region, offset, mine, bytes, values);
        for (int done = 0; done + 4 <= bytes; done += 4)
            Word<KnownWrites>(w, i, region, offset + done >> 2, mine, bytes, values is null ? null : values + done);
        WrittenBits.SetAligned(region.Written, offset, bytes);
    }

    private static bool IsOrdered(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
    {
        ulong identity = w.Block.Memory.Identity(w, region.Space);
        if (pattern != Pattern.Contiguous || bytes < 4 || AccessRecord.IsSaturated(identity))
            return Each<Writes>(w, i, region, lanes, pattern, addresses, bytes, identity);
        long word = (long)(addresses[0] - region.Start) >> 2;
        var (identities, step) = Consecutive(identity, bytes);
        for (int k = 0; k < 2 * bytes; k++)
        {
            if (!WriteFour(w, i, region, word, identities, bytes))
                return false;
            word += 4;
            identities += step;
        }
        return true;
    }

    /// <inheritdoc cref="Read"/>
    public static void Atomic(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
    {
        if (!region.AllWritten)
            Written(w, i, region, lanes, pattern, addresses, bytes);
        if (region.Records is not null)
            Each<Atomics>(w, i, region, lanes, pattern, addresses, bytes, w.Block.Memory.Identity(w, region.Space));
    }

    /// <summary>Whether all bytes were written before.</summary>
    public static void Written(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
    {
        if (pattern == Pattern.Contiguous && WrittenBits.Are(region.Written, (long)(addresses[0] - region.Start), Warp.Lanes * bytes))
            return;
        if (pattern == Pattern.Uniform)
            lanes &= ~lanes + 1;
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long offset = (long)(addresses[lane] - region.Start);
            if (!WrittenBits.AreAligned(region.Written, offset, bytes))
                throw MemoryFaults.Unwritten(w, i, lane, region, offset, bytes);
        }
    }

    /// <summary>Identities of the threads that access four consecutive words, and what to add for the next four.</summary>
    private static (Vector256<ulong> Identities, Vector256<ulong> Step) Consecutive(ulong identity, int bytes)
    {
        var lanes = bytes switch
        {
            4 => Vector256.Create(0UL, 1, 2, 3),
            8 => Vector256.Create(0UL, 0, 1, 1),
            _ => Vector256<ulong>.Zero,
        };
        return (Vector256.Create(identity) + (lanes << AccessRecord.LaneShift),
            Vector256.Create((ulong)(16 / bytes) << AccessRecord.LaneShift));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadFour(Warp w, Instruction i, Region region, long word, Vector256<ulong> identities, SharedReads known, int bytes)
    {
        ulong* at = region.Records + word;
        var records = Vector256.Load(at);
        var first = AccessRecord.First(identities, AccessKind.Read);
        if (AccessRecord.HaveRead(records, first) || known.Covers(records))
            return;
        if (AccessRecord.AreOfOtherLaunches(records, identities))
        {
            first.Store(at);
            return;
        }
        var next = AccessRecord.Read(records, identities, out var conflicts);
        if (conflicts != Vector256<ulong>.Zero)
            Four<Reads>(w, i, region, word, identities, bytes);
        else if (next != records)
            next.Store(at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool WriteFour(Warp w, Instruction i, Region region, long word, Vector256<ulong> identities, int bytes)
    {
        ulong* at = region.Records + word;
        var records = Vector256.Load(at);
        var first = AccessRecord.First(identities, AccessKind.Write);
        if (records == first)
            return true;
        if (!AccessRecord.AreOfOtherLaunches(records, identities) && AccessRecord.Write(records, identities) != Vector256<ulong>.Zero)
            return Four<Writes>(w, i, region, word, identities, bytes);
        first.Store(at);
        return true;
    }

    /// <summary>Word by word, because there is a conflict or a word that was accessed in parts.</summary>
    private static bool Four<TKind>(Warp w, Instruction i, Region region, long word, Vector256<ulong> identities, int bytes)
        where TKind : IKind
    {
        bool ordered = true;
        for (int k = 0; k < 4; k++)
            ordered &= Word<TKind>(w, i, region, word + k, identities[k], bytes, null);
        return ordered;
    }

    private static bool Each<TKind>(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes,
        ulong identity)
        where TKind : IKind
    {
        bool vectors = bytes == 16 && TKind.Kind != AccessKind.Atomic && !AccessRecord.IsSaturated(identity);
        // Two lanes that do the same to the same word stand for any number of them.
        if (pattern == Pattern.Uniform)
            lanes = FirstTwo(lanes);
        var known = new SharedReads(identity, region.Space);
        bool ordered = true;
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long offset = (long)(addresses[lane] - region.Start);
            ulong mine = identity + ((ulong)lane << AccessRecord.LaneShift);
            if (vectors && TKind.Kind == AccessKind.Read)
                ReadFour(w, i, region, offset >> 2, Vector256.Create(mine), known, bytes);
            else if (vectors)
                ordered &= WriteFour(w, i, region, offset >> 2, Vector256.Create(mine), bytes);
            else if (bytes < 4)
                ordered &= Part<TKind>(w, i, region, offset, mine, bytes, null);
            else
                ordered &= Words<TKind>(w, i, region, offset >> 2, mine, known, bytes);
        }
        return ordered;
    }

    private static uint FirstTwo(uint lanes)
    {
        uint rest = lanes & (lanes - 1);
        return lanes & ~(rest & (rest - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Words<TKind>(Warp w, Instruction i, Region region, long word, ulong mine, SharedReads known, int bytes)
        where TKind : IKind
    {
        bool ordered = true;
        for (int k = 0; k < bytes >> 2; k++)
        {
            ulong* at = region.Records + word + k;
            ulong record = *at;
            // The common cases: nothing is known of the word in this launch, or the record says it all already.
            if (((record ^ mine) & AccessRecord.LaunchMask) != 0)
                *at = AccessRecord.First(mine, TKind.Kind);
            else if (TKind.Kind == AccessKind.Read ? !AccessRecord.HasRead(record, mine) && !known.Covers(record)
                : record != AccessRecord.First(mine, TKind.Kind))
                ordered &= Word<TKind>(w, i, region, word + k, mine, bytes, null);
        }
        return ordered;
    }
}
