using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>By operation and type.</summary>
internal static unsafe class Atomics
{
    public static delegate*<Warp, Instruction, void> Find(string space, string operation) => operation switch
    {
        "add.u32" or "add.s32" => MemoryInstructions.Of<Atomic<uint, AtomicAdd<uint>>>(space),
        "add.u64" => MemoryInstructions.Of<Atomic<ulong, AtomicAdd<ulong>>>(space),
        "add.f32" => MemoryInstructions.Of<Atomic<uint, AtomicAddFloat>>(space),
        "add.f64" => MemoryInstructions.Of<Atomic<ulong, AtomicAddDouble>>(space),
        "min.u32" => MemoryInstructions.Of<Atomic<uint, AtomicMin<uint>>>(space),
        "min.s32" => MemoryInstructions.Of<Atomic<int, AtomicMin<int>>>(space),
        "min.u64" => MemoryInstructions.Of<Atomic<ulong, AtomicMin<ulong>>>(space),
        "min.s64" => MemoryInstructions.Of<Atomic<long, AtomicMin<long>>>(space),
        "max.u32" => MemoryInstructions.Of<Atomic<uint, AtomicMax<uint>>>(space),
        "max.s32" => MemoryInstructions.Of<Atomic<int, AtomicMax<int>>>(space),
        "max.u64" => MemoryInstructions.Of<Atomic<ulong, AtomicMax<ulong>>>(space),
        "max.s64" => MemoryInstructions.Of<Atomic<long, AtomicMax<long>>>(space),
        "and.b32" => MemoryInstructions.Of<Atomic<uint, AtomicAnd<uint>>>(space),
        "and.b64" => MemoryInstructions.Of<Atomic<ulong, AtomicAnd<ulong>>>(space),
        "or.b32" => MemoryInstructions.Of<Atomic<uint, AtomicOr<uint>>>(space),
        "or.b64" => MemoryInstructions.Of<Atomic<ulong, AtomicOr<ulong>>>(space),
        "xor.b32" => MemoryInstructions.Of<Atomic<uint, AtomicXor<uint>>>(space),
        "xor.b64" => MemoryInstructions.Of<Atomic<ulong, AtomicXor<ulong>>>(space),
        "exch.b32" or "exch.u32" or "exch.s32" or "exch.f32" => MemoryInstructions.Of<Atomic<uint, AtomicExchange<uint>>>(space),
        "exch.b64" or "exch.u64" or "exch.s64" or "exch.f64" => MemoryInstructions.Of<Atomic<ulong, AtomicExchange<ulong>>>(space),
        "cas.b32" or "cas.u32" or "cas.s32" => MemoryInstructions.Of<Atomic<uint, AtomicCompareAndSwap<uint>>>(space),
        "cas.b64" or "cas.u64" or "cas.s64" => MemoryInstructions.Of<Atomic<ulong, AtomicCompareAndSwap<ulong>>>(space),
        "inc.u32" => MemoryInstructions.Of<Atomic<uint, AtomicIncrement>>(space),
        "dec.u32" => MemoryInstructions.Of<Atomic<uint, AtomicDecrement>>(space),
        _ => null,
    };
}

/// <summary>What atom and red do to a value (PTX ISA, "atom").</summary>
/// <typeparam name="T">As wide as the value.</typeparam>
internal interface IAtomic<T>
{
    /// <param name="old">What is there.</param>
    /// <param name="b">The operand.</param>
    /// <param name="c">The second one, of cas.</param>
    static abstract T Apply(T old, T b, T c);
}

/// <summary>Lane after lane, each as one step even among blocks that run at the same time.</summary>
internal unsafe readonly struct Atomic<T, TOperation> : IMove
    where T : unmanaged, IBinaryInteger<T>
    where TOperation : IAtomic<T>
{
    public static AccessKind Kind => AccessKind.Atomic;

    public static int Bytes(Instruction i) => sizeof(T);

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        T* to = i.D < 0 ? null : (T*)(w.Registers + i.D), b = (T*)(w.Registers + i.B), c = (T*)(w.Registers + Math.Max(0, i.C));
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ref T place = ref Unsafe.AsRef<T>((T*)(addresses[lane] + toHost));
            T old, next, second = i.C < 0 ? T.Zero : c[lane];
            do
            {
                old = place;
                next = TOperation.Apply(old, b[lane], second);
            }
            while (Interlocked.CompareExchange(ref place, next, old) != old);
            if (to is not null)
                to[lane] = old;
        }
    }
}

internal readonly struct AtomicAdd<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => unchecked(old + b);
}

internal readonly struct AtomicMin<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => T.Min(old, b);
}

internal readonly struct AtomicMax<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => T.Max(old, b);
}

internal readonly struct AtomicAnd<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old & b;
}

internal readonly struct AtomicOr<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old | b;
}

internal readonly struct AtomicXor<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old ^ b;
}

internal readonly struct AtomicExchange<T> : IAtomic<T>
{
    public static T Apply(T old, T b, T c) => b;
}

internal readonly struct AtomicCompareAndSwap<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old == b ? c : old;
}

/// <summary>Up to the operand, then 0.</summary>
internal readonly struct AtomicIncrement : IAtomic<uint>
{
    public static uint Apply(uint old, uint b, uint c) => old >= b ? 0 : old + 1;
}

/// <summary>Down to 0, then the operand.</summary>
internal readonly struct AtomicDecrement : IAtomic<uint>
{
    public static uint Apply(uint old, uint b, uint c) => old == 0 || old > b ? b : old - 1;
}

internal readonly struct AtomicAddFloat : IAtomic<uint>
{
    public static uint Apply(uint old, uint b, uint c) =>
        BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(old) + BitConverter.UInt32BitsToSingle(b));
}

internal readonly struct AtomicAddDouble : IAtomic<ulong>
{
    public static ulong Apply(ulong old, ulong b, ulong c) =>
        BitConverter.DoubleToUInt64Bits(BitConverter.UInt64BitsToDouble(old) + BitConverter.UInt64BitsToDouble(b));
}
