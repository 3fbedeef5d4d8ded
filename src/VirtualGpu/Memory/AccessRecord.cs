using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// How memory is accessed; two accesses conflict where the bits of both are all set: reads do not conflict with reads, nor atomics with
/// atomics.
/// </summary>
internal enum AccessKind : ulong
{
    Read = 1,
    Atomic = 2,
    Write = 3,
}

/// <summary>
/// The shadow of a word of memory: a summary of 64 bits of its last accesses, from which it can be told whether another access is ordered
/// after all of them. Global and shared memory have the same format.
/// <code>
/// bits  0 -  1  kinds of access (OR of AccessKind) since the warp's last bar.warp.sync, by the threads named below
///       2 -  3  kinds since the block's last barrier
///       4 -  5  kinds since the launch began
///       6 - 10  lane      the thread that accessed last
///      11 - 15  warp
///      16       several lanes of the warp, since its last bar.warp.sync
///      17       several warps, since the block's last barrier
///      18 - 23  bar.warp.sync's that the warp passed since that barrier, at most 63
///      24 - 37  barriers that the block passed, at most 16,383
///      38 - 57  block, modulo 2^20 - 2; all ones: several blocks; all ones but the last: look at the records of the word's bytes
///      58 - 63  launch, 1 to 63: a record of another launch says nothing, and is not cleared
/// </code>
/// Several threads that are not ordered can only all read, or all be atomic: one of them stands for all. What is older than the last
/// barrier matters only to other blocks, for whom bits 4 and 5 are kept. Shared memory belongs to one block: there "launch" counts the
/// blocks that a thread of the host ran, and the block is 0, or <see cref="Copying"/> where an asynchronous copy arrives.
/// Where the counters end (63, 16,383) accesses of one block are taken to be ordered: races are missed then, none is invented.
/// </summary>
internal static class AccessRecord
{
    public const int WarpSyncs = 63, Barriers = 16383, Launches = 63;

    public const int LaneShift = 6, WarpShift = 11, WarpSyncShift = 18, BarrierShift = 24, BlockShift = 38, LaunchShift = 58;

    public const ulong LaneMask = 31UL << LaneShift, WarpMask = 31UL << WarpShift, SeveralLanes = 1UL << 16, SeveralWarps = 1UL << 17,
        WarpSyncMask = (ulong)WarpSyncs << WarpSyncShift, BarrierMask = (ulong)Barriers << BarrierShift,
        BlockMask = ((1UL << 20) - 1) << BlockShift, LaunchMask = (ulong)Launches << LaunchShift;

    /// <summary>Numbers of blocks that are none.</summary>
    public const ulong SeveralBlocks = BlockMask, InParts = BlockMask - (1UL << BlockShift), Copying = 1UL << BlockShift;

    /// <summary>How many blocks can be told apart.</summary>
    public const int Blocks = (1 << 20) - 2;

    /// <summary>A kind at all three levels.</summary>
    private const ulong Levels = 1 | 4 | 16;

    public const ulong AllKinds = (ulong)AccessKind.Write * Levels;

    /// <summary>A thread's identity and time, without a kind.</summary>
    /// <remarks>Identities of a warp's lanes differ by <c>lane &lt;&lt; LaneShift</c>.</remarks>
    public static ulong Identity(int launch, int block, int barriers, int warpSyncs, int thread) =>
        (ulong)launch << LaunchShift | (ulong)block << BlockShift | (ulong)Math.Min(barriers, Barriers) << BarrierShift
        | (ulong)Math.Min(warpSyncs, WarpSyncs) << WarpSyncShift | (ulong)thread << LaneShift;

    /// <summary>The record of a word that was never accessed before and is now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong First(ulong identity, AccessKind kind) => identity | (ulong)kind * Levels;

    /// <inheritdoc cref="First(ulong, AccessKind)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> First(Vector256<ulong> identities, AccessKind kind) =>
        identities | Vector256.Create((ulong)kind * Levels);

    /// <summary>
    /// What a record becomes by an access, and whether that conflicts with an earlier one; the rule that the vectors below follow.
    /// </summary>
    public static ulong Next(ulong record, ulong identity, AccessKind kind, out bool conflict)
    {
        conflict = false;
        ulong first = First(identity, kind), differs = record ^ identity;
        if ((differs & LaunchMask) != 0)
            return first;
        if ((differs & BlockMask) != 0)
        {
            conflict = (record >> 4 & 3 | (ulong)kind) == 3;
            return record | SeveralBlocks;
        }
        if ((differs & BarrierMask) != 0 || (identity & BarrierMask) == BarrierMask)
            return first | record & 0x30;
        if ((differs & (WarpMask | SeveralWarps)) != 0)
        {
            conflict = (record >> 2 & 3 | (ulong)kind) == 3;
            return record | SeveralWarps | (ulong)kind * (4 | 16);
        }
        if ((differs & WarpSyncMask) != 0 || (identity & WarpSyncMask) == WarpSyncMask)
            return first | record & 0x3C;
        if ((differs & (LaneMask | SeveralLanes)) != 0)
        {
            conflict = (record & 3 | (ulong)kind) == 3;
            return record | SeveralLanes | (ulong)kind * Levels;
        }
        return record | (ulong)kind * Levels;
    }

