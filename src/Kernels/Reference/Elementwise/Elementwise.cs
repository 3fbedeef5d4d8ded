using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

file unsafe struct FillJob : IJob
{
    public float* Y;
    public int Length;
    public float Value;

    public readonly void Run(int task)
    {
        int start = task * Chunk.Length;
        new Span<float>(Y + start, Math.Min(Chunk.Length, Length - start)).Fill(Value);
    }
}

/// <summary>NaN stays NaN.</summary>
file readonly struct ClampFunction(float low, float high) : IUnary
{
    private readonly float _low = low, _high = high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Hold(x, _low, _high);
}

file readonly struct Product : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V a, V b)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Multiply(a, b);
}

public unsafe partial class ReferenceBackend
{
    private protected override void FillCore(Tensor y, float value) =>
        Workers.Run(new FillJob { Y = Pointer(y), Length = y.Length, Value = value }, Chunk.Count(y.Length));

    private protected override void ClampCore(Tensor x, float low, float high, Tensor y) => Map(new ClampFunction(low, high), x, y);

    private protected override void MultiplyCore(Tensor a, Tensor b, Tensor y) => Map(new Product(), a, b, y);
}
