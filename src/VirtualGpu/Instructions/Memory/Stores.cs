using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>A register of 32 bits into a word.</summary>
internal unsafe readonly struct StoreWord : IMove
{
    public static AccessKind Kind => AccessKind.Write;

    public static int Bytes(Instruction i) => 4;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        if (i.WideData)
        {
            StoreElements<uint>.Move(w, i, lanes, pattern, addresses, toHost);
            return;
        }
        uint* from = (uint*)(w.Registers + i.D);
        if (pattern == Pattern.Contiguous && lanes == Warp.All)
        {
            Unsafe.CopyBlockUnaligned((void*)(addresses[0] + toHost), from, 4 * Warp.Lanes);
            return;
        }
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            *(uint*)(addresses[lane] + toHost) = from[lane];
        }
    }
}

/// <summary>Four words.</summary>
internal unsafe readonly struct StoreWords4 : IMove
{
    public static AccessKind Kind => AccessKind.Write;

    public static int Bytes(Instruction i) => 16;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        if (i.WideData)
        {
            StoreElements<uint>.Move(w, i, lanes, pattern, addresses, toHost);
            return;
        }
        byte* file = w.Registers;
        uint* a = (uint*)(file + i.Vector[0]), b = (uint*)(file + i.Vector[1]), c = (uint*)(file + i.Vector[2]),
            d = (uint*)(file + i.Vector[3]);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Vector128.Create(a[lane], b[lane], c[lane], d[lane]).Store((uint*)(addresses[lane] + toHost));
        }
    }
}

/// <summary>Anything else: the low bits of one, two or four registers into elements of 1, 2, 4 or 8 bytes.</summary>
/// <typeparam name="T">In memory.</typeparam>
internal unsafe readonly struct StoreElements<T> : IMove
    where T : unmanaged, IBinaryInteger<T>
{
    public static AccessKind Kind => AccessKind.Write;

    public static int Bytes(Instruction i) => sizeof(T) * Math.Max(1, i.Vector.Length);

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        for (int k = 0; k < Math.Max(1, i.Vector.Length); k++)
        {
            byte* from = w.Registers + (i.Vector.Length == 0 ? i.D : i.Vector[k]);
            for (uint left = lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                ((T*)(addresses[lane] + toHost))[k] = T.CreateTruncating(i.WideData ? ((ulong*)from)[lane] : ((uint*)from)[lane]);
            }
        }
    }
}
