using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Eight floats by name: the coefficients of a linear combination, as one kernel argument.</summary>
internal struct Coefficients8
{
    public float C0, C1, C2, C3, C4, C5, C6, C7;

    public Coefficients8(ReadOnlySpan<float> c)
    {
        C0 = c[0];
        C1 = c.Length > 1 ? c[1] : 0;
        C2 = c.Length > 2 ? c[2] : 0;
        C3 = c.Length > 3 ? c[3] : 0;
        C4 = c.Length > 4 ? c[4] : 0;
        C5 = c.Length > 5 ? c[5] : 0;
        C6 = c.Length > 6 ? c[6] : 0;
        C7 = c.Length > 7 ? c[7] : 0;
    }
}

/// <summary>Eight arrays by name, of which a kernel touches only the first few.</summary>
internal struct Terms8
{
    public ArrayView<float> X0, X1, X2, X3, X4, X5, X6, X7;
}

public sealed partial class IlgpuBackend
{
    private protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        if (y.Type == ElementType.BFloat16)
            Launch(LinearCombination2x4BFloat16Kernel, Pair4.Threads(y.Length), Bits4(x[0]), Bits4(x[^1]), c[0], c[^1], c.Length, Bits4(y));
        else if (c.Length <= 2 && InFours(y) && InFours(x[0]) && InFours(x[^1]))
            Launch(LinearCombination2x4Kernel, Pair4.Threads(y.Length), View4(x[0]), View4(x[^1]), c[0], c[^1], c.Length, View4(y));
        else if (c.Length <= 2)
            Launch(LinearCombination2Kernel, y.Length, View(x[0]), View(x[^1]), c[0], c[^1], c.Length, View(y));
        else
            Launch(LinearCombinationKernel, y.Length, Terms(x), new Coefficients8(c), c.Length, View(y));
    }

    private protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y) =>
        Launch(LinearCombinationPerSampleKernel, y.Length, Terms(x), View(c), x.Length, y.Length / c.Shape[0], View(y));

    private static Terms8 Terms(ReadOnlySpan<Tensor> x) => new()
    {
        X0 = View(x[0]),
        X1 = View(x[Math.Min(1, x.Length - 1)]),
        X2 = View(x[Math.Min(2, x.Length - 1)]),
        X3 = View(x[Math.Min(3, x.Length - 1)]),
        X4 = View(x[Math.Min(4, x.Length - 1)]),
        X5 = View(x[Math.Min(5, x.Length - 1)]),
        X6 = View(x[Math.Min(6, x.Length - 1)]),
        X7 = View(x[Math.Min(7, x.Length - 1)]),
    };

    /// <summary>y_i = c0 a_i [+ c1 b_i]. One thread an element; 4 bytes a term read, 4 written; 1 or 3 FLOPs.</summary>
    [Kernel]
    internal static void LinearCombination2Kernel(Index1D i, ArrayView<float> a, ArrayView<float> b, float c0, float c1, int terms,
        ArrayView<float> y)
    {
        float v = c0 * a[i];
        if (terms > 1)
            v += c1 * b[i];
        y[i] = v;
    }

    /// <summary>The same for eight elements a thread (<see cref="Pair4"/>); copies are its first term alone.</summary>
    [Kernel(Hot = true)]
    internal static void LinearCombination2x4Kernel(Index1D i, ArrayView<Float4> a, ArrayView<Float4> b, float c0, float c1, int terms,
        ArrayView<Float4> y) =>
        LinearCombination2x4<InFloat32, Float4>(i, a, b, c0, c1, terms, y);

    /// <summary>The same in BF16: 16 bytes a thread of every tensor.</summary>
    [Kernel(Hot = true)]
    internal static void LinearCombination2x4BFloat16Kernel(Index1D i, ArrayView<BFloat16x4> a, ArrayView<BFloat16x4> b, float c0, float c1,
        int terms, ArrayView<BFloat16x4> y) =>
        LinearCombination2x4<InBFloat16, BFloat16x4>(i, a, b, c0, c1, terms, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LinearCombination2x4<TE, T>(Index1D i, ArrayView<T> a, ArrayView<T> b, float c0, float c1, int terms,
        ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int at = Pair4.First(i);
        if (at < y.IntLength)
        {
            // Loads do not wait for a condition: at the end the second is the first again.
            bool both = at + Pair4.Step < y.IntLength;
            int next = both ? at + Pair4.Step : at;
            var a0 = TE.Widen(a[at]);
            var a1 = TE.Widen(a[next]);
            var v0 = Float4.Scale(c0, a0);
            var v1 = Float4.Scale(c0, a1);
            if (terms > 1)
            {
                var b0 = TE.Widen(b[at]);
                var b1 = TE.Widen(b[next]);
                Float4.AddScaled(ref v0, c1, b0);
                Float4.AddScaled(ref v1, c1, b1);
            }
            y[at] = TE.Round(v0);
            if (both)
                y[next] = TE.Round(v1);
        }
    }

    /// <summary>y_i = sum_j c_j x_j,i over J terms. One thread an element; 4 J bytes read, 4 written, 2 J - 1 FLOPs.</summary>
    [Kernel]
    internal static void LinearCombinationKernel(Index1D i, Terms8 x, Coefficients8 c, int terms, ArrayView<float> y)
    {
        float v = c.C0 * x.X0[i];
        if (terms > 1)
            v += c.C1 * x.X1[i];
        if (terms > 2)
            v += c.C2 * x.X2[i];
        if (terms > 3)
            v += c.C3 * x.X3[i];
        if (terms > 4)
            v += c.C4 * x.X4[i];
        if (terms > 5)
            v += c.C5 * x.X5[i];
        if (terms > 6)
            v += c.C6 * x.X6[i];
        if (terms > 7)
            v += c.C7 * x.X7[i];
        y[i] = v;
    }

    /// <summary>As <see cref="LinearCombinationKernel"/> with coefficients c[n,j] of each sample; these stay in the cache.</summary>
    [Kernel]
    internal static void LinearCombinationPerSampleKernel(Index1D i, Terms8 x, ArrayView<float> c, int terms, int sampleLength,
        ArrayView<float> y)
    {
        int first = i / sampleLength * terms;
        float v = c[first] * x.X0[i];
        if (terms > 1)
            v += c[first + 1] * x.X1[i];
        if (terms > 2)
            v += c[first + 2] * x.X2[i];
        if (terms > 3)
            v += c[first + 3] * x.X3[i];
        if (terms > 4)
            v += c[first + 4] * x.X4[i];
        if (terms > 5)
            v += c[first + 5] * x.X5[i];
        if (terms > 6)
            v += c[first + 6] * x.X6[i];
        if (terms > 7)
            v += c[first + 7] * x.X7[i];
        y[i] = v;
    }
}
