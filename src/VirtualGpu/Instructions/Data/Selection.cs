using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>selp: a where the predicate C holds, else b.</summary>
internal static unsafe class Selection
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(Warp w, Instruction i)
        where T : unmanaged
    {
        T* d = (T*)(w.Registers + i.D), a = (T*)(w.Registers + i.A), b = (T*)(w.Registers + i.B);
        uint mask = w.Mask(i), chosen = w.Predicates[i.C];
        for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
            Vectors.Store(d, k, mask,
                Vector256.ConditionalSelect(Vectors.Mask<T>(chosen, k), Vector256.LoadAligned(a + k), Vector256.LoadAligned(b + k)));
    }
}
