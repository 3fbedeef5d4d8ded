using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Floats;

/// <summary>
/// Arithmetic of half floats: PTX ISA, chapter "Half Precision Floating-Point Instructions". In float, a sum or a product of two halves is
/// rounded to half as if it were exact, since float has more than twice the bits; and so is in double a product to which a third is added.
/// </summary>
internal static unsafe class HalfForms
{
    public static void Add(InstructionTable table)
    {
        foreach (string rn in (string[])["", ".rn"])
        {
            table.Add($"add{rn}.f16", &PerLane.Binary<Half, Half, Half, Sum>, Float, "hhh");
            table.Add($"sub{rn}.f16", &PerLane.Binary<Half, Half, Half, Difference>, Float, "hhh");
            table.Add($"mul{rn}.f16", &PerLane.Binary<Half, Half, Half, Product>, Float, "hhh");
        }
        table.Add("fma.rn.f16", &PerLane.Ternary<Half, Half, Half, Half, Fused>, Float, "hhhh");
        table.Add("neg.f16", &PerLane.Unary<ushort, ushort, Negated>, Float, "hh");
        table.Add("abs.f16", &PerLane.Unary<ushort, ushort, Magnitude>, Float, "hh");
        table.Add("min.f16", &PerLane.Binary<Half, Half, Half, Lesser>, Float, "hhh");
        table.Add("max.f16", &PerLane.Binary<Half, Half, Half, Greater>, Float, "hhh");
        Relation<IsEqual>("eq");
        Relation<IsUnequal>("ne");
        Relation<IsLess>("lt");
        Relation<IsLessOrEqual>("le");
        Relation<IsGreater>("gt");
        Relation<IsGreaterOrEqual>("ge");

        void Relation<TOp>(string relation)
            where TOp : struct, ILane<Half, Half, bool>
        {
            table.Add($"setp.{relation}.f16", &PerLane.Relation<Half, TOp>, Predicate, "phh");
            table.Add($"setp.{relation}u.f16", &PerLane.Relation<Half, OrNaN<TOp>>, Predicate, "phh");
        }
    }

    private readonly struct Sum : ILane<Half, Half, Half>
    {
        public static Half Of(Half a, Half b) => (Half)((float)a + (float)b);
    }

    private readonly struct Difference : ILane<Half, Half, Half>
    {
        public static Half Of(Half a, Half b) => (Half)((float)a - (float)b);
    }

    private readonly struct Product : ILane<Half, Half, Half>
    {
        public static Half Of(Half a, Half b) => (Half)((float)a * (float)b);
    }

    private readonly struct Fused : ILane<Half, Half, Half, Half>
    {
        public static Half Of(Half a, Half b, Half c) => (Half)((double)a * (double)b + (double)c);
    }

    private readonly struct Negated : ILane<ushort, ushort>
    {
        public static ushort Of(ushort a) => (ushort)(a ^ 0x8000);
    }

    private readonly struct Magnitude : ILane<ushort, ushort>
    {
        public static ushort Of(ushort a) => (ushort)(a & 0x7FFF);
    }

    private readonly struct Lesser : ILane<Half, Half, Half>
    {
        public static Half Of(Half a, Half b) => Half.MinNumber(a, b);
    }

    private readonly struct Greater : ILane<Half, Half, Half>
    {
        public static Half Of(Half a, Half b) => Half.MaxNumber(a, b);
    }

    private readonly struct IsEqual : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a == b;
    }

    private readonly struct IsUnequal : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a < b || a > b;
    }

    private readonly struct IsLess : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a < b;
    }

    private readonly struct IsLessOrEqual : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a <= b;
    }

    private readonly struct IsGreater : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a > b;
    }

    private readonly struct IsGreaterOrEqual : ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => a >= b;
    }

    private readonly struct OrNaN<TOp> : ILane<Half, Half, bool>
        where TOp : struct, ILane<Half, Half, bool>
    {
        public static bool Of(Half a, Half b) => Half.IsNaN(a) || Half.IsNaN(b) || TOp.Of(a, b);
    }
}
