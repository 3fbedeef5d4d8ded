using BDense.VirtualGpu.Execution;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Floats;

/// <summary>
/// Arithmetic of floats: PTX ISA, chapter "Floating-Point Instructions". Rounds to nearest even. Products and sums that a compiler may
/// contract (no <c>.rn</c>) are not contracted.
/// </summary>
internal static unsafe class FloatForms
{
    private static readonly string[] Rounded = ["", ".rn"];

    public static void Add(InstructionTable table)
    {
        AddSingle(table);
        foreach (string rn in Rounded)
        {
            table.Add($"add{rn}.f64", &Vectors.Binary<double, Add<double>>, InstructionClass.Double, "ddd");
            table.Add($"sub{rn}.f64", &Vectors.Binary<double, Subtract<double>>, InstructionClass.Double, "ddd");
            table.Add($"mul{rn}.f64", &Vectors.Binary<double, Multiply<double>>, InstructionClass.Double, "ddd");
        }
        table.Add("div.rn.f64", &Vectors.Binary<double, Divide<double>>, InstructionClass.Double, "ddd");
        table.Add("rcp.rn.f64", &Vectors.Unary<double, ReciprocalDouble>, InstructionClass.Double, "dd");
        table.Add("sqrt.rn.f64", &Vectors.Unary<double, SquareRoot<double>>, InstructionClass.Double, "dd");
        table.Add("fma.rn.f64", &Vectors.Ternary<double, FusedDouble>, InstructionClass.Double, "dddd");
        table.Add("mad.rn.f64", &Vectors.Ternary<double, FusedDouble>, InstructionClass.Double, "dddd");
        table.Add("min.f64", &Vectors.Binary<double, MinNumber<double>>, InstructionClass.Double, "ddd");
        table.Add("max.f64", &Vectors.Binary<double, MaxNumber<double>>, InstructionClass.Double, "ddd");
        table.Add("neg.f64", &Vectors.Unary<double, Negate<double>>, InstructionClass.Double, "dd");
        table.Add("abs.f64", &Vectors.Unary<double, Absolute<double>>, InstructionClass.Double, "dd");
    }

    private static void AddSingle(InstructionTable table)
    {
        foreach (string rn in Rounded)
        {
            Binary<Add<float>>("add" + rn);
            Binary<Subtract<float>>("sub" + rn);
            Binary<Multiply<float>>("mul" + rn);
        }
        foreach (string div in (string[])["div.rn", "div.full", "div.approx"])
        {
            table.Add(div + ".f32", &Vectors.Binary<float, Divide<float>>, Float, "fff");
            table.Add(div + ".ftz.f32", &Vectors.Binary<float, Flush2<Divide<float>>>, Float, "fff");
        }
        foreach (string fma in (string[])["fma.rn", "mad.rn"])
        {
            table.Add(fma + ".f32", &Vectors.Ternary<float, Fused>, Float, "ffff");
            table.Add(fma + ".ftz.f32", &Vectors.Ternary<float, Flush3<Fused>>, Float, "ffff");
            table.Add(fma + ".sat.f32", &Vectors.Ternary<float, Saturate3<Fused>>, Float, "ffff");
            table.Add(fma + ".ftz.sat.f32", &Vectors.Ternary<float, Saturate3<Flush3<Fused>>>, Float, "ffff");
        }
        table.Add("min.f32", &Vectors.Binary<float, MinNumber<float>>, Float, "fff");
        table.Add("max.f32", &Vectors.Binary<float, MaxNumber<float>>, Float, "fff");
        table.Add("min.ftz.f32", &Vectors.Binary<float, Flush2<MinNumber<float>>>, Float, "fff");
        table.Add("max.ftz.f32", &Vectors.Binary<float, Flush2<MaxNumber<float>>>, Float, "fff");
        table.Add("min.NaN.f32", &Vectors.Binary<float, Smaller<float>>, Float, "fff");
        table.Add("max.NaN.f32", &Vectors.Binary<float, Larger<float>>, Float, "fff");
        Unary<Negate<float>>("neg", Float);
        Unary<Absolute<float>>("abs", Float);
        Unary<SquareRoot<float>>("sqrt.rn", Special);
        Unary<SquareRoot<float>>("sqrt.approx", Special);
        Unary<Reciprocal>("rcp.rn", Special);
        Unary<Reciprocal>("rcp.approx", Special);

        void Binary<TOp>(string op)
            where TOp : struct, IBinary<float>
        {
            table.Add(op + ".f32", &Vectors.Binary<float, TOp>, Float, "fff");
            table.Add(op + ".ftz.f32", &Vectors.Binary<float, Flush2<TOp>>, Float, "fff");
            table.Add(op + ".sat.f32", &Vectors.Binary<float, Saturate2<TOp>>, Float, "fff");
            table.Add(op + ".ftz.sat.f32", &Vectors.Binary<float, Saturate2<Flush2<TOp>>>, Float, "fff");
        }

        void Unary<TOp>(string op, InstructionClass kind)
            where TOp : struct, IUnary<float>
        {
            table.Add(op + ".f32", &Vectors.Unary<float, TOp>, kind, "ff");
            table.Add(op + ".ftz.f32", &Vectors.Unary<float, Flush1<TOp>>, kind, "ff");
        }
    }
}
