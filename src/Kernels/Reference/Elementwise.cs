using System.Numerics;

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

/// <summary>Comparisons with NaN are false, so NaN passes both selections.</summary>
file readonly struct ClampFunction(float low, float high) : IUnary
{
    private readonly float _low = low, _high = high;

    public Vector<float> Apply(Vector<float> x)
    {
        Vector<float> low = new(_low), high = new(_high);
        x = Vector.ConditionalSelect(Vector.LessThan(x, low), low, x);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, high), high, x);
    }
}

file readonly struct Product : IBinary
{
    public Vector<float> Apply(Vector<float> a, Vector<float> b) => a * b;
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void FillCore(Tensor y, float value) =>
        Workers.Run(new FillJob { Y = Pointer(y), Length = y.Length, Value = value }, Chunk.Count(y.Length));

    protected override void ClampCore(Tensor x, float low, float high, Tensor y) => Map(new ClampFunction(low, high), x, y);

    protected override void MultiplyCore(Tensor a, Tensor b, Tensor y) => Map(new Product(), a, b, y);
}
