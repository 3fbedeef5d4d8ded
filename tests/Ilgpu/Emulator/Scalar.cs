using BDense.Kernels.Ilgpu;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>The PTX instructions of one lane that give one value.</summary>
internal static class Scalar
{
    public static ulong Evaluate(PtxInstruction i, int lane, Func<string, int, ulong> get, Func<PtxInstruction, int, ulong> load)
    {
        ulong Arg(int k) => get(i.Operands[k], lane);
        int A() => (int)(uint)Arg(1);
        int B() => (int)(uint)Arg(2);
        string type = i.Op[^1];
        bool wide = type.EndsWith("64", StringComparison.Ordinal);
        ulong Narrow(long value) => wide ? (ulong)value : (uint)value;
        switch (i.Op[0])
        {
            case "ld":
                return load(i, lane);
            case "mov" or "cvta":
                return Arg(1);
            case "mad" when i.Op[1] == "lo":
                return Narrow((long)Arg(1) * (long)Arg(2) + (long)Arg(3));
            case "sub" when type == "f32":
                return Bits(Float(Arg(1)) - Float(Arg(2)));
            case "neg" when type == "f32":
                return Bits(-Float(Arg(1)));
            case "max" when type == "f32":
                return Bits(MathF.Max(Float(Arg(1)), Float(Arg(2))));
            case "min" when type == "f32":
                return Bits(MathF.Min(Float(Arg(1)), Float(Arg(2))));
            case "lg2" when type == "f32":
                return Bits((float)Math.Log2(Float(Arg(1))));
            case "add" when type == "f32":
                return Bits(Float(Arg(1)) + Float(Arg(2)));
            case "mul" when type == "f32":
                return Bits(Float(Arg(1)) * Float(Arg(2)));
            case "fma" when type == "f32":
                return Bits(MathF.FusedMultiplyAdd(Float(Arg(1)), Float(Arg(2)), Float(get(i.Operands[3], lane))));
            case "sub" when type == "f32":
                return Bits(Float(Arg(1)) - Float(Arg(2)));
            case "max" when type == "f32":
                return Bits(MaxNumber(Float(Arg(1)), Float(Arg(2))));
            case "neg" when type == "f32":
                return Bits(-Float(Arg(1)));
            case "lg2" when type == "f32":
                return Bits((float)Math.Log2(Float(Arg(1))));
            case "ex2" when type == "f32":
                return Bits((float)Math.Pow(2, Float(Arg(1))));
            case "rcp" when type == "f32":
                return Bits((float)(1.0 / Float(Arg(1))));
            case "add":
                return Narrow((long)Arg(1) + (long)Arg(2));
            case "sub":
                return Narrow((long)Arg(1) - (long)Arg(2));
            case "mul" when i.Op[1] == "wide":
                return type == "u32" ? (ulong)(uint)Arg(1) * (uint)Arg(2) : (ulong)((long)A() * B());
            case "mul":
                return Narrow((long)Arg(1) * (long)Arg(2));
            case "div" when type == "s32":
                return (uint)(A() / B());
            case "div" when type == "u32":
                return (uint)Arg(1) / (uint)Arg(2);
            case "rem" when type == "s32":
                return (uint)(A() % B());
            case "shl":
                return Narrow((long)(Arg(1) << (int)Arg(2)));
            case "shr" when type == "s32":
                return (uint)(A() >> B());
            case "shr":
                return Arg(1) >> (int)Arg(2);
            case "and":
                return Arg(1) & Arg(2);
            case "or":
                return Arg(1) | Arg(2);
            case "xor":
                return Arg(1) ^ Arg(2);
            case "not" when type == "pred":
                return Arg(1) == 0 ? 1u : 0u;
            case "min" when type == "s32":
                return (uint)Math.Min(A(), B());
            case "max" when type == "s32":
                return (uint)Math.Max(A(), B());
            case "cvt" when i.Op[1] == "s64" && type == "s32":
                return (ulong)(long)A();
            case "cvt" when i.Op[1] == "s32" && type == "s64":
                return (uint)Arg(1);
            case "cvt" when i.Op[1] == "u64" && type == "u32":
                return (uint)Arg(1);
            case "cvt" when i.Op[2] == "bf16x2":
                return IlgpuBackend.RoundBFloat16(Float(Arg(1))) << 16 | IlgpuBackend.RoundBFloat16(Float(Arg(2)));
            case "selp":
                return get(i.Operands[3], lane) != 0 ? Arg(1) : Arg(2);
            case "setp":
                return Compare(i.Op[1], type, Arg(1), Arg(2)) ? 1u : 0u;
            default:
                throw new NotSupportedException($"'{i.Text}' is not among the instructions that the emulator knows");
        }
    }

    private static bool Compare(string relation, string type, ulong a, ulong b)
    {
        if (type == "f32" && relation is "eq" or "neu")
            return Float(a) == Float(b) == (relation == "eq");
        if (type == "f32")
        {
            var (x, y) = (Float(a), Float(b));
            return relation switch { "lt" => x < y, "le" => x <= y, "gt" => x > y, "ge" => x >= y, _ => throw new NotSupportedException($"setp.{relation} of f32") };
        }
        int order = type switch
        {
            "s32" => ((int)(uint)a).CompareTo((int)(uint)b),
            "u32" or "b32" => ((uint)a).CompareTo((uint)b),
            "s64" => ((long)a).CompareTo((long)b),
            _ => throw new NotSupportedException($"setp of {type}"),
        };
        return relation switch
        {
            "eq" => order == 0,
            "ne" => order != 0,
            "lt" or "lo" => order < 0,
            "le" or "ls" => order <= 0,
            "gt" or "hi" => order > 0,
            "ge" or "hs" => order >= 0,
            _ => throw new NotSupportedException($"setp.{relation}"),
        };
    }

    /// <summary>PTX's max: of a NaN and a number, the number.</summary>
    private static float MaxNumber(float a, float b) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : MathF.Max(a, b);

    private static float Float(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);
}
