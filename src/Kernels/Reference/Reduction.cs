using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>One partial sum a chunk: float lanes inside a chunk (256 additions each), doubles from there on.</summary>
file unsafe struct SumJob<TFunction> : IJob
    where TFunction : unmanaged, IUnary
{
    public TFunction F;
    public float* X;
    public int Length;
    public double* Partial;

    public readonly void Run(int task)
    {
        var f = F;
        float* x = X;
        int lanes = Vector<float>.Count;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (; i <= end - 4 * lanes; i += 4 * lanes)
        {
            s0 += f.Apply(Vector.Load(x + i));
            s1 += f.Apply(Vector.Load(x + i + lanes));
            s2 += f.Apply(Vector.Load(x + i + 2 * lanes));
            s3 += f.Apply(Vector.Load(x + i + 3 * lanes));
        }
        for (; i <= end - lanes; i += lanes)
            s0 += f.Apply(Vector.Load(x + i));
        if (i < end)
            s1 += f.Apply(Simd.Load(x + i, end - i));
        Partial[task] = Simd.SumLanes(s0) + Simd.SumLanes(s1) + (Simd.SumLanes(s2) + Simd.SumLanes(s3));
    }
}

file readonly struct Identity : IUnary
{
    public Vector<float> Apply(Vector<float> x) => x;
}

file readonly struct Square : IUnary
{
    public Vector<float> Apply(Vector<float> x) => x * x;
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void SumCore(Tensor x, Tensor y) => Pointer(y)[0] = (float)Sum(new Identity(), x);

    protected override void SumOfSquaresCore(Tensor x, Tensor y) => Pointer(y)[0] = (float)Sum(new Square(), x);

    private double Sum<TFunction>(TFunction f, Tensor x)
        where TFunction : unmanaged, IUnary
    {
        int chunks = Chunk.Count(x.Length);
        using var scratch = Empty(new Shape(2, Math.Max(1, chunks)));
        double* partial = (double*)Pointer(scratch);
        Workers.Run(new SumJob<TFunction> { F = f, X = Pointer(x), Length = x.Length, Partial = partial }, chunks);
        double sum = 0;
        for (int i = 0; i < chunks; i++)
            sum += partial[i];
        return sum;
    }
}
