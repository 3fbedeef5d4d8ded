using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>cp.async and what waits for it (PTX ISA, "Data Movement and Conversion Instructions: Asynchronous copy").</summary>
internal static unsafe class AsyncCopyInstructions
{
    /// <summary>Copies 4, 8 or 16 bytes from global to shared memory; where the source has fewer, zeros follow.</summary>
    public static void Copy(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        var memory = w.Block.Memory;
        ulong* to = memory.Addresses, from = memory.SecondAddresses;
        int bytes = i.ElementBytes;
        var toPattern = LaneAddresses.Read(w, i.A, i.Immediate, i.WideAddress, mask, bytes, to, out bool aligned);
        MemoryAccess.CheckShared(w, i, mask, toPattern, to, bytes, aligned);
        var fromPattern = LaneAddresses.Read(w, i.B, i.SecondImmediate, wide: true, mask, bytes, from, out aligned);
        if (!aligned)
            throw MemoryFaults.Misaligned(w, i, mask, from, bytes, MemorySpace.Global);
        int* read = stackalloc int[Warp.Lanes];
        uint whole = Sizes(w, i, mask, bytes, read, out uint part);
        if ((whole | part) != 0)
            w.Block.Counter?.Global(i, whole | part, from, bytes);
        w.Block.Counter?.Shared(i, mask, to, bytes);
        if (memory.Judges && !Judge.Write(w, i, memory.Shared.Region, mask, toPattern, to, bytes))
        {
            for (uint left = mask; left != 0; left &= left - 1)
                Judge.WriteValues(w, i, memory.Shared.Region, BitOperations.TrailingZeroCount(left),
                    to[BitOperations.TrailingZeroCount(left)], bytes, values: null);
        }
        if (memory.Judges)
            w.Block.Order?.Shadow.Overwrites(w, i, mask, to);
        for (uint left = whole; left != 0;)
        {
            var region = Find(w, i, left, from, bytes, left == Warp.All ? fromPattern : Pattern.Scattered, out uint lanes);
            if (memory.Judges)
                Judge.Read(w, i, region, lanes, lanes == Warp.All ? fromPattern : Pattern.Scattered, from, bytes);
            Move(memory, lanes, to, from, region, bytes);
            if (memory.Judges)
                memory.CopiesOf(w).Add(w, lanes, bytes, to, from, region, read);
            left &= ~lanes;
        }
        if (mask != whole)
            Rest(w, i, mask & ~(whole | part), part, bytes, to, from, read);
    }

    public static void Commit(Warp w, Instruction i)
    {
        if (w.Block.Memory.Judges)
            w.Block.Memory.CopiesOf(w).Commit(w.Mask(i));
    }

    public static void WaitGroup(Warp w, Instruction i)
    {
        if (w.Block.Memory.Judges)
            w.Block.Memory.CopiesOf(w).Wait(w, i, w.Mask(i), (int)i.Immediate);
    }

    /// <summary>For what was not committed, too.</summary>
    public static void WaitAll(Warp w, Instruction i)
    {
        if (!w.Block.Memory.Judges)
            return;
        var copies = w.Block.Memory.CopiesOf(w);
        copies.Commit(w.Mask(i));
        copies.Wait(w, i, w.Mask(i), 0);
    }

    /// <summary>How many bytes each lane reads: lanes that read all, and those that read some.</summary>
    private static uint Sizes(Warp w, Instruction i, uint mask, int bytes, int* read, out uint part)
    {
        part = 0;
        var all = Vector256.Create((uint)bytes);
        if (i.C < 0)
        {
            new Span<int>(read, Warp.Lanes).Fill(bytes);
            return mask;
        }
        uint* sizes = (uint*)(w.Registers + i.C);
        new ReadOnlySpan<int>(sizes, Warp.Lanes).CopyTo(new Span<int>(read, Warp.Lanes));
        uint whole = 0;
        for (int eight = 0; eight < Warp.Lanes; eight += 8)
            whole |= Vector256.Equals(Vector256.Load(sizes + eight), all).ExtractMostSignificantBits() << eight;
        whole &= mask;
        for (uint left = mask & ~whole; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (sizes[lane] > bytes)
                throw w.Fault(i, lane, FindingKind.OutOfBounds, $"copies {sizes[lane]} bytes to where {bytes} arrive");
            part |= sizes[lane] == 0 ? 0 : 1u << lane;
        }
        return whole;
    }

    /// <summary>The allocation of the first lane's source, and the lanes whose sources lie there, too.</summary>
    private static Region Find(Warp w, Instruction i, uint lanes, ulong* from, int bytes, Pattern pattern, out uint within)
    {
        var memory = w.Block.Memory;
        var region = memory.Last[i.Place];
        int lane = BitOperations.TrailingZeroCount(lanes);
        within = region is null ? 0 : LaneAddresses.Within(region.Start, region.Bytes, from, lanes, pattern, bytes);
        if ((within >> lane & 1) != 0)
            return region!;
        region = memory.Find(from[lane]);
        within = region is null ? 0 : LaneAddresses.Within(region.Start, region.Bytes, from, lanes, pattern, bytes);
        if ((within >> lane & 1) == 0)
            throw MemoryFaults.Global(w, i, lane, from[lane], bytes);
        return memory.Last[i.Place] = region!;
    }

    private static void Move(BlockMemory memory, uint lanes, ulong* to, ulong* from, Region region, int bytes)
    {
        byte* shared = memory.Shared.Region.Host;
        ulong toHost = (ulong)region.Host - region.Start;
        if (bytes == 16 && lanes == Warp.All)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                Vector128.Load((byte*)(from[lane] + toHost)).Store(shared + to[lane]);
            return;
        }
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Unsafe.CopyBlockUnaligned(shared + to[lane], (void*)(from[lane] + toHost), (uint)bytes);
        }
    }

    /// <summary>Lanes whose source is shorter than the destination: zeros alone, or some bytes and zeros.</summary>
    private static void Rest(Warp w, Instruction i, uint zeros, uint part, int bytes, ulong* to, ulong* from, int* read)
    {
        var memory = w.Block.Memory;
        for (uint left = zeros | part; left != 0; left &= left - 1)
            new Span<byte>(memory.Shared.Region.Host + to[BitOperations.TrailingZeroCount(left)], bytes).Clear();
        if (zeros != 0 && memory.Judges)
            memory.CopiesOf(w).Add(w, zeros, bytes, to, from, null, read);
        for (uint left = part; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ulong start = from[lane];
            for (int done = 0, piece; done < read[lane]; done += piece)
            {
                piece = read[lane] - done >= 4 ? 4 : 1;
                from[lane] = start + (ulong)done;
                var region = Find(w, i, 1u << lane, from, piece, Pattern.Scattered, out _);
                if (memory.Judges)
                    Judge.Read(w, i, region, 1u << lane, Pattern.Scattered, from, piece);
                Unsafe.CopyBlockUnaligned(memory.Shared.Region.Host + to[lane] + done, region.Host + (from[lane] - region.Start),
                    (uint)piece);
            }
            from[lane] = start;
            if (memory.Judges)
                memory.CopiesOf(w).Add(w, 1u << lane, bytes, to, from, memory.Find(start), read);
        }
    }
}
