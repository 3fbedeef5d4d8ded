using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>From addresses to bytes: alignment, bounds, the judge, the counter, and then the move.</summary>
internal static unsafe class MemoryAccess
{
    public static void Global<TMove>(Warp w, Instruction i)
        where TMove : IMove
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        var memory = w.Block.Memory;
        int bytes = TMove.Bytes(i);
        var pattern = LaneAddresses.Read(w, i.A, i.Immediate, i.WideAddress, mask, bytes, memory.Addresses, out bool aligned);
        Global<TMove>(w, i, mask, pattern, memory.Addresses, bytes, aligned);
    }

    public static void Shared<TMove>(Warp w, Instruction i)
        where TMove : IMove => Shared<TMove>(w, i, w.Mask(i));

    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="mask">Lanes whose addresses count.</param>
    public static void Shared<TMove>(Warp w, Instruction i, uint mask)
        where TMove : IMove
    {
        if (mask == 0)
            return;
        var memory = w.Block.Memory;
        int bytes = TMove.Bytes(i);
        var pattern = LaneAddresses.Read(w, i.A, i.Immediate, i.WideAddress, mask, bytes, memory.Addresses, out bool aligned);
        Shared<TMove>(w, i, mask, pattern, memory.Addresses, bytes, aligned);
    }

    public static void Local<TMove>(Warp w, Instruction i)
        where TMove : IMove
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        var memory = w.Block.Memory;
        int bytes = TMove.Bytes(i);
        var pattern = LaneAddresses.Read(w, i.A, i.Immediate, i.WideAddress, mask, bytes, memory.Addresses, out bool aligned);
        Local<TMove>(w, i, mask, pattern, memory.Addresses, bytes, aligned);
    }

    /// <summary>An instruction that names no space: each lane's address tells.</summary>
    public static void Generic<TMove>(Warp w, Instruction i)
        where TMove : IMove
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        var addresses = w.Block.Memory.Addresses;
        int bytes = TMove.Bytes(i);
        var pattern = LaneAddresses.Read(w, i.A, i.Immediate, i.WideAddress, mask, bytes, addresses, out bool aligned);
        uint shared = LaneAddresses.Within(GenericAddress.Shared, GenericAddress.WindowBytes, addresses, mask, pattern, 1);
        uint local = LaneAddresses.Within(GenericAddress.Local, GenericAddress.WindowBytes, addresses, mask, pattern, 1);
        uint global = mask & ~(shared | local);
        if (global != 0)
            Global<TMove>(w, i, global, global == mask ? pattern : Pattern.Scattered, addresses, bytes, aligned);
        if (shared != 0)
        {
            Enter(GenericAddress.Shared, addresses, shared);
            Shared<TMove>(w, i, shared, shared == Warp.All ? pattern : Pattern.Scattered, addresses, bytes, aligned);
        }
        if (local != 0)
        {
            Enter(GenericAddress.Local, addresses, local);
            Local<TMove>(w, i, local, Pattern.Scattered, addresses, bytes, aligned);
        }
    }

    private static void Global<TMove>(Warp w, Instruction i, uint mask, Pattern pattern, ulong* addresses, int bytes, bool aligned)
        where TMove : IMove
    {
        if (!aligned)
            throw MemoryFaults.Misaligned(w, i, mask, addresses, bytes, MemorySpace.Global);
        w.Block.Counter?.Global(i, mask, addresses, bytes);
        var region = w.Block.Memory.Last[i.Place];
        uint within = region is null ? 0 : LaneAddresses.Within(region.Start, region.Bytes, addresses, mask, pattern, bytes);
        if (within == mask)
            Do<TMove>(w, i, region!, mask, pattern, addresses, bytes);
        else
            Global<TMove>(w, i, mask, within, pattern, addresses, bytes);
    }

    /// <summary>Another allocation than the last time, or several.</summary>
    private static void Global<TMove>(Warp w, Instruction i, uint mask, uint within, Pattern pattern, ulong* addresses, int bytes)
        where TMove : IMove
    {
        var memory = w.Block.Memory;
        var region = memory.Last[i.Place];
        for (uint left = mask; left != 0; left &= ~within)
        {
            if (left != mask || within == 0)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                region = memory.Find(addresses[lane]);
                within = region is null ? 0 : LaneAddresses.Within(region.Start, region.Bytes, addresses, left, pattern, bytes);
                if ((within >> lane & 1) == 0)
                    throw MemoryFaults.Global(w, i, lane, addresses[lane], bytes);
                memory.Last[i.Place] = region;
            }
            Do<TMove>(w, i, region!, within, within == mask ? pattern : Pattern.Scattered, addresses, bytes);
        }
    }

    private static void Shared<TMove>(Warp w, Instruction i, uint mask, Pattern pattern, ulong* addresses, int bytes, bool aligned)
        where TMove : IMove
    {
        CheckShared(w, i, mask, pattern, addresses, bytes, aligned);
        w.Block.Counter?.Shared(i, mask, addresses, bytes);
        Do<TMove>(w, i, w.Block.Memory.Shared.Region, mask, pattern, addresses, bytes);
    }

    /// <summary>Alignment and bounds.</summary>
    public static void CheckShared(Warp w, Instruction i, uint mask, Pattern pattern, ulong* addresses, int bytes, bool aligned)
    {
        if (!aligned)
            throw MemoryFaults.Misaligned(w, i, mask, addresses, bytes, MemorySpace.Shared);
        var arrays = w.Block.Memory.Shared.Arrays;
        uint outside = arrays.Outside(addresses, mask, pattern, bytes);
        if (outside != 0)
            throw MemoryFaults.Outside(w, i, outside, addresses, bytes, MemorySpace.Shared, arrays);
    }

    private static void Local<TMove>(Warp w, Instruction i, uint mask, Pattern pattern, ulong* addresses, int bytes, bool aligned)
        where TMove : IMove
    {
        if (!aligned)
            throw MemoryFaults.Misaligned(w, i, mask, addresses, bytes, MemorySpace.Local);
        if (w.Block.Memory.Local is not { } local)
            throw w.Fault(i, BitOperations.TrailingZeroCount(mask), FindingKind.OutOfBounds,
                $"{bytes} bytes of local memory at {addresses[0]}: the kernel declares none");
        uint outside = local.Arrays.Outside(addresses, mask, pattern, bytes);
        if (outside != 0)
            throw MemoryFaults.Outside(w, i, outside, addresses, bytes, MemorySpace.Local, local.Arrays);
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            addresses[lane] += (ulong)(lane * local.BytesPerLane);
        }
        Do<TMove>(w, i, local.Of(w), mask, Pattern.Scattered, addresses, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Do<TMove>(Warp w, Instruction i, Region region, uint lanes, Pattern pattern, ulong* addresses, int bytes)
        where TMove : IMove
    {
        if (region.Written is not null)
        {
            if (TMove.Kind == AccessKind.Read)
                Judge.Read(w, i, region, lanes, pattern, addresses, bytes);
            else if (TMove.Kind == AccessKind.Atomic)
                Judge.Atomic(w, i, region, lanes, pattern, addresses, bytes);
            else if (!Judge.Write(w, i, region, lanes, pattern, addresses, bytes))
            {
                OneByOne<TMove>(w, i, region, lanes, addresses, bytes);
                return;
            }
            if (TMove.Kind != AccessKind.Read && region.Space == MemorySpace.Shared)
                w.Block.Order?.Shadow.Stores(w, i, lanes, addresses);
        }
        TMove.Move(w, i, lanes, pattern, addresses, (ulong)region.Host - region.Start);
    }

    /// <summary>
    /// A store that conflicts, perhaps with other lanes of its own: each lane stores before the next one is judged, with the value that it
    /// stores.
    /// </summary>
    private static void OneByOne<TMove>(Warp w, Instruction i, Region region, uint lanes, ulong* addresses, int bytes)
        where TMove : IMove
    {
        byte* values = stackalloc byte[16 * Warp.Lanes];
        ulong* places = stackalloc ulong[Warp.Lanes];
        for (int lane = 0; lane < Warp.Lanes; lane++)
            places[lane] = (ulong)(values + 16 * lane);
        TMove.Move(w, i, lanes, Pattern.Scattered, places, 0);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (region.Space == MemorySpace.Shared)
                w.Block.Order?.Shadow.Stores(w, i, 1u << lane, addresses);
            Judge.WriteValues(w, i, region, lane, addresses[lane], bytes, values + 16 * lane);
            Unsafe.CopyBlockUnaligned(region.Host + (addresses[lane] - region.Start), values + 16 * lane, (uint)bytes);
        }
    }

    /// <summary>Makes generic addresses those of a window.</summary>
    private static void Enter(ulong window, ulong* addresses, uint lanes)
    {
        for (uint left = lanes; left != 0; left &= left - 1)
            addresses[BitOperations.TrailingZeroCount(left)] -= window;
    }
}
