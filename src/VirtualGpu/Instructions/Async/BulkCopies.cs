using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>
/// cp.async.bulk: PTX ISA, "Data Movement and Conversion Instructions: Bulk copy". Data moves at once and is told to the mbarrier at once;
/// that it is there only when the phase was waited for
/// is left to <see cref="AsyncShadow"/>. Mostly one lane runs it.
/// </summary>
internal static unsafe class BulkCopies
{
    public const int Piece = AsyncShadow.PieceBytes;

    /// <summary>Some bytes from global to shared memory.</summary>
    public static void Load(Warp w, Instruction i)
    {
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var (to, from, bytes) = Operands(w, i, lane);
            var arrival = new BulkArrival(w, i, lane);
            Region region = Source(w, i, lane, from, bytes);
            arrival.RequireRoom(to, bytes);
            for (int done = 0; done < bytes; done += Piece)
            {
                Read(w, i, lane, region, from + (ulong)done, Piece);
                Unsafe.CopyBlock(arrival.At(to + (ulong)done), region.Host + (from - region.Start) + done, Piece);
            }
            w.Block.Counter?.Bulk(i, from, bytes);
            w.Block.Counter?.BulkShared(i, bytes);
            arrival.Complete(bytes);
        }
    }

    /// <summary>Back; part of a bulk group.</summary>
    public static void Store(Warp w, Instruction i)
    {
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var (from, to, bytes) = Operands(w, i, lane);
            Region region = Source(w, i, lane, to, bytes);
            RequireShared(w, i, lane, from, bytes, Piece);
            for (int done = 0; done < bytes; done += Piece)
            {
                byte* values = ReadShared(w, i, from + (ulong)done);
                Write(w, i, lane, region, to + (ulong)done, Piece, values);
            }
            w.Block.Counter?.Bulk(i, to, bytes);
            w.Block.Counter?.BulkShared(i, bytes);
        }
    }

    /// <summary>cp.async.bulk.commit_group.</summary>
    public static void Commit(Warp w, Instruction i)
    {
        if (w.Mask(i) != 0)
            w.BulkGroups++;
    }

    /// <summary>cp.async.bulk.wait_group{.read}: from here on the warp knows that its older groups have read shared memory.</summary>
    public static void Wait(Warp w, Instruction i)
    {
        if (w.Mask(i) != 0)
            w.Block.Order![w].Raise(w.Block.Order.BulkAgent(w), w.BulkGroups - (int)i.Immediate);
    }

    private static (ulong Shared, ulong Global, int Bytes) Operands(Warp w, Instruction i, int lane)
    {
        var form = i.Bulk!;
        ulong shared = SharedAddresses.Of(w, form.Shared, lane), global = SharedAddresses.Of(w, form.Global, lane);
        uint bytes = ((uint*)(w.Registers + form.Size))[lane];
        if ((shared | global | bytes) % Piece != 0 || bytes == 0 || bytes > 1 << 20)
            throw w.Fault(i, lane, FindingKind.Misaligned,
                $"a bulk copy of {bytes} bytes between {shared} in shared memory and 0x{global:x}: all three are multiples of 16, and the "
                + $"first is not 0");
        return (shared, global, (int)bytes);
    }

    /// <summary>The allocation that holds all of some bytes.</summary>
    public static Region Source(Warp w, Instruction i, int lane, ulong address, int bytes)
    {
        var region = w.Block.Memory.Last[i.Place];
        if (region is null || address - region.Start >= region.Bytes)
            w.Block.Memory.Last[i.Place] = region = w.Block.Memory.Find(address);
        return region is not null && address >= region.Start && address - region.Start + (ulong)bytes <= region.Bytes ? region
            : throw MemoryFaults.Global(w, i, lane, address, bytes);
    }

    public static void RequireShared(Warp w, Instruction i, int lane, ulong address, int bytes, int alignment)
    {
        var arrays = w.Block.Memory.Shared.Arrays;
        if (address % (ulong)alignment != 0)
            throw w.Fault(i, lane, FindingKind.Misaligned,
                $"a bulk copy at {address} in shared memory, which is not a multiple of {alignment}");
        if (!arrays.Contains(address, (ulong)bytes))
            throw w.Fault(i, lane, FindingKind.OutOfBounds,
                $"a bulk copy of {MemoryFaults.Bytes(bytes)} at {address} in shared memory, not wholly in one of the arrays: "
                + $"{arrays.Describe(address)}");
    }

    /// <summary>A lane's copy reads global memory: at most 16 bytes, a power of two, aligned.</summary>
    public static void Read(Warp w, Instruction i, int lane, Region region, ulong address, int bytes)
    {
        var memory = w.Block.Memory;
        if (!memory.Judges)
            return;
        memory.Addresses[lane] = address;
        Judge.Read(w, i, region, 1u << lane, Pattern.Scattered, memory.Addresses, bytes);
    }

    /// <summary>The same, written.</summary>
    public static void Write(Warp w, Instruction i, int lane, Region region, ulong address, int bytes, byte* values)
    {
        var memory = w.Block.Memory;
        memory.Addresses[lane] = address;
        if (memory.Judges && !Judge.Write(w, i, region, 1u << lane, Pattern.Scattered, memory.Addresses, bytes))
            Judge.WriteValues(w, i, region, lane, address, bytes, values);
        Unsafe.CopyBlock(region.Host + (address - region.Start), values, (uint)bytes);
    }

    /// <summary>16 bytes of shared memory that a copy of this warp's open group reads.</summary>
    public static byte* ReadShared(Warp w, Instruction i, ulong address)
    {
        var memory = w.Block.Memory;
        if (memory.Judges)
            w.Block.Order!.Shadow.Reads([w], i, (int)(address / Piece), w.Block.Order.BulkAgent(w), w.BulkGroups + 1);
        return memory.Shared.Region.Host + address;
    }
}
