using System.Numerics;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Integers;

/// <summary>Arithmetic of whole numbers: PTX ISA, chapter "Integer Arithmetic Instructions".</summary>
internal static unsafe class IntegerForms
{
    public static void Add(InstructionTable table)
    {
        Vector<int>(table, "s32", 'w');
        Vector<uint>(table, "u32", 'w');
        Vector<long>(table, "s64", 'l');
        Vector<ulong>(table, "u64", 'l');
        Narrow<short>(table, "s16");
        Narrow<ushort>(table, "u16");
        table.Add("mul.wide.s32", &Wide.Signed, Integer, "lww");
        table.Add("mul.wide.u32", &Wide.Unsigned, Integer, "lww");
        table.Add("mul.wide.s16", &PerLane.Binary<short, short, int, MultiplyWide<short, int>>, Integer, "whh");
        table.Add("mul.wide.u16", &PerLane.Binary<ushort, ushort, uint, MultiplyWide<ushort, uint>>, Integer, "whh");
        table.Add("mad.wide.s32", &PerLane.Ternary<int, int, long, long, MultiplyAddWide<int, long>>, Integer, "lwwl");
        table.Add("mad.wide.u32", &PerLane.Ternary<uint, uint, ulong, ulong, MultiplyAddWide<uint, ulong>>, Integer, "lwwl");
        table.Add("mad.wide.s16", &PerLane.Ternary<short, short, int, int, MultiplyAddWide<short, int>>, Integer, "whhw");
        table.Add("mad.wide.u16", &PerLane.Ternary<ushort, ushort, uint, uint, MultiplyAddWide<ushort, uint>>, Integer, "whhw");
        table.Add("mul24.lo.s32", &PerLane.Binary<int, int, int, Multiply24Signed>, Integer, "www");
        table.Add("mul24.lo.u32", &PerLane.Binary<uint, uint, uint, Multiply24>, Integer, "www");
        table.Add("add.sat.s32", &PerLane.Binary<int, int, int, AddSaturated>, Integer, "www");
        table.Add("sub.sat.s32", &PerLane.Binary<int, int, int, SubtractSaturated>, Integer, "www");
    }

    private static void Vector<T>(InstructionTable table, string type, char letter)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        string two = new(letter, 2), three = new(letter, 3), four = new(letter, 4);
        table.Add("add." + type, &Vectors.Binary<T, Add<T>>, Integer, three);
        table.Add("sub." + type, &Vectors.Binary<T, Subtract<T>>, Integer, three);
        table.Add("mul.lo." + type, &Vectors.Binary<T, Multiply<T>>, Integer, three);
        table.Add("mul.hi." + type, &PerLane.Binary<T, T, T, MultiplyHigh<T>>, Integer, three);
        table.Add("mad.lo." + type, &Vectors.Ternary<T, MultiplyAdd<T>>, Integer, four);
        table.Add("mad.hi." + type, &PerLane.Ternary<T, T, T, T, MultiplyAddHigh<T>>, Integer, four);
        table.Add("div." + type, &PerLane.Binary<T, T, T, Quotient<T>>, Integer, three);
        table.Add("rem." + type, &PerLane.Binary<T, T, T, Remainder<T>>, Integer, three);
        table.Add("min." + type, &Vectors.Binary<T, Smaller<T>>, Integer, three);
        table.Add("max." + type, &Vectors.Binary<T, Larger<T>>, Integer, three);
        table.Add("neg." + type, &Vectors.Unary<T, Negate<T>>, Integer, two);
        table.Add("abs." + type, &Vectors.Unary<T, Absolute<T>>, Integer, two);
        table.Add("sad." + type, &PerLane.Ternary<T, T, T, T, AbsoluteDifference<T>>, Integer, four);
    }

    private static void Narrow<T>(InstructionTable table, string type)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        table.Add("add." + type, &PerLane.Binary<T, T, T, LaneAdd<T>>, Integer, "hhh");
        table.Add("sub." + type, &PerLane.Binary<T, T, T, LaneSubtract<T>>, Integer, "hhh");
        table.Add("mul.lo." + type, &PerLane.Binary<T, T, T, LaneMultiply<T>>, Integer, "hhh");
        table.Add("mul.hi." + type, &PerLane.Binary<T, T, T, MultiplyHigh<T>>, Integer, "hhh");
        table.Add("mad.lo." + type, &PerLane.Ternary<T, T, T, T, LaneMultiplyAdd<T>>, Integer, "hhhh");
        table.Add("mad.hi." + type, &PerLane.Ternary<T, T, T, T, MultiplyAddHigh<T>>, Integer, "hhhh");
        table.Add("div." + type, &PerLane.Binary<T, T, T, Quotient<T>>, Integer, "hhh");
        table.Add("rem." + type, &PerLane.Binary<T, T, T, Remainder<T>>, Integer, "hhh");
        table.Add("min." + type, &PerLane.Binary<T, T, T, LaneSmaller<T>>, Integer, "hhh");
        table.Add("max." + type, &PerLane.Binary<T, T, T, LaneLarger<T>>, Integer, "hhh");
        table.Add("neg." + type, &PerLane.Unary<T, T, LaneNegate<T>>, Integer, "hh");
        table.Add("abs." + type, &PerLane.Unary<T, T, LaneAbsolute<T>>, Integer, "hh");
        table.Add("sad." + type, &PerLane.Ternary<T, T, T, T, AbsoluteDifference<T>>, Integer, "hhhh");
    }
}
