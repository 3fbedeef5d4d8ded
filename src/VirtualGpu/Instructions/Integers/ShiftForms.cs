using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Integers;

/// <summary>shl and shr: distances beyond the width shift everything out (PTX ISA, "Logic and Shift Instructions"), unlike C#'s.</summary>
internal static unsafe class ShiftForms
{
    public static void Add(InstructionTable table)
    {
        table.Add("shl.b32", Avx2.IsSupported ? &Vectors.Binary<uint, VectorLeft> : &PerLane.Binary<uint, uint, uint, Left<uint>>,
            Integer, "www");
        foreach (string type in (string[])["b32", "u32"])
            table.Add("shr." + type, Avx2.IsSupported ? &Vectors.Binary<uint, VectorRight> : &PerLane.Binary<uint, uint, uint, Right<uint>>,
                Integer, "www");
        table.Add("shr.s32", Avx2.IsSupported ? &Vectors.Binary<uint, VectorRightSigned> : &PerLane.Binary<int, uint, int, Right<int>>,
            Integer, "www");
        table.Add("shl.b64", &PerLane.Binary<ulong, uint, ulong, Left<ulong>>, Integer, "llw");
        table.Add("shr.b64", &PerLane.Binary<ulong, uint, ulong, Right<ulong>>, Integer, "llw");
        table.Add("shr.u64", &PerLane.Binary<ulong, uint, ulong, Right<ulong>>, Integer, "llw");
        table.Add("shr.s64", &PerLane.Binary<long, uint, long, Right<long>>, Integer, "llw");
        table.Add("shl.b16", &PerLane.Binary<ushort, uint, ushort, Left<ushort>>, Integer, "hhw");
        table.Add("shr.b16", &PerLane.Binary<ushort, uint, ushort, Right<ushort>>, Integer, "hhw");
        table.Add("shr.u16", &PerLane.Binary<ushort, uint, ushort, Right<ushort>>, Integer, "hhw");
        table.Add("shr.s16", &PerLane.Binary<short, uint, short, Right<short>>, Integer, "hhw");
        table.Add("shf.l.clamp.b32", &PerLane.Ternary<uint, uint, uint, uint, FunnelLeftClamped>, Integer, "wwww");
        table.Add("shf.l.wrap.b32", &PerLane.Ternary<uint, uint, uint, uint, FunnelLeft>, Integer, "wwww");
        table.Add("shf.r.clamp.b32", &PerLane.Ternary<uint, uint, uint, uint, FunnelRightClamped>, Integer, "wwww");
        table.Add("shf.r.wrap.b32", &PerLane.Ternary<uint, uint, uint, uint, FunnelRight>, Integer, "wwww");
    }

    private readonly struct VectorLeft : IBinary<uint>
    {
        public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b) => Avx2.ShiftLeftLogicalVariable(a, b);
    }

    private readonly struct VectorRight : IBinary<uint>
    {
        public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b) => Avx2.ShiftRightLogicalVariable(a, b);
    }

    private readonly struct VectorRightSigned : IBinary<uint>
    {
        public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b) =>
            Avx2.ShiftRightArithmeticVariable(a.AsInt32(), b).AsUInt32();
    }

    private readonly struct Left<T> : ILane<T, uint, T>
        where T : unmanaged, IBinaryInteger<T>
    {
        public static T Of(T a, uint b) => b >= 8 * sizeof(T) ? T.Zero : a << (int)b;
    }

    private readonly struct Right<T> : ILane<T, uint, T>
        where T : unmanaged, IBinaryInteger<T>
    {
        public static T Of(T a, uint b) => b >= 8 * sizeof(T) ? T.IsNegative(a) ? T.AllBitsSet : T.Zero : a >> (int)b;
    }

    /// <summary>The upper word of (b, a) shifted left by c of at most 32.</summary>
    private readonly struct FunnelLeftClamped : ILane<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) << (int)Math.Min(c, 32) >> 32);
    }

    /// <summary>The same by c modulo 32.</summary>
    private readonly struct FunnelLeft : ILane<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c) => FunnelLeftClamped.Of(a, b, c & 31);
    }

    /// <summary>The lower word of (b, a) shifted right by c of at most 32.</summary>
    private readonly struct FunnelRightClamped : ILane<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)Math.Min(c, 32));
    }

    /// <summary>The same by c modulo 32.</summary>
    private readonly struct FunnelRight : ILane<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c) => FunnelRightClamped.Of(a, b, c & 31);
    }
}
