using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>bra, brx.idx, ret, exit: PTX ISA, chapter "Control Flow Instructions".</summary>
internal static unsafe class Branches
{
    /// <summary>bra to the place D.</summary>
    public static void Branch(Warp w, Instruction i)
    {
        uint taken = w.Mask(i);
        if (taken == 0)
            return;
        if (taken != w.Active)
            w.Block.Counter?.Diverged(i);
        w.Jump(taken, i.D);
    }

    /// <summary>bra.uni: the manual leaves open what happens where some lanes go and others stay.</summary>
    public static void Uniform(Warp w, Instruction i)
    {
        uint taken = w.Mask(i);
        if (taken == 0)
            return;
        Judge(w, i, taken);
        w.Jump(taken, i.D);
    }

    /// <summary>ret and exit.</summary>
    public static void Return(Warp w, Instruction i)
    {
        uint lanes = w.Mask(i);
        if (lanes != 0)
            w.End(lanes);
    }

    public static void UniformReturn(Warp w, Instruction i)
    {
        uint lanes = w.Mask(i);
        if (lanes == 0)
            return;
        Judge(w, i, lanes);
        w.End(lanes);
    }

    /// <summary>
    /// brx.idx: lane by lane to the place of the list <see cref="Instruction.Vector"/> that A counts from 0; Immediate is 1 for .uni.
    /// </summary>
    public static void Indexed(Warp w, Instruction i)
    {
        uint left = w.Mask(i);
        if (left == 0)
            return;
        if (i.Immediate != 0)
            Judge(w, i, left);
        uint* index = (uint*)(w.Registers + i.A);
        bool parted = false;
        while (left != 0)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint same = 0, value = index[lane];
            for (uint rest = left; rest != 0; rest &= rest - 1)
            {
                int other = BitOperations.TrailingZeroCount(rest);
                if (index[other] == value)
                    same |= 1u << other;
            }
            if (value >= (uint)i.Vector.Length)
                throw w.Fault(i, lane, FindingKind.OutOfBounds, $"index {value} into a list of {i.Vector.Length} labels");
            left &= ~same;
            if (left != 0 && !parted)
            {
                parted = true;
                if (i.Immediate != 0)
                    throw Parted(w, i, same);
                w.Block.Counter?.Diverged(i);
            }
            w.Jump(same, i.Vector[value]);
        }
    }

    private static void Judge(Warp w, Instruction i, uint taken)
    {
        if (taken != w.Active)
            throw Parted(w, i, taken);
    }

    private static FindingException Parted(Warp w, Instruction i, uint taken)
    {
        uint others = w.Active & ~taken;
        return w.Fault(i, BitOperations.TrailingZeroCount(others), FindingKind.DivergentUniform,
            $"{BitOperations.PopCount(taken)} of {BitOperations.PopCount(w.Active)} lanes take a branch that is said to be uniform "
                + "(.uni); this one does not");
    }
}
