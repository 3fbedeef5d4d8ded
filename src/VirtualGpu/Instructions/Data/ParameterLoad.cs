using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>ld.param: bytes of the packed arguments, the same for all lanes.</summary>
internal static unsafe class ParameterLoad
{
    /// <summary>What is missing to the register's width is filled with zeros.</summary>
    public static void Plain(Warp w, Instruction i)
    {
        for (int k = 0; k < i.Vector.Length; k++)
            Fill(w, i, i.Vector[k], Read(w, i, k));
    }

    /// <summary>With the sign.</summary>
    public static void Signed(Warp w, Instruction i)
    {
        int unused = 64 - 8 * i.ElementBytes;
        for (int k = 0; k < i.Vector.Length; k++)
            Fill(w, i, i.Vector[k], (ulong)((long)Read(w, i, k) << unused >> unused));
    }

    private static ulong Read(Warp w, Instruction i, int element)
    {
        byte* from = w.Block.Arguments + i.Immediate + element * i.ElementBytes;
        return i.ElementBytes switch
        {
            1 => *from,
            2 => *(ushort*)from,
            4 => *(uint*)from,
            _ => *(ulong*)from,
        };
    }

    private static void Fill(Warp w, Instruction i, int register, ulong value)
    {
        byte* to = w.Registers + register;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (i.WideData)
                PerLane.Set(to, lane, value);
            else
                PerLane.Set(to, lane, (uint)value);
        }
    }
}
