using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// A <see cref="ConvolutionPass"/> of few outputs, such as an image's colours: lanes go along the S C inputs of a kernel row instead of
/// the outputs, of which a register tile would use 3 lanes in 16.
/// <code>sums[i, k] = sum over o &lt; outer, j &lt; line of a[rows[i] + o aRow + j] w[k depth + o line + j]</code>
/// </summary>
/// <remarks>
/// Twelve sums, of four pixels and three outputs, take seven loads for twelve multiply-adds; their lanes are added up once, at the end.
/// The weights lie [K][depth], 7 KiB for 64 channels to three, and stay in the L1 cache.
/// </remarks>
internal static unsafe class OutputDots<TLanes, V>
    where TLanes : struct, ILanes<V>
    where V : unmanaged
{
    /// <summary>Pixels of a tile.</summary>
    public const int Pixels = 4;

    /// <summary>All outputs of four pixels: sums[pixel outputs + k].</summary>
    public static void Run(float* a, int* rows, nint aRow, int outer, int line, float* w, int outputs, float* sums)
    {
        nint depth = (nint)outer * line;
        int k = 0;
        for (; k <= outputs - 3; k += 3, w += 3 * depth)
            Three(a, rows, aRow, outer, line, w, sums + k, outputs);
        for (; k < outputs; k++, w += depth)
            One(a, rows, aRow, outer, line, w, sums + k, outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three(float* a, int* rows, nint aRow, int outer, nint line, float* w, float* sums, int pitch)
    {
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        nint depth = outer * line;
        for (int o = 0; o < outer; o++, a += aRow, w += line)
        {
            float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3];
            float* w0 = w, w1 = w + depth, w2 = w1 + depth;
            for (nint i = 0; i < line; i += TLanes.Count)
            {
                V b0 = TLanes.Load(w0 + i), b1 = TLanes.Load(w1 + i), b2 = TLanes.Load(w2 + i);
                var x = TLanes.Load(a0 + i);
                c00 = TLanes.MultiplyAdd(x, b0, c00);
                c01 = TLanes.MultiplyAdd(x, b1, c01);
                c02 = TLanes.MultiplyAdd(x, b2, c02);
                x = TLanes.Load(a1 + i);
                c10 = TLanes.MultiplyAdd(x, b0, c10);
                c11 = TLanes.MultiplyAdd(x, b1, c11);
                c12 = TLanes.MultiplyAdd(x, b2, c12);
                x = TLanes.Load(a2 + i);
                c20 = TLanes.MultiplyAdd(x, b0, c20);
                c21 = TLanes.MultiplyAdd(x, b1, c21);
                c22 = TLanes.MultiplyAdd(x, b2, c22);
                x = TLanes.Load(a3 + i);
                c30 = TLanes.MultiplyAdd(x, b0, c30);
                c31 = TLanes.MultiplyAdd(x, b1, c31);
                c32 = TLanes.MultiplyAdd(x, b2, c32);
            }
        }
        Keep(sums, c00, c01, c02);
        Keep(sums + pitch, c10, c11, c12);
        Keep(sums + (2 * pitch), c20, c21, c22);
        Keep(sums + (3 * pitch), c30, c31, c32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(float* sums, V c0, V c1, V c2)
    {
        sums[0] = TLanes.Sum(c0);
        sums[1] = TLanes.Sum(c1);
        sums[2] = TLanes.Sum(c2);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* a, int* rows, nint aRow, int outer, nint line, float* w, float* sums, int pitch)
    {
        V c0 = default, c1 = default, c2 = default, c3 = default;
        for (int o = 0; o < outer; o++, a += aRow, w += line)
        {
            float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3];
            for (nint i = 0; i < line; i += TLanes.Count)
            {
                var b = TLanes.Load(w + i);
                c0 = TLanes.MultiplyAdd(TLanes.Load(a0 + i), b, c0);
                c1 = TLanes.MultiplyAdd(TLanes.Load(a1 + i), b, c1);
                c2 = TLanes.MultiplyAdd(TLanes.Load(a2 + i), b, c2);
                c3 = TLanes.MultiplyAdd(TLanes.Load(a3 + i), b, c3);
            }
        }
        sums[0] = TLanes.Sum(c0);
        sums[pitch] = TLanes.Sum(c1);
        sums[2 * pitch] = TLanes.Sum(c2);
        sums[3 * pitch] = TLanes.Sum(c3);
    }
}
