using System.Globalization;
using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>What findings about memory say.</summary>
internal static unsafe class MemoryFaults
{
    /// <summary>How far behind an allocation an address is said to be: as far as an index of 32 bits reaches in floats.</summary>
    private const ulong Near = 1UL << 34;

    public static FindingException Misaligned(Warp w, Instruction i, uint mask, ulong* addresses, int bytes, MemorySpace space)
    {
        int lane = BitOperations.TrailingZeroCount(mask);
        for (uint left = mask & (mask - 1); left != 0 && addresses[lane] % (ulong)bytes == 0; left &= left - 1)
            lane = BitOperations.TrailingZeroCount(left);
        return w.Fault(i, lane, FindingKind.Misaligned,
            $"{Bytes(bytes)} of {Name(space)} memory at {Address(addresses[lane], space)}, which is not a multiple of {bytes}");
    }

    /// <summary>For bytes that lie in no live allocation as a whole.</summary>
    public static FindingException Global(Warp w, Instruction i, int lane, ulong address, int bytes)
    {
        string what = $"{Bytes(bytes)} of global memory at {Address(address, MemorySpace.Global)}";
        if (address < 1 << 16)
            return w.Fault(i, lane, FindingKind.OutOfBounds, $"{what}: a null pointer");
        if (w.Block.Memory.FindBefore(address) is not { } region)
            return w.Fault(i, lane, FindingKind.OutOfBounds, $"{what}: there is no allocation at or before it");
        ulong length = (ulong)region.Length, offset = address - region.Start;
        string allocation = string.Create(CultureInfo.InvariantCulture,
            $"allocation of {Bytes((long)length)} at {Address(region.Start, MemorySpace.Global)}");
        if (region.Bytes == 0 && offset < length)
            return w.Fault(i, lane, FindingKind.UseAfterFree, $"{what}: byte {offset} of an {allocation} that was freed");
        if (offset >= length && offset - length > Near)
            return w.Fault(i, lane, FindingKind.OutOfBounds, $"{what}: there is no allocation near it");
        return w.Fault(i, lane, FindingKind.OutOfBounds,
            offset < length ? $"{what}: {(ulong)bytes - (length - offset)} of them lie behind the end of the {allocation}"
            : $"{what}: {Bytes((long)(offset - length))} behind the end of the nearest {allocation}"
                + $"{(region.Bytes == 0 ? " (freed)" : "")}");
    }

    public static FindingException Outside(Warp w, Instruction i, uint outside, ulong* addresses, int bytes, MemorySpace space,
        DeclaredArrays arrays)
    {
        int lane = BitOperations.TrailingZeroCount(outside);
        return w.Fault(i, lane, FindingKind.OutOfBounds,
            $"{Bytes(bytes)} of {Name(space)} memory at {addresses[lane]}, not wholly in one of the arrays: "
                + $"{arrays.Describe(addresses[lane])}");
    }

    public static FindingException Unwritten(Warp w, Instruction i, int lane, Region region, long offset, int bytes)
    {
        long first = WrittenBits.FirstUnset(region.Written, offset, bytes);
        string since = region.Space switch
        {
            MemorySpace.Global => "since it was allocated",
            MemorySpace.Shared => "since the block began",
            _ => "since the thread began",
        };
        return w.Fault(i, lane, FindingKind.Unwritten,
            $"reads {Bytes(bytes)} of {Where(w, region, offset)}, of which byte {first - offset} was never written {since}");
    }

    /// <summary>For a copy whose source did not stay as it was.</summary>
    public static FindingException SourceWritten(Warp w, Instruction i, int lane, int bytes, long to, Region source, long from) =>
        w.Fault(i, lane, FindingKind.Race,
        $"waits for a cp.async of {Bytes(bytes)} to {Where(w, w.Block.Memory.Shared.Region, to)}; its source, {Where(w, source, from)}, "
            + "was written meanwhile");

