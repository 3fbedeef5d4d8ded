using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions;

internal interface ILane<TA, TR>
{
    static abstract TR Of(TA a);
}

internal interface ILane<TA, TB, TR>
{
    static abstract TR Of(TA a, TB b);
}

internal interface ILane<TA, TB, TC, TR>
{
    static abstract TR Of(TA a, TB b, TC c);
}

/// <summary>Runs operations lane by lane: those that vectors have no instruction for, and those of mixed or narrow types.</summary>
internal static unsafe class PerLane
{
    /// <summary>Bytes of a lane in a register: 8 for types of 8 bytes, 4 for all others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Stride<T>()
        where T : unmanaged => sizeof(T) == 8 ? 8 : 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(byte* register, int lane)
        where T : unmanaged => *(T*)(register + lane * Stride<T>());

    /// <summary>Narrow values fill their lane, with their sign or with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(byte* register, int lane, T value)
        where T : unmanaged
    {
        byte* at = register + lane * Stride<T>();
        if (typeof(T) == typeof(sbyte))
        {
            *(int*)at = *(sbyte*)&value;
        }
        else if (typeof(T) == typeof(short))
        {
            *(int*)at = *(short*)&value;
        }
        else
        {
            if (sizeof(T) < 4)
                *(uint*)at = 0;
            *(T*)at = value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<TA, TR, TOp>(Warp w, Instruction i)
        where TA : unmanaged
        where TR : unmanaged
        where TOp : struct, ILane<TA, TR>
    {
        byte* d = w.Registers + i.D, a = w.Registers + i.A;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Set(d, lane, TOp.Of(Get<TA>(a, lane)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<TA, TB, TR, TOp>(Warp w, Instruction i)
        where TA : unmanaged
        where TB : unmanaged
        where TR : unmanaged
        where TOp : struct, ILane<TA, TB, TR>
    {
        byte* d = w.Registers + i.D, a = w.Registers + i.A, b = w.Registers + i.B;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Set(d, lane, TOp.Of(Get<TA>(a, lane), Get<TB>(b, lane)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<TA, TB, TC, TR, TOp>(Warp w, Instruction i)
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
        where TR : unmanaged
        where TOp : struct, ILane<TA, TB, TC, TR>
    {
        byte* d = w.Registers + i.D, a = w.Registers + i.A, b = w.Registers + i.B, c = w.Registers + i.C;
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Set(d, lane, TOp.Of(Get<TA>(a, lane), Get<TB>(b, lane), Get<TC>(c, lane)));
        }
    }

    /// <summary>A predicate of two operands.</summary>
    public static void Relation<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, ILane<T, T, bool>
    {
        byte* a = w.Registers + i.A, b = w.Registers + i.B;
        uint holds = 0;
        for (int lane = 0; lane < Warp.Lanes; lane++)
            holds |= TOp.Of(Get<T>(a, lane), Get<T>(b, lane)) ? 1u << lane : 0;
        Data.CompareForms.Set(w, i, holds);
    }

    /// <summary>A predicate of one operand.</summary>
    public static void Test<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, ILane<T, bool>
    {
        byte* a = w.Registers + i.A;
        uint holds = 0;
        for (int lane = 0; lane < Warp.Lanes; lane++)
            holds |= TOp.Of(Get<T>(a, lane)) ? 1u << lane : 0;
        Data.PredicateForms.Set(w, i.D, w.Mask(i), holds);
    }
}
