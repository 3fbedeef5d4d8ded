using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>One partial sum a chunk: float lanes inside a chunk (at 8 lanes 256 additions each), doubles from there on.</summary>
file unsafe struct SumJob<TFunction> : IWideJob
    where TFunction : unmanaged, IUnary
{
    public TFunction F;
    public float* X;
    public int Length;
    public double* Partial;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var f = F;
        float* x = X;
        int lanes = TLanes.Count;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        V s0 = default, s1 = default, s2 = default, s3 = default;
        for (; i <= end - 4 * lanes; i += 4 * lanes)
        {
            s0 = TLanes.Add(s0, f.Apply<TLanes, V>(TLanes.Load(x + i)));
            s1 = TLanes.Add(s1, f.Apply<TLanes, V>(TLanes.Load(x + i + lanes)));
            s2 = TLanes.Add(s2, f.Apply<TLanes, V>(TLanes.Load(x + i + 2 * lanes)));
            s3 = TLanes.Add(s3, f.Apply<TLanes, V>(TLanes.Load(x + i + 3 * lanes)));
        }
        for (; i <= end - lanes; i += lanes)
            s0 = TLanes.Add(s0, f.Apply<TLanes, V>(TLanes.Load(x + i)));
        if (i < end)
            s1 = TLanes.Add(s1, f.Apply<TLanes, V>(LaneMath.Load<TLanes, V>(x + i, end - i)));
        Partial[task] = TLanes.WideSum(s0) + TLanes.WideSum(s1) + (TLanes.WideSum(s2) + TLanes.WideSum(s3));
    }
}

file readonly struct Identity : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => x;
}

file readonly struct Square : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Multiply(x, x);
}

public unsafe partial class ReferenceBackend
{
    private protected override void SumCore(Tensor x, Tensor y) => Pointer(y)[0] = (float)Sum(new Identity(), x);

    private protected override void SumOfSquaresCore(Tensor x, Tensor y) => Pointer(y)[0] = (float)Sum(new Square(), x);

    private double Sum<TFunction>(TFunction f, Tensor x)
        where TFunction : unmanaged, IUnary
    {
        int chunks = Chunk.Count(x.Length);
        using var scratch = Empty(new Shape(2, Math.Max(1, chunks)));
        double* partial = (double*)Pointer(scratch);
        RunWide(new SumJob<TFunction> { F = f, X = Pointer(x), Length = x.Length, Partial = partial }, chunks);
        double sum = 0;
        for (int i = 0; i < chunks; i++)
            sum += partial[i];
        return sum;
    }
}