    /// <param name="w">Whose access conflicts.</param>
    /// <param name="i">Which.</param>
    /// <param name="lane">Of this lane.</param>
    /// <param name="region">To this memory.</param>
    /// <param name="offset">To this byte.</param>
    /// <param name="bytes">How many have the same record.</param>
    /// <param name="kind">In this way.</param>
    /// <param name="record">What is known of earlier accesses.</param>
    /// <param name="identity">Of the lane.</param>
    public static FindingException Race(Warp w, Instruction i, int lane, Region region, long offset, int bytes, AccessKind kind,
        ulong record, ulong identity)
    {
        string what = $"{Verb(kind)} {Bytes(bytes)} of {Where(w, region, offset)}";
        ulong differs = record ^ identity, kinds = AccessRecord.Unordered(record, identity);
        // The record names the thread that accessed last; its kinds may be those of earlier ones, all of them ordered before that one.
        string one = kinds == AccessRecord.OfLast(record) ? Thread(w, record) : $"{Thread(w, record)} or one ordered before it";
        if ((differs & AccessRecord.BlockMask) != 0)
        {
            if (region.Space == MemorySpace.Shared)
                return w.Fault(i, lane, FindingKind.CopyNotAwaited,
                    $"{what}, to which {Thread(w, record)} still copies: its cp.async was not waited for");
            bool several = (record & AccessRecord.BlockMask) == AccessRecord.SeveralBlocks;
            string other = several ? "other blocks" : $"block {w.Block.Launch.Grid.At(AccessRecord.Block(record))}, {one},";
            return w.Fault(i, lane, FindingKind.Race,
                $"{what}, which {other} {Past(kinds, several)} in the same launch: nothing orders blocks");
        }
        bool warps = (differs & (AccessRecord.WarpMask | AccessRecord.SeveralWarps)) != 0;
        bool many = (record & (warps ? AccessRecord.SeveralWarps : AccessRecord.SeveralLanes)) != 0;
        string who = !many ? one : warps ? "threads of other warps" : "other lanes of its warp";
        return w.Fault(i, lane, FindingKind.Race,
            $"{what}, which {who} {Past(kinds, many)} since the last {(warps ? "barrier" : "barrier or "
                + "bar.warp.sync")}: nothing orders the two");
    }

    private static string Thread(Warp w, ulong record) => $"thread {w.Block.Launch.Block.At(AccessRecord.Thread(record))}";

    /// <summary>Names a place: a byte of an allocation or of an array.</summary>
    internal static string Where(Warp w, Region region, long offset) => region.Space switch
    {
        MemorySpace.Global =>
            $"global memory at {Address(region.Start + (ulong)offset, MemorySpace.Global)} (byte {offset} of an allocation of "
                + $"{Bytes(region.Length)})",
        MemorySpace.Shared => $"shared memory at {offset} ({w.Block.Memory.Shared.Arrays.Describe((ulong)offset)})",
        _ => $"local memory at {offset % (region.Length / Warp.Lanes)}",
    };

    private static string Verb(AccessKind kind) => kind switch
    {
        AccessKind.Read => "reads",
        AccessKind.Write => "writes",
        _ => "changes by an atomic",
    };

    private static string Past(ulong kinds, bool several) => kinds switch
    {
        1 => "read",
        2 => "changed by atomics",
        _ => several ? "accessed" : "wrote",
    };

    private static string Name(MemorySpace space) => space switch
    {
        MemorySpace.Global => "global",
        MemorySpace.Shared => "shared",
        _ => "local",
    };

    internal static string Bytes(long count) => count == 1 ? "1 byte" : $"{count} bytes";

    private static string Address(ulong address, MemorySpace space) =>
        space == MemorySpace.Global ? $"0x{address.ToString("x", CultureInfo.InvariantCulture)}"
            : address.ToString(CultureInfo.InvariantCulture);
}
