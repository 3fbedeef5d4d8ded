using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>One word, or a part of one, by the rule in full.</summary>
internal static unsafe partial class Judge
{
    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="region">The word lies in it.</param>
    /// <param name="word">Its number.</param>
    /// <param name="mine">Who accesses it.</param>
    /// <param name="bytes">Of the access.</param>
    /// <param name="value">What is stored, if it is known.</param>
    /// <returns>False for a conflict that the kind leaves to be decided by values; others are thrown.</returns>
    private static bool Word<TKind>(Warp w, Instruction i, Region region, long word, ulong mine, int bytes, byte* value)
        where TKind : IKind
    {
        ulong* at = region.Records + word;
        ulong record = *at;
        if (IsInParts(record, mine))
            return Part<TKind>(w, i, region, word * 4, mine, 4, value);
        ulong next = AccessRecord.Next(record, mine, TKind.Kind, out bool conflict);
        if (conflict && w.Block.Order?.Allows(w, i, region, word * 4, TKind.Kind, record, mine, ref next) == true)
            conflict = false;
        if (conflict && TKind.AsksForValues)
            return false;
        if (conflict && !IsSame(region, word * 4, Math.Min(bytes, 4), value, record, mine))
            throw MemoryFaults.Race(w, i, AccessRecord.Thread(mine) % Warp.Lanes, region, word * 4, Math.Min(bytes, 4), TKind.Kind,
                record, mine);
        // Of stores of one value: the record keeps that several did it.
        if (next != record)
            *at = next;
        return true;
    }

    /// <summary>
    /// Whether a store writes what others wrote, too, and nobody read: PTX leaves open which store comes last, and it is all one.
    /// </summary>
    private static bool IsSame(Region region, long offset, int bytes, byte* value, ulong record, ulong mine)
    {
        bool isCopied = region.Space == MemorySpace.Shared && (record & AccessRecord.BlockMask) != 0;
        return value is not null && !isCopied && AccessRecord.Unordered(record, mine) == (ulong)AccessKind.Write
            && new ReadOnlySpan<byte>(value, bytes).SequenceEqual(new ReadOnlySpan<byte>(region.Host + offset, bytes));
    }

    private static bool IsInParts(ulong record, ulong mine) =>
        ((record ^ mine) & AccessRecord.LaunchMask) == 0 && (record & AccessRecord.BlockMask) == AccessRecord.InParts;

    /// <summary>Bytes of one word.</summary>
    /// <inheritdoc cref="Word{TKind}"/>
    private static bool Part<TKind>(Warp w, Instruction i, Region region, long offset, ulong mine, int bytes, byte* value)
        where TKind : IKind
    {
        ulong* word = region.Records + (offset >> 2), at = region.ByteRecords() + offset, first = at - (offset & 3);
        ulong record = *word;
        if (!IsInParts(record, mine))
        {
            // From now on the word's bytes have records of their own, which begin with what is known of the word.
            ulong known = ((record ^ mine) & AccessRecord.LaunchMask) == 0 ? record : 0;
            for (int k = 0; k < 4; k++)
                first[k] = known;
            *word = mine & AccessRecord.LaunchMask | AccessRecord.InParts | AccessRecord.AllKinds;
        }
        for (int k = 0; k < bytes; k++)
        {
            ulong next = AccessRecord.Next(at[k], mine, TKind.Kind, out bool conflict);
            if (conflict && w.Block.Order?.Allows(w, i, region, offset + k, TKind.Kind, at[k], mine, ref next) == true)
                conflict = false;
            if (conflict && TKind.AsksForValues)
                return false;
            if (conflict && !IsSame(region, offset + k, 1, value is null ? null : value + k, at[k], mine))
                throw MemoryFaults.Race(w, i, AccessRecord.Thread(mine) % Warp.Lanes, region, offset + k, 1, TKind.Kind, at[k], mine);
            at[k] = next;
        }
        return true;
    }

    private interface IKind
    {
        static abstract AccessKind Kind { get; }

        /// <summary>Whether what conflicts is not yet a finding.</summary>
        static virtual bool AsksForValues => false;
    }

    private readonly struct Reads : IKind
    {
        public static AccessKind Kind => AccessKind.Read;
    }

    private readonly struct Writes : IKind
    {
        public static AccessKind Kind => AccessKind.Write;

        public static bool AsksForValues => true;
    }

    /// <summary>Stores whose values are known.</summary>
    private readonly struct KnownWrites : IKind
    {
        public static AccessKind Kind => AccessKind.Write;
    }

    private readonly struct Atomics : IKind
    {
        public static AccessKind Kind => AccessKind.Atomic;
    }
}
