using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>A number known at compile time: each has its own machine code, with the branches on it gone.</summary>
file interface ICount
{
    static abstract int Value { get; }
}

file readonly struct One : ICount { public static int Value => 1; }
file readonly struct Two : ICount { public static int Value => 2; }
file readonly struct Three : ICount { public static int Value => 3; }
file readonly struct Four : ICount { public static int Value => 4; }
file readonly struct Five : ICount { public static int Value => 5; }
file readonly struct Six : ICount { public static int Value => 6; }
file readonly struct Seven : ICount { public static int Value => 7; }
file readonly struct Eight : ICount { public static int Value => 8; }

/// <summary>What one linear combination is made of; the pointers to pointers and to shared coefficients lie on the caller's stack.</summary>
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
file unsafe struct LinearCombinationJob<TTerms>(LinearCombinationArguments arguments) : IJob
    where TTerms : struct, ICount
{
    private readonly LinearCombinationArguments _arguments = arguments;

    public readonly void Run(int task)
    {
        var s = _arguments;
        int n = task / s.ChunksPerSample, start = task % s.ChunksPerSample * Chunk.Length;
        int first = n * s.Elements + start, count = Math.Min(Chunk.Length, s.Elements - start);
        float* c = s.C + n * s.CoefficientStride;
        float** x = stackalloc float*[TTerms.Value];
        for (int j = 0; j < TTerms.Value; j++)
            x[j] = s.X[j] + first;

        int lanes = Vector<float>.Count, rest = count % lanes;
        Combine(x, c, s.Y + first, count - rest);
        if (rest == 0)
            return;
        float* padded = stackalloc float[(TTerms.Value + 1) * lanes];
        for (int j = 0; j < TTerms.Value; j++)
        {
            Simd.Load(x[j] + count - rest, rest).Store(padded + (j + 1) * lanes);
            x[j] = padded + (j + 1) * lanes;
        }
        Combine(x, c, padded, lanes);
        Simd.Store(Vector.Load(padded), s.Y + first + count - rest, rest);
    }

    /// <summary>Over a whole number of vectors.</summary>
    private static void Combine(float** x, float* c, float* y, int count)
    {
        Vector<float> c0 = new(c[0]), c1 = Coefficient(c, 1), c2 = Coefficient(c, 2), c3 = Coefficient(c, 3);
        Vector<float> c4 = Coefficient(c, 4), c5 = Coefficient(c, 5), c6 = Coefficient(c, 6), c7 = Coefficient(c, 7);
        float* x0 = x[0], x1 = Term(x, 1), x2 = Term(x, 2), x3 = Term(x, 3), x4 = Term(x, 4), x5 = Term(x, 5), x6 = Term(x, 6), x7 = Term(x, 7);
        for (int i = 0; i < count; i += Vector<float>.Count)
        {
            var sum = c0 * Vector.Load(x0 + i);
            if (TTerms.Value > 1)
                sum = Vector.MultiplyAddEstimate(c1, Vector.Load(x1 + i), sum);
            if (TTerms.Value > 2)
                sum = Vector.MultiplyAddEstimate(c2, Vector.Load(x2 + i), sum);
            if (TTerms.Value > 3)
                sum = Vector.MultiplyAddEstimate(c3, Vector.Load(x3 + i), sum);
            if (TTerms.Value > 4)
                sum = Vector.MultiplyAddEstimate(c4, Vector.Load(x4 + i), sum);
            if (TTerms.Value > 5)
                sum = Vector.MultiplyAddEstimate(c5, Vector.Load(x5 + i), sum);
            if (TTerms.Value > 6)
                sum = Vector.MultiplyAddEstimate(c6, Vector.Load(x6 + i), sum);
            if (TTerms.Value > 7)
                sum = Vector.MultiplyAddEstimate(c7, Vector.Load(x7 + i), sum);
            sum.Store(y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Coefficient(float* c, int j) => j < TTerms.Value ? new Vector<float>(c[j]) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Term(float** x, int j) => j < TTerms.Value ? x[j] : null;
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        fixed (float* coefficients = c)
            LinearCombination(coefficients, 0, 1, x, y);
    }

    protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y) =>
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
            case 1: Workers.Run(new LinearCombinationJob<One>(s), tasks); break;
            case 2: Workers.Run(new LinearCombinationJob<Two>(s), tasks); break;
            case 3: Workers.Run(new LinearCombinationJob<Three>(s), tasks); break;
            case 4: Workers.Run(new LinearCombinationJob<Four>(s), tasks); break;
            case 5: Workers.Run(new LinearCombinationJob<Five>(s), tasks); break;
            case 6: Workers.Run(new LinearCombinationJob<Six>(s), tasks); break;
            case 7: Workers.Run(new LinearCombinationJob<Seven>(s), tasks); break;
            default: Workers.Run(new LinearCombinationJob<Eight>(s), tasks); break;
        }
    }
}