    /// <summary>Whether an identity's counters have ended, for which <see cref="Read"/> and <see cref="Write"/> have no rule.</summary>
    public static bool IsSaturated(ulong identity) => (identity & BarrierMask) == BarrierMask || (identity & WarpSyncMask) == WarpSyncMask;

    /// <inheritdoc cref="HaveRead"/>
    public static bool HasRead(ulong record, ulong identity) =>
        (record | AllKinds & ~Levels) == (First(identity, AccessKind.Read) | AllKinds & ~Levels);

    /// <summary>
    /// Whether four words were last accessed by the threads that read them now, who read them since the last barriers: nothing changes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HaveRead(Vector256<ulong> records, Vector256<ulong> first)
    {
        var rest = Vector256.Create(AllKinds & ~Levels);
        return (records | rest) == (first | rest);
    }

    /// <summary>Whether nothing is known of four words in this launch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreOfOtherLaunches(Vector256<ulong> records, Vector256<ulong> identities) =>
        !Vector256.EqualsAny((records ^ identities) & Vector256.Create(LaunchMask), Vector256<ulong>.Zero);

    /// <summary><see cref="Next"/> of four reads.</summary>
    /// <param name="records">Of four words.</param>
    /// <param name="identities">Who reads each.</param>
    /// <param name="conflicts">All ones where a read conflicts.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Read(Vector256<ulong> records, Vector256<ulong> identities, out Vector256<ulong> conflicts)
    {
        var differs = records ^ identities;
        var first = identities | Vector256.Create(Levels);
        var launch = Same(differs, LaunchMask);
        var block = Same(differs, BlockMask);
        var barrier = Same(differs, BarrierMask);
        var warp = Same(differs, WarpMask | SeveralWarps);
        var sync = Same(differs, WarpSyncMask);
        var lane = Same(differs, LaneMask | SeveralLanes);
        var together = block & barrier;
        conflicts = launch & (Vector256.AndNot(Has(records, 2 << 4), block)
            | together & Vector256.AndNot(Has(records, 2 << 2), warp)
            | together & warp & sync & Vector256.AndNot(Has(records, 2), lane));
        var next = records | Vector256.Create(Levels) | Vector256.AndNot(Vector256.Create(SeveralLanes), lane);
        next = Vector256.ConditionalSelect(sync, next, first | records & Vector256.Create(0x3CUL));
        next = Vector256.ConditionalSelect(warp, next, records | Vector256.Create(SeveralWarps | 4 | 16));
        next = Vector256.ConditionalSelect(barrier, next, first | records & Vector256.Create(0x30UL));
        next = Vector256.ConditionalSelect(block, next, records | Vector256.Create(SeveralBlocks));
        return Vector256.ConditionalSelect(launch, next, first);
    }

    /// <summary>
    /// All ones where four writes conflict; what the records become is <see cref="First(Vector256{ulong}, AccessKind)"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Write(Vector256<ulong> records, Vector256<ulong> identities)
    {
        var differs = records ^ identities;
        var thread = Same(differs, WarpMask | SeveralWarps) & (Same(differs, LaneMask | SeveralLanes) | ~Same(differs, WarpSyncMask));
        var ordered = Same(differs, BlockMask) & (thread | ~Same(differs, BarrierMask));
        return Vector256.AndNot(Same(differs, LaunchMask), ordered);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Same(Vector256<ulong> differs, ulong mask) =>
        Vector256.Equals(differs & Vector256.Create(mask), Vector256<ulong>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Has(Vector256<ulong> records, ulong bit) =>
        Vector256.Equals(records & Vector256.Create(bit), Vector256.Create(bit));

    /// <summary>Kinds of those earlier accesses that an access is not ordered after, where there are any.</summary>
    public static ulong Unordered(ulong record, ulong identity)
    {
        ulong differs = record ^ identity;
        return ((differs & BlockMask) != 0 ? record >> 4 : (differs & (WarpMask | SeveralWarps)) != 0 ? record >> 2 : record) & 3;
    }

    /// <summary>Kinds since the last bar.warp.sync, which are those of the thread that is named.</summary>
    public static ulong OfLast(ulong record) => record & 3;

    /// <summary>The number of the thread in its block.</summary>
    public static int Thread(ulong record) => (int)(record >> LaneShift & 1023);

    public static int Block(ulong record) => (int)((record & BlockMask) >> BlockShift);
}
