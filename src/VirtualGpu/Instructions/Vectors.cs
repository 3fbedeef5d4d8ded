using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions;

internal interface IUnary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a);
}

internal interface IBinary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b);
}

internal interface ITernary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c);
}

internal interface IRelation<T>
{
    /// <summary>All bits of an element set where it holds.</summary>
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b);
}

/// <summary>Runs operations whose operands and results are vectors of one type of 4 or 8 bytes.</summary>
internal static unsafe class Vectors
{
    private static readonly Vector256<uint> Bits = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
    private static readonly Vector256<ulong> WideBits = Vector256.Create(1ul, 2, 4, 8);

    /// <summary>All bits of an element set where the mask of lanes has its bit; the first element is a lane of the warp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Mask<T>(uint mask, int first)
        where T : unmanaged
    {
        if (sizeof(T) == 4)
            return Vector256.Equals(Vector256.Create(mask >> first) & Bits, Bits).As<uint, T>();
        return Vector256.Equals(Vector256.Create((ulong)(mask >> first)) & WideBits, WideBits).As<ulong, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, IUnary<T>
    {
        T* d = (T*)(w.Registers + i.D), a = (T*)(w.Registers + i.A);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
            Store(d, k, mask, TOp.Of(Vector256.LoadAligned(a + k)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, IBinary<T>
    {
        T* d = (T*)(w.Registers + i.D), a = (T*)(w.Registers + i.A), b = (T*)(w.Registers + i.B);
        uint mask = w.Mask(i);
        if (mask == Warp.All)
        {
            for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
                TOp.Of(Vector256.LoadAligned(a + k), Vector256.LoadAligned(b + k)).StoreAligned(d + k);
            return;
        }
        for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
            Store(d, k, mask, TOp.Of(Vector256.LoadAligned(a + k), Vector256.LoadAligned(b + k)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, ITernary<T>
    {
        T* d = (T*)(w.Registers + i.D), a = (T*)(w.Registers + i.A), b = (T*)(w.Registers + i.B), c = (T*)(w.Registers + i.C);
        uint mask = w.Mask(i);
        for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
            Store(d, k, mask, TOp.Of(Vector256.LoadAligned(a + k), Vector256.LoadAligned(b + k), Vector256.LoadAligned(c + k)));
    }

    /// <summary>The lanes for which a relation holds, of all 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Relation<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, IRelation<T>
    {
        T* a = (T*)(w.Registers + i.A), b = (T*)(w.Registers + i.B);
        uint result = 0;
        for (int k = 0; k < Warp.Lanes; k += Vector256<T>.Count)
            result |= TOp.Of(Vector256.LoadAligned(a + k), Vector256.LoadAligned(b + k)).ExtractMostSignificantBits() << k;
        return result;
    }

    /// <summary>Writes the lanes of the mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(T* d, int k, uint mask, Vector256<T> value)
        where T : unmanaged
    {
        if (mask != Warp.All)
            value = Vector256.ConditionalSelect(Mask<T>(mask, k), value, Vector256.LoadAligned(d + k));
        value.StoreAligned(d + k);
    }
}
