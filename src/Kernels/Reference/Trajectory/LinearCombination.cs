using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>
/// What one linear combination is made of; the pointers to pointers and to shared coefficients lie on the caller's stack.
/// </summary>
file unsafe struct LinearCombinationArguments
{
    /// <summary>J terms of [N, Elements].</summary>
    public float** X;
    public float* Y;
    public float* C;
    /// <summary>J if every sample has its own coefficients, 0 if all share one row.</summary>
    public int CoefficientStride;
    public int Elements, ChunksPerSample;
}

/// <summary>y[n, e] = sum_j c[n, j] x_j[n, e]; a task is a chunk of one sample.</summary>
file unsafe struct LinearCombinationJob<TTerms>(LinearCombinationArguments arguments) : IWideJob
    where TTerms : unmanaged, ICount
{
    private readonly LinearCombinationArguments _arguments = arguments;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var s = _arguments;
        int n = task / s.ChunksPerSample, start = task % s.ChunksPerSample * Chunk.Length;
        int first = n * s.Elements + start, count = Math.Min(Chunk.Length, s.Elements - start);
        float* c = s.C + n * s.CoefficientStride;
        float** x = stackalloc float*[TTerms.Value];
        for (int j = 0; j < TTerms.Value; j++)
            x[j] = s.X[j] + first;

        int lanes = TLanes.Count, rest = count % lanes;
        Combine<TLanes, V>(x, c, s.Y + first, count - rest);
        if (rest == 0)
            return;
        float* padded = stackalloc float[(TTerms.Value + 1) * lanes];
        for (int j = 0; j < TTerms.Value; j++)
        {
            TLanes.Store(LaneMath.Load<TLanes, V>(x[j] + count - rest, rest), padded + (j + 1) * lanes);
            x[j] = padded + (j + 1) * lanes;
        }
        Combine<TLanes, V>(x, c, padded, lanes);
        LaneMath.Store<TLanes, V>(TLanes.Load(padded), s.Y + first + count - rest, rest);
    }

    /// <summary>Over a whole number of registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<TLanes, V>(float** x, float* c, float* y, int count)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        V c0 = TLanes.Broadcast(c[0]), c1 = Coefficient<TLanes, V>(c, 1), c2 = Coefficient<TLanes, V>(c, 2),
            c3 = Coefficient<TLanes, V>(c, 3);
        V c4 = Coefficient<TLanes, V>(c, 4), c5 = Coefficient<TLanes, V>(c, 5), c6 = Coefficient<TLanes, V>(c, 6),
            c7 = Coefficient<TLanes, V>(c, 7);
        float* x0 = x[0], x1 = Term(x, 1), x2 = Term(x, 2), x3 = Term(x, 3), x4 = Term(x, 4), x5 = Term(x, 5), x6 = Term(x, 6),
            x7 = Term(x, 7);
        for (nint i = 0; i < count; i += TLanes.Count)
        {
            var sum = TLanes.Multiply(c0, TLanes.Load(x0 + i));
            if (TTerms.Value > 1)
                sum = TLanes.MultiplyAdd(c1, TLanes.Load(x1 + i), sum);
            if (TTerms.Value > 2)
                sum = TLanes.MultiplyAdd(c2, TLanes.Load(x2 + i), sum);
            if (TTerms.Value > 3)
                sum = TLanes.MultiplyAdd(c3, TLanes.Load(x3 + i), sum);
            if (TTerms.Value > 4)
                sum = TLanes.MultiplyAdd(c4, TLanes.Load(x4 + i), sum);
            if (TTerms.Value > 5)
                sum = TLanes.MultiplyAdd(c5, TLanes.Load(x5 + i), sum);
            if (TTerms.Value > 6)
                sum = TLanes.MultiplyAdd(c6, TLanes.Load(x6 + i), sum);
            if (TTerms.Value > 7)
                sum = TLanes.MultiplyAdd(c7, TLanes.Load(x7 + i), sum);
            TLanes.Store(sum, y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Coefficient<TLanes, V>(float* c, int j)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => j < TTerms.Value ? TLanes.Broadcast(c[j]) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Term(float** x, int j) => j < TTerms.Value ? x[j] : null;
}

public unsafe partial class ReferenceBackend
{
    private protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        fixed (float* coefficients = c)
            LinearCombination(coefficients, 0, 1, x, y);
    }

    private protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y) =>
        LinearCombination(Pointer(c), x.Length, c.Shape[0], x, y);

    private void LinearCombination(float* c, int coefficientStride, int n, ReadOnlySpan<Tensor> x, Tensor y)
    {
        float** terms = stackalloc float*[x.Length];
        for (int j = 0; j < x.Length; j++)
            terms[j] = Pointer(x[j]);
        int elements = y.Length / n, chunks = Chunk.Count(elements), tasks = n * chunks;
        var s = new LinearCombinationArguments
        {
            X = terms,
            Y = Pointer(y),
            C = c,
            CoefficientStride = coefficientStride,
            Elements = elements,
            ChunksPerSample = chunks,
        };
        switch (x.Length)
        {
            case 1: RunWide(new LinearCombinationJob<One>(s), tasks); break;
            case 2: RunWide(new LinearCombinationJob<Two>(s), tasks); break;
            case 3: RunWide(new LinearCombinationJob<Three>(s), tasks); break;
            case 4: RunWide(new LinearCombinationJob<Four>(s), tasks); break;
            case 5: RunWide(new LinearCombinationJob<Five>(s), tasks); break;
            case 6: RunWide(new LinearCombinationJob<Six>(s), tasks); break;
            case 7: RunWide(new LinearCombinationJob<Seven>(s), tasks); break;
            default: RunWide(new LinearCombinationJob<Eight>(s), tasks); break;
        }
    }
}
