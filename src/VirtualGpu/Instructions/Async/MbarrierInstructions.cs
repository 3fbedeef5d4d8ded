using System.Numerics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Data;
using BDense.VirtualGpu.Instructions.Memory;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>
/// mbarrier: PTX ISA, chapter "Parallel Synchronization and Communication Instructions". A and Immediate are the object's address
/// (SecondImmediate 1: a generic one), B the register
/// of a count, of bytes, of a state or of a parity (-1 for none), D that of the result.
/// </summary>
internal static unsafe class MbarrierInstructions
{
    public static void Make(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        var memory = w.Block.Memory;
        var all = w.Block.Order!.Mbarriers;
        ulong* at = Addresses(w, i, mask);
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            all.RequireNone(w, i, lane, (long)at[lane]);
            if (memory.Judges && !Judge.Write(w, i, memory.Shared.Region, 1u << lane, Pattern.Scattered, at, Mbarriers.Bytes))
                Judge.WriteValues(w, i, memory.Shared.Region, lane, at[lane], Mbarriers.Bytes, values: null);
            if (memory.Judges)
                w.Block.Order.Shadow.Overwrites(w, i, 1u << lane, at);
            all.Make(w, i, lane, (long)at[lane], Narrow(w, i, lane));
        }
    }

    public static void End(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        ulong* at = mask == 0 ? null : Addresses(w, i, mask);
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            w.Block.Order!.Mbarriers.End(w, i, lane, (long)at[lane]);
        }
    }

    public static void Expect(Warp w, Instruction i) => Count<Expected>(w, i);

    public static void Complete(Warp w, Instruction i) => Count<Completed>(w, i);

    public static void Arrive(Warp w, Instruction i) => Count<Arrived>(w, i);

    public static void ArriveAndExpect(Warp w, Instruction i) => Count<ArrivedExpected>(w, i);

    public static void Drop(Warp w, Instruction i) => Count<Dropped>(w, i);

    /// <summary>
    /// cp.async.mbarrier.arrive.noinc: an arrival once the lane's cp.async's are there, which is at once, so that the lane itself counts as
    /// having waited.
    /// </summary>
    public static void ArriveAfterCopies(Warp w, Instruction i)
    {
        AsyncCopyInstructions.WaitAll(w, i);
        Arrive(w, i);
    }

    /// <summary>test_wait and try_wait of a state: neither waits here, but others run before the warp goes on.</summary>
    public static void Test(Warp w, Instruction i) => Test(w, i, isParity: false);

    public static void TestParity(Warp w, Instruction i) => Test(w, i, isParity: true);

    private static void Test(Warp w, Instruction i, bool isParity)
    {
        uint mask = w.Mask(i), holds = 0;
        if (mask == 0)
            return;
        ulong* at = Addresses(w, i, mask);
        var all = w.Block.Order!.Mbarriers;
        Mbarrier? missing = null;
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var barrier = all.Use(w, i, lane, (long)at[lane]);
            ulong phase = isParity ? Narrow(w, i, lane) : ((ulong*)(w.Registers + i.B))[lane];
            if (all.IsComplete(w, i, lane, barrier, phase, isParity))
                holds |= 1u << lane;
            else
                missing = barrier;
        }
        PredicateForms.Set(w, i.D, mask, holds);
        if (missing is not null)
            w.Ask(i, missing);
    }

    private static void Count<TChange>(Warp w, Instruction i)
        where TChange : struct, IChange
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        ulong* at = Addresses(w, i, mask);
        var all = w.Block.Order!.Mbarriers;
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var barrier = all.Use(w, i, lane, (long)at[lane]);
            if (i.D >= 0)
                ((ulong*)(w.Registers + i.D))[lane] = (ulong)barrier.Phase;
            TChange.Do(all, w, i, lane, barrier, i.B < 0 ? 1 : Narrow(w, i, lane));
        }
        // What the warp does from here on comes after its arrival.
        if (TChange.Releases)
            w.Epoch++;
    }

    private static uint Narrow(Warp w, Instruction i, int lane) => ((uint*)(w.Registers + i.B))[lane];

    private static ulong* Addresses(Warp w, Instruction i, uint mask) =>
        SharedAddresses.Read(w, i, mask, new AddressOperand(i.A, i.Immediate, i.WideAddress), i.SecondImmediate != 0, Mbarriers.Bytes);

    private interface IChange
    {
        static abstract bool Releases { get; }

        static abstract void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count);
    }

    private readonly struct Expected : IChange
    {
        public static bool Releases => false;

        public static void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count) =>
            all.Expect(w, i, lane, barrier, count);
    }

    private readonly struct Completed : IChange
    {
        public static bool Releases => false;

        public static void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count) =>
            all.Expect(w, i, lane, barrier, -(long)count);
    }

    private readonly struct Arrived : IChange
    {
        public static bool Releases => true;

        public static void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count) =>
            all.Arrive(w, i, lane, barrier, count);
    }

    private readonly struct ArrivedExpected : IChange
    {
        public static bool Releases => true;

        public static void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count)
        {
            all.Expect(w, i, lane, barrier, count);
            all.Arrive(w, i, lane, barrier, 1);
        }
    }

    /// <summary>The thread takes part in no later phase.</summary>
    private readonly struct Dropped : IChange
    {
        public static bool Releases => true;

        public static void Do(Mbarriers all, Warp w, Instruction i, int lane, Mbarrier barrier, uint count)
        {
            if (count >= 1 && count <= barrier.Pending)
                barrier.Expected -= (int)count;
            all.Arrive(w, i, lane, barrier, count);
        }
    }
}
