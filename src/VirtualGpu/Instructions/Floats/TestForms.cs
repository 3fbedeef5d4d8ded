using System.Numerics;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Floats;

/// <summary>testp: what kind a float is; copysign: the second operand's magnitude with the first one's sign.</summary>
internal static unsafe class TestForms
{
    public static void Add(InstructionTable table)
    {
        Of<float>("f32", 'f');
        Of<double>("f64", 'd');

        void Of<T>(string type, char letter)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            string shape = "p" + letter;
            table.Add("testp.finite." + type, &PerLane.Test<T, Finite<T>>, Predicate, shape);
            table.Add("testp.infinite." + type, &PerLane.Test<T, Infinite<T>>, Predicate, shape);
            table.Add("testp.number." + type, &PerLane.Test<T, Number<T>>, Predicate, shape);
            table.Add("testp.notanumber." + type, &PerLane.Test<T, NotANumber<T>>, Predicate, shape);
            table.Add("testp.normal." + type, &PerLane.Test<T, Normal<T>>, Predicate, shape);
            table.Add("testp.subnormal." + type, &PerLane.Test<T, Subnormal<T>>, Predicate, shape);
            table.Add("copysign." + type, &PerLane.Binary<T, T, T, SignCopied<T>>, Float, new string(letter, 3));
        }
    }

    private readonly struct Finite<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => T.IsFinite(a);
    }

    private readonly struct Infinite<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => T.IsInfinity(a);
    }

    private readonly struct Number<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => !T.IsNaN(a);
    }

    private readonly struct NotANumber<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => T.IsNaN(a);
    }

    private readonly struct Normal<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => T.IsNormal(a);
    }

    private readonly struct Subnormal<T> : ILane<T, bool>
        where T : IFloatingPointIeee754<T>
    {
        public static bool Of(T a) => T.IsSubnormal(a);
    }

    private readonly struct SignCopied<T> : ILane<T, T, T>
        where T : IFloatingPointIeee754<T>
    {
        public static T Of(T a, T b) => T.CopySign(b, a);
    }
}
