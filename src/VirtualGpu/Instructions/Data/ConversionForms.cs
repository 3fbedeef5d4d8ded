using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>cvt: PTX ISA, chapter "Data Movement and Conversion Instructions".</summary>
internal static unsafe class ConversionForms
{
    public static void Add(InstructionTable table)
    {
        table.Add("cvt.s64.s32", &Widening.Signed, Conversion, "lw");
        table.Add("cvt.u64.u32", &Widening.Unsigned, Conversion, "lw");
    }
}
