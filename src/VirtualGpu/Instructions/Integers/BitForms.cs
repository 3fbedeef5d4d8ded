using System.Numerics;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Integers;

/// <summary>Bits: PTX ISA, "Logic and Shift Instructions" and popc, clz, brev, bfind, bfe, bfi, prmt, lop3.</summary>
internal static unsafe class BitForms
{
    public static void Add(InstructionTable table)
    {
        Logic<uint>(table, "b32", 'w');
        Logic<ulong>(table, "b64", 'l');
        // A word's lower half is what it would be for 16 bits.
        Logic<uint>(table, "b16", 'h');
        table.Add("popc.b32", &PerLane.Unary<uint, uint, Ones<uint>>, Integer, "ww");
        table.Add("popc.b64", &PerLane.Unary<ulong, uint, Ones<ulong>>, Integer, "wl");
        table.Add("clz.b32", &PerLane.Unary<uint, uint, LeadingZeros<uint>>, Integer, "ww");
        table.Add("clz.b64", &PerLane.Unary<ulong, uint, LeadingZeros<ulong>>, Integer, "wl");
        table.Add("brev.b32", &PerLane.Unary<uint, uint, Reversed<uint>>, Integer, "ww");
        table.Add("brev.b64", &PerLane.Unary<ulong, ulong, Reversed<ulong>>, Integer, "ll");
        table.Add("bfind.u32", &PerLane.Unary<uint, uint, Highest<uint>>, Integer, "ww");
        table.Add("bfind.s32", &PerLane.Unary<int, uint, Highest<int>>, Integer, "ww");
        table.Add("bfind.u64", &PerLane.Unary<ulong, uint, Highest<ulong>>, Integer, "wl");
        table.Add("bfind.s64", &PerLane.Unary<long, uint, Highest<long>>, Integer, "wl");
        table.Add("bfe.u32", &PerLane.Ternary<uint, uint, uint, uint, Field<uint>>, Integer, "wwww");
        table.Add("bfe.s32", &PerLane.Ternary<int, uint, uint, int, Field<int>>, Integer, "wwww");
        table.Add("bfe.u64", &PerLane.Ternary<ulong, uint, uint, ulong, Field<ulong>>, Integer, "llww");
        table.Add("bfe.s64", &PerLane.Ternary<long, uint, uint, long, Field<long>>, Integer, "llww");
        table.Add("bfi.b32", &Insertion.Run<uint>, Integer, "wwwww");
        table.Add("bfi.b64", &Insertion.Run<ulong>, Integer, "lllww");
        table.Add("prmt.b32", &PerLane.Ternary<uint, uint, uint, uint, Permuted>, Integer, "wwww");
        table.Add("lop3.b32", &Insertion.Logic, Integer, "wwwww");
    }

    private static void Logic<T>(InstructionTable table, string type, char letter)
        where T : unmanaged
    {
        string three = new(letter, 3);
        table.Add("and." + type, &Vectors.Binary<T, And<T>>, Integer, three);
        table.Add("or." + type, &Vectors.Binary<T, Or<T>>, Integer, three);
        table.Add("xor." + type, &Vectors.Binary<T, Xor<T>>, Integer, three);
        table.Add("not." + type, &Vectors.Unary<T, Not<T>>, Integer, new string(letter, 2));
    }

    private readonly struct Ones<T> : ILane<T, uint>
        where T : IBinaryInteger<T>
    {
        public static uint Of(T a) => uint.CreateTruncating(T.PopCount(a));
    }

    private readonly struct LeadingZeros<T> : ILane<T, uint>
        where T : IBinaryInteger<T>
    {
        public static uint Of(T a) => uint.CreateTruncating(T.LeadingZeroCount(a));
    }

    private readonly struct Reversed<T> : ILane<T, T>
        where T : unmanaged, IBinaryInteger<T>
    {
        public static T Of(T a)
        {
            var result = T.Zero;
            for (int bit = 0; bit < 8 * sizeof(T); bit++)
                result = result << 1 | (a >> bit & T.One);
            return result;
        }
    }

    /// <summary>The place of the highest one, of negative numbers the highest zero; all bits set where there is none.</summary>
    private readonly struct Highest<T> : ILane<T, uint>
        where T : unmanaged, IBinaryInteger<T>
    {
        public static uint Of(T a) => (uint)(8 * sizeof(T) - 1 - int.CreateTruncating(T.LeadingZeroCount(T.IsNegative(a) ? ~a : a)));
    }

    /// <summary>c bits of a from bit b on, both modulo 256; beyond the top comes the sign (0 for unsigned types).</summary>
    private readonly struct Field<T> : ILane<T, uint, uint, T>
        where T : unmanaged, IBinaryInteger<T>
    {
        public static T Of(T a, uint b, uint c)
        {
            int width = 8 * sizeof(T), first = (int)(b & 255), count = (int)(c & 255);
            if (count == 0)
                return T.Zero;
            var sign = T.IsNegative(a) ? T.AllBitsSet : T.Zero;
            // For signed types the field's own highest bit is repeated.
            int top = Math.Min(first + count - 1, width - 1);
            var shifted = first >= width ? sign : a >> first;
            if (count >= width || first + count > width)
                return shifted;
            bool negative = T.IsNegative(T.AllBitsSet) && (a >> top & T.One) != T.Zero;
            var mask = (T.One << count) - T.One;
            return negative ? shifted | ~mask : shifted & mask;
        }
    }

    /// <summary>
    /// Four bytes of the eight of (b, a), chosen by the lower four nibbles of c; a nibble's highest bit repeats the byte's sign.
    /// </summary>
    private readonly struct Permuted : ILane<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c)
        {
            ulong both = (ulong)b << 32 | a;
            uint result = 0;
            for (int k = 0; k < 4; k++)
            {
                uint choice = c >> 4 * k & 15;
                uint chosen = (uint)(both >> 8 * (int)(choice & 7)) & 255;
                if (choice > 7)
                    chosen = (chosen & 128) != 0 ? 255u : 0;
                result |= chosen << 8 * k;
            }
            return result;
        }
    }
}
