using System.Numerics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Data;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>vote.sync and activemask. A is the predicate, Immediate 1 where it is negated, C the register of the members' mask.</summary>
internal static unsafe class Votes
{
    public static void AllOf(Warp w, Instruction i) => Decide(w, i, static (holds, members) => holds == members);

    public static void AnyOf(Warp w, Instruction i) => Decide(w, i, static (holds, _) => holds != 0);

    public static void Agree(Warp w, Instruction i) => Decide(w, i, static (holds, members) => holds == 0 || holds == members);

    public static void Ballot(Warp w, Instruction i)
    {
        uint lanes = w.Together(i, i.C), holds = Holds(w, i) & lanes;
        uint* members = (uint*)(w.Registers + i.C), d = (uint*)(w.Registers + i.D);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            d[lane] = holds & members[lane];
        }
    }

    /// <summary>elect.sync: the lowest member; its number in A, the predicate D for itself.</summary>
    public static void Elect(Warp w, Instruction i)
    {
        uint lanes = w.Together(i, i.C), leader = lanes & ~lanes + 1;
        if (lanes == 0)
            return;
        for (uint left = i.A < 0 ? 0 : lanes; left != 0; left &= left - 1)
            ((uint*)(w.Registers + i.A))[BitOperations.TrailingZeroCount(left)] = (uint)BitOperations.TrailingZeroCount(leader);
        PredicateForms.Set(w, i.D, lanes, leader);
    }

    /// <summary>
    /// activemask: who is here. What a device answers depends on how it happened to schedule lanes; this is the group that runs.
    /// </summary>
    public static void Active(Warp w, Instruction i)
    {
        uint lanes = w.Mask(i);
        for (uint left = lanes; left != 0; left &= left - 1)
            ((uint*)(w.Registers + i.D))[BitOperations.TrailingZeroCount(left)] = lanes;
    }

    private static uint Holds(Warp w, Instruction i) => i.Immediate != 0 ? ~w.Predicates[i.A] : w.Predicates[i.A];

    private static void Decide(Warp w, Instruction i, Func<uint, uint, bool> decide)
    {
        uint lanes = w.Together(i, i.C), holds = Holds(w, i) & lanes, result = 0;
        uint* members = (uint*)(w.Registers + i.C);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint present = members[lane] & lanes;
            if (decide(holds & present, present))
                result |= 1u << lane;
        }
        PredicateForms.Set(w, i.D, lanes, result);
    }
}
