using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Integers;

/// <summary>mul.wide of 32 bits: the whole product. Kernels compute nearly every address with it.</summary>
internal static unsafe class Wide
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Signed(Warp w, Instruction i)
    {
        int* a = (int*)(w.Registers + i.A), b = (int*)(w.Registers + i.B);
        long* d = (long*)(w.Registers + i.D);
        uint mask = w.Mask(i);
        // The destination may lie over neither source: it has 64 bits, they have 32.
        for (int k = 0; k < Warp.Lanes; k += 4)
        {
            var (x, y) = (Vector256.WidenLower(Vector128.LoadAligned(a + k).ToVector256Unsafe()),
                Vector256.WidenLower(Vector128.LoadAligned(b + k).ToVector256Unsafe()));
            Vectors.Store(d, k, mask, Avx2.IsSupported ? Avx2.Multiply(x.AsInt32(), y.AsInt32()) : x * y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unsigned(Warp w, Instruction i)
    {
        uint* a = (uint*)(w.Registers + i.A), b = (uint*)(w.Registers + i.B);
        ulong* d = (ulong*)(w.Registers + i.D);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += 4)
        {
            var (x, y) = (Vector256.WidenLower(Vector128.LoadAligned(a + k).ToVector256Unsafe()),
                Vector256.WidenLower(Vector128.LoadAligned(b + k).ToVector256Unsafe()));
            Vectors.Store(d, k, mask, Avx2.IsSupported ? Avx2.Multiply(x.AsUInt32(), y.AsUInt32()) : x * y);
        }
    }
}
