using System.Numerics;
using BDense.VirtualGpu.Instructions.Floats;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>cvt: PTX ISA, chapter "Data Movement and Conversion Instructions".</summary>
internal static unsafe class ConversionForms
{
    public static void Add(InstructionTable table)
    {
        FromWhole<sbyte>(table, "s8", 'h');
        FromWhole<byte>(table, "u8", 'h');
        FromWhole<short>(table, "s16", 'h');
        FromWhole<ushort>(table, "u16", 'h');
        FromWhole<int>(table, "s32", 'w');
        FromWhole<uint>(table, "u32", 'w');
        FromWhole<long>(table, "s64", 'l');
        FromWhole<ulong>(table, "u64", 'l');
        FromFloat<float>(table, "f32", 'f');
        FromFloat<double>(table, "f64", 'd');
        FromFloat<Half>(table, "f16", 'h');
        BetweenFloats(table);
        table.Add("cvt.rn.bf16x2.f32", &BFloat16.Pair, Conversion, "wff");
        table.Add("cvt.rn.bf16.f32", &PerLane.Unary<float, ushort, BFloat16.Rounded>, Conversion, "hf");
        table.Add("cvt.f32.bf16", &PerLane.Unary<ushort, uint, BFloat16.Widened>, Conversion, "fh");
        table.Add("cvt.rn.f16x2.f32", &PerLane.Binary<float, float, uint, HalfPair>, Conversion, "wff");
        table.Add("cvt.rna.tf32.f32", &PerLane.Unary<uint, uint, ToTf32>, Conversion, "wf");
    }

    private static void FromWhole<T>(InstructionTable table, string type, char letter)
        where T : unmanaged, IBinaryInteger<T>
    {
        To<long>("s64", 'l');
        To<ulong>("u64", 'l');
        To<sbyte>("s8", 'h');
        To<byte>("u8", 'h');
        To<short>("s16", 'h');
        To<ushort>("u16", 'h');
        To<int>("s32", 'w');
        To<uint>("u32", 'w');
        ToFloat<float>("f32", 'f');
        ToFloat<double>("f64", 'd');
        ToFloat<Half>("f16", 'h');

        void To<TR>(string to, char toLetter)
            where TR : unmanaged, IBinaryInteger<TR>
        {
            // What addresses are made of has vectors.
            if (typeof(T) == typeof(int) && typeof(TR) == typeof(long))
                table.Add("cvt.s64.s32", &Widening.Signed, Conversion, "lw");
            else if (typeof(T) == typeof(uint) && typeof(TR) == typeof(ulong))
                table.Add("cvt.u64.u32", &Widening.Unsigned, Conversion, "lw");
            else
                table.Add($"cvt.{to}.{type}", &PerLane.Unary<T, TR, Cut<T, TR>>, Conversion, $"{toLetter}{letter}");
            table.Add($"cvt.sat.{to}.{type}", &PerLane.Unary<T, TR, Clamped<T, TR>>, Conversion, $"{toLetter}{letter}");
        }

        void ToFloat<TR>(string to, char toLetter)
            where TR : unmanaged, IFloatingPointIeee754<TR>
        {
            table.Add($"cvt.rn.{to}.{type}", &PerLane.Unary<T, TR, Nearest<T, TR>>, Conversion, $"{toLetter}{letter}");
            table.Add($"cvt.rz.{to}.{type}", &PerLane.Unary<T, TR, WholeTowards<T, TR, Truncated>>, Conversion, $"{toLetter}{letter}");
            table.Add($"cvt.rm.{to}.{type}", &PerLane.Unary<T, TR, WholeTowards<T, TR, Floored>>, Conversion, $"{toLetter}{letter}");
            table.Add($"cvt.rp.{to}.{type}", &PerLane.Unary<T, TR, WholeTowards<T, TR, Raised>>, Conversion, $"{toLetter}{letter}");
        }
    }

