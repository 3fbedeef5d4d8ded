using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>The upper half of a float, rounded to nearest even. NaN becomes 0x7FFF.</summary>
internal static unsafe class BFloat16
{
    /// <summary>cvt.rn.bf16x2.f32 d, a, b: a in the upper half, b in the lower.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pair(Warp w, Instruction i)
    {
        uint* a = (uint*)(w.Registers + i.A), b = (uint*)(w.Registers + i.B), d = (uint*)(w.Registers + i.D);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += Vector256<uint>.Count)
            Vectors.Store(d, k, mask, Round(Vector256.LoadAligned(a + k)) << 16 | Round(Vector256.LoadAligned(b + k)));
    }

    private static Vector256<uint> Round(Vector256<uint> a)
    {
        var rounded = a + Vector256.Create(0x7FFFu) + (a >> 16 & Vector256<uint>.One) >> 16;
        return Vector256.ConditionalSelect(
            Vector256.GreaterThan((a & Vector256.Create(0x7FFF_FFFFu)).AsInt32(), Vector256.Create(0x7F80_0000)).AsUInt32(),
            Vector256.Create(0x7FFFu), rounded);
    }

    public readonly struct Rounded : ILane<float, ushort>
    {
        public static ushort Of(float a) => (ushort)Round(Vector256.CreateScalar(BitConverter.SingleToUInt32Bits(a)))[0];
    }

    public readonly struct Widened : ILane<ushort, uint>
    {
        public static uint Of(ushort a) => (uint)a << 16;
    }
}
