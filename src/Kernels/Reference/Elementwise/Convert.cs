using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>One chunk a task, by whole registers: the two registers of floats that one of BF16 is made of, or becomes.</summary>
file unsafe struct ConvertJob : IJob
{
    public float* Floats;
    public ushort* Bits;
    public int Length;
    /// <summary>From BF16 to float32, instead of to BF16.</summary>
    public bool Widen;

    public readonly void Run(int task)
    {
        int start = task * Chunk.Length, count = Math.Min(Chunk.Length, Length - start);
        if (Widen)
            Widened(Bits + start, Floats + start, count);
        else
            Rounded(Floats + start, Bits + start, count);
    }

    private static void Widened(ushort* x, float* y, int count)
    {
        int lanes = Vector<float>.Count, i = 0;
        for (; i <= count - 2 * lanes; i += 2 * lanes)
        {
            Vector.Widen(Vector.Load(x + i), out var low, out var high);
            Vector.AsVectorSingle(low << 16).Store(y + i);
            Vector.AsVectorSingle(high << 16).Store(y + i + lanes);
        }
        for (; i < count; i++)
            y[i] = BFloat16.Widen(x[i]);
    }

    private static void Rounded(float* x, ushort* y, int count)
    {
        int lanes = Vector<float>.Count, i = 0;
        for (; i <= count - 2 * lanes; i += 2 * lanes)
            Vector.Narrow(Upper(Vector.Load(x + i)), Upper(Vector.Load(x + i + lanes))).Store(y + i);
        for (; i < count; i++)
            y[i] = BFloat16.Round(x[i]);
    }

    /// <summary><see cref="BFloat16.Round"/> of each lane, in its lower half.</summary>
    private static Vector<uint> Upper(Vector<float> x)
    {
        var bits = Vector.AsVectorUInt32(x);
        var even = (bits >>> 16) & Vector<uint>.One;
        var rounded = (bits + new Vector<uint>(0x7FFF) + even) >>> 16;
        var isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7FFFFFFF), new Vector<uint>(0x7F800000));
        return Vector.ConditionalSelect(isNaN, new Vector<uint>(0x7FFF), rounded);
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void ConvertCore(Tensor x, Tensor y)
    {
        bool widen = x.Type == ElementType.BFloat16;
        Workers.Run(new ConvertJob
        {
            Floats = Pointer(widen ? y : x),
            Bits = Bits(widen ? x : y),
            Length = y.Length,
            Widen = widen,
        }, Chunk.Count(y.Length));
    }
}