    private static void FromFloat<T>(InstructionTable table, string type, char letter)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Rounding<RoundedEven>("rni");
        Rounding<Truncated>("rzi");
        Rounding<Floored>("rmi");
        Rounding<Raised>("rpi");

        void Rounding<TRound>(string rounding)
            where TRound : struct, IRounding
        {
            Whole<TRound>(rounding);
            Whole<TRound>(rounding + ".sat");
            if (type != "f32")
                return;
            Whole<Flushed<TRound>>(rounding + ".ftz");
            Whole<Flushed<TRound>>(rounding + ".ftz.sat");
        }

        void Whole<TRound>(string how)
            where TRound : struct, IRounding
        {
            To<sbyte, TRound>(how, "s8", 'h');
            To<byte, TRound>(how, "u8", 'h');
            To<short, TRound>(how, "s16", 'h');
            To<ushort, TRound>(how, "u16", 'h');
            To<int, TRound>(how, "s32", 'w');
            To<uint, TRound>(how, "u32", 'w');
            To<long, TRound>(how, "s64", 'l');
            To<ulong, TRound>(how, "u64", 'l');
            if (!how.Contains("sat", StringComparison.Ordinal))
                table.Add($"cvt.{how}.{type}.{type}", &PerLane.Unary<T, T, ToWholeFloat<T, TRound>>, Conversion, new string(letter, 2));
        }

        void To<TR, TRound>(string how, string to, char toLetter)
            where TR : unmanaged, IBinaryInteger<TR>
            where TRound : struct, IRounding =>
            table.Add($"cvt.{how}.{to}.{type}", &PerLane.Unary<T, TR, ToWhole<T, TR, TRound>>, Conversion, $"{toLetter}{letter}");
    }

    private static void BetweenFloats(InstructionTable table)
    {
        table.Add("cvt.f32.f32", &Vectors.Unary<float, Copy<float>>, Conversion, "ff");
        table.Add("cvt.ftz.f32.f32", &Vectors.Unary<float, Flush1<Copy<float>>>, Conversion, "ff");
        table.Add("cvt.sat.f32.f32", &Vectors.Unary<float, Saturate1>, Conversion, "ff");
        table.Add("cvt.f64.f64", &Vectors.Unary<double, Copy<double>>, Conversion, "dd");
        table.Add("cvt.f64.f32", &PerLane.Unary<float, double, Nearer<float, double>>, Conversion, "df");
        table.Add("cvt.ftz.f64.f32", &PerLane.Unary<float, double, FlushedDouble>, Conversion, "df");
        table.Add("cvt.f32.f16", &PerLane.Unary<Half, float, Nearer<Half, float>>, Conversion, "fh");
        table.Add("cvt.f64.f16", &PerLane.Unary<Half, double, Nearer<Half, double>>, Conversion, "dh");
        Narrow<double, float>("f32.f64", "fd");
        Narrow<float, Half>("f16.f32", "hf");
        Narrow<double, Half>("f16.f64", "hd");
        table.Add("cvt.rn.ftz.f32.f64", &PerLane.Unary<double, float, FlushedSingle>, Conversion, "fd");

        void Narrow<T, TR>(string types, string shape)
            where T : unmanaged, IFloatingPointIeee754<T>
            where TR : unmanaged, IFloatingPointIeee754<TR>
        {
            table.Add("cvt.rn." + types, &PerLane.Unary<T, TR, Nearer<T, TR>>, Conversion, shape);
            table.Add("cvt.rz." + types, &PerLane.Unary<T, TR, Towards<T, TR, Truncated>>, Conversion, shape);
            table.Add("cvt.rm." + types, &PerLane.Unary<T, TR, Towards<T, TR, Floored>>, Conversion, shape);
            table.Add("cvt.rp." + types, &PerLane.Unary<T, TR, Towards<T, TR, Raised>>, Conversion, shape);
        }
    }
}
