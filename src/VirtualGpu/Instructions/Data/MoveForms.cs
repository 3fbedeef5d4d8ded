using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>mov, cvta and selp; packing and unpacking is <see cref="Packing"/>.</summary>
internal static unsafe class MoveForms
{
    public static void Add(InstructionTable table)
    {
        foreach (string type in (string[])["b32", "u32", "s32"])
        {
            table.Add("mov." + type, &Vectors.Unary<uint, Copy<uint>>, InstructionClass.Move, "ww");
            table.Add("selp." + type, &Selection.Run<uint>, InstructionClass.Move, "wwwp");
        }
        table.Add("mov.f32", &Vectors.Unary<uint, Copy<uint>>, InstructionClass.Move, "ff");
        table.Add("selp.f32", &Selection.Run<uint>, InstructionClass.Move, "fffp");
        foreach (string type in (string[])["b64", "u64", "s64"])
        {
            table.Add("mov." + type, &Vectors.Unary<ulong, Copy<ulong>>, InstructionClass.Move, "ll");
            table.Add("selp." + type, &Selection.Run<ulong>, InstructionClass.Move, "lllp");
        }
        table.Add("mov.f64", &Vectors.Unary<ulong, Copy<ulong>>, InstructionClass.Move, "dd");
        table.Add("selp.f64", &Selection.Run<ulong>, InstructionClass.Move, "dddp");
        foreach (string type in (string[])["b16", "u16", "s16"])
        {
            table.Add("mov." + type, &Vectors.Unary<uint, Copy<uint>>, InstructionClass.Move, "hh");
            table.Add("selp." + type, &Selection.Run<uint>, InstructionClass.Move, "hhhp");
        }
        foreach (string op in (string[])["cvta.to.global.u64", "cvta.global.u64", "cvta.param.u64", "cvta.to.param.u64", "cvta.const.u64",
            "cvta.to.const.u64"])
            table.Add(op, &Vectors.Unary<ulong, Copy<ulong>>, InstructionClass.Move, "ll");
        table.Add("cvta.shared.u64", &PerLane.Unary<ulong, ulong, FromShared>, InstructionClass.Move, "ll");
        table.Add("cvta.to.shared.u64", &PerLane.Unary<ulong, ulong, ToShared>, InstructionClass.Move, "ll");
        table.Add("cvta.local.u64", &PerLane.Unary<ulong, ulong, FromLocal>, InstructionClass.Move, "ll");
        table.Add("cvta.to.local.u64", &PerLane.Unary<ulong, ulong, ToLocal>, InstructionClass.Move, "ll");
    }

    private readonly struct FromShared : ILane<ulong, ulong>
    {
        public static ulong Of(ulong a) => a + GenericAddress.Shared;
    }

    private readonly struct ToShared : ILane<ulong, ulong>
    {
        public static ulong Of(ulong a) => a - GenericAddress.Shared;
    }

    private readonly struct FromLocal : ILane<ulong, ulong>
    {
        public static ulong Of(ulong a) => a + GenericAddress.Local;
    }

    private readonly struct ToLocal : ILane<ulong, ulong>
    {
        public static ulong Of(ulong a) => a - GenericAddress.Local;
    }
}
