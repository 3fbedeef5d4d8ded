using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>From 32 to 64 bits: indices on their way to addresses.</summary>
internal static unsafe class Widening
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Signed(Warp w, Instruction i)
    {
        int* a = (int*)(w.Registers + i.A);
        long* d = (long*)(w.Registers + i.D);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += 4)
            Vectors.Store(d, k, mask, Vector256.WidenLower(Vector128.LoadAligned(a + k).ToVector256Unsafe()));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unsigned(Warp w, Instruction i)
    {
        uint* a = (uint*)(w.Registers + i.A);
        ulong* d = (ulong*)(w.Registers + i.D);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += 4)
            Vectors.Store(d, k, mask, Vector256.WidenLower(Vector128.LoadAligned(a + k).ToVector256Unsafe()));
    }
}
