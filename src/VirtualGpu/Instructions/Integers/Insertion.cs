using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Integers;

/// <summary>What takes four sources: the fourth is <see cref="Instruction.Vector"/>'s first.</summary>
internal static unsafe class Insertion
{
    /// <summary>bfi d, a, b, c, length: b with so many bits of a from bit c on, both modulo 256.</summary>
    public static void Run<T>(Warp w, Instruction i)
        where T : unmanaged, IBinaryInteger<T>
    {
        byte* r = w.Registers;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            int first = PerLane.Get<int>(r + i.C, lane) & 255, count = PerLane.Get<int>(r + i.Vector[0], lane) & 255, width = 8 * sizeof(T);
            var (from, into) = (PerLane.Get<T>(r + i.A, lane), PerLane.Get<T>(r + i.B, lane));
            if (count > 0 && first < width)
            {
                var mask = (count >= width ? T.AllBitsSet : (T.One << count) - T.One) << first;
                into = into & ~mask | from << first & mask;
            }
            PerLane.Set(r + i.D, lane, into);
        }
    }

    /// <summary>
    /// lop3.b32 d, a, b, c, table: bit k of the table is the result where the bits of a, b, c are those of k (a the highest).
    /// </summary>
    public static void Logic(Warp w, Instruction i)
    {
        byte* r = w.Registers;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint a = PerLane.Get<uint>(r + i.A, lane), b = PerLane.Get<uint>(r + i.B, lane), c = PerLane.Get<uint>(r + i.C, lane),
                table = PerLane.Get<uint>(r + i.Vector[0], lane);
            uint result = 0;
            for (int k = 0; k < 8; k++)
            {
                if ((table >> k & 1) != 0)
                    result |= ((k & 4) != 0 ? a : ~a) & ((k & 2) != 0 ? b : ~b) & ((k & 1) != 0 ? c : ~c);
            }
            PerLane.Set(r + i.D, lane, result);
        }
    }
}
