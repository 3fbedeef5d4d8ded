using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>mov between a register and its parts, the lowest first.</summary>
internal static unsafe class Packing
{
    public static void Pack(Warp w, Instruction i)
    {
        int bits = 8 * i.ElementBytes;
        ulong part = (1ul << bits) - 1;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ulong value = 0;
            for (int k = 0; k < i.Vector.Length; k++)
                value |= (PerLane.Get<uint>(w.Registers + i.Vector[k], lane) & part) << k * bits;
            if (i.WideData)
                PerLane.Set(w.Registers + i.D, lane, value);
            else
                PerLane.Set(w.Registers + i.D, lane, (uint)value);
        }
    }

    public static void Unpack(Warp w, Instruction i)
    {
        int bits = 8 * i.ElementBytes;
        ulong part = (1ul << bits) - 1;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ulong value = i.WideData ? PerLane.Get<ulong>(w.Registers + i.A, lane) : PerLane.Get<uint>(w.Registers + i.A, lane);
            for (int k = 0; k < i.Vector.Length; k++)
            {
                if (i.Vector[k] >= 0)
                    PerLane.Set(w.Registers + i.Vector[k], lane, (uint)(value >> k * bits & part));
            }
        }
    }
}
