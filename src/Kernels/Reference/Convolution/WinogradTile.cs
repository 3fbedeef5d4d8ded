using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// The transformations of F(2x2, 3x3) (<see cref="WinogradPass"/>) in registers <typeparamref name="V"/>; places lie a plane apart.
/// </summary>
internal static unsafe class WinogradTile<TLanes, V>
    where TLanes : struct, ILanes<V>
    where V : unmanaged
{
    /// <summary>
    /// B' x B of <paramref name="count"/> channels of one tile, a register after the other; the last one may read on into the next pixel,
    /// which no one uses. Row by row: few enough values are alive at a time for sixteen registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input(float* x, nint row, nint pixel, int count, float* v, nint plane)
    {
        float* x1 = x + row, x2 = x1 + row, x3 = x2 + row;
        for (nint c = 0; c < count; c += TLanes.Count, v += TLanes.Count)
        {
            V a = TLanes.Load(x2 + c), b = TLanes.Load(x2 + c + pixel), d = TLanes.Load(x2 + c + 2 * pixel),
                e = TLanes.Load(x2 + c + 3 * pixel);
            Row(TLanes.Subtract(TLanes.Load(x + c), a), TLanes.Subtract(TLanes.Load(x + c + pixel), b),
                TLanes.Subtract(TLanes.Load(x + c + 2 * pixel), d), TLanes.Subtract(TLanes.Load(x + c + 3 * pixel), e), v, plane);
            V f = TLanes.Load(x1 + c), g = TLanes.Load(x1 + c + pixel), h = TLanes.Load(x1 + c + 2 * pixel),
                i = TLanes.Load(x1 + c + 3 * pixel);
            Row(TLanes.Add(f, a), TLanes.Add(g, b), TLanes.Add(h, d), TLanes.Add(i, e), v + 4 * plane, plane);
            Row(TLanes.Subtract(a, f), TLanes.Subtract(b, g), TLanes.Subtract(d, h), TLanes.Subtract(e, i), v + 8 * plane, plane);
            Row(TLanes.Subtract(f, TLanes.Load(x3 + c)), TLanes.Subtract(g, TLanes.Load(x3 + c + pixel)),
                TLanes.Subtract(h, TLanes.Load(x3 + c + 2 * pixel)), TLanes.Subtract(i, TLanes.Load(x3 + c + 3 * pixel)),
                v + 12 * plane, plane);
        }
    }

    /// <summary>One row of t B.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(V t0, V t1, V t2, V t3, float* v, nint plane)
    {
        TLanes.Store(TLanes.Subtract(t0, t2), v);
        TLanes.Store(TLanes.Add(t1, t2), v + plane);
        TLanes.Store(TLanes.Subtract(t2, t1), v + 2 * plane);
        TLanes.Store(TLanes.Subtract(t1, t3), v + 3 * plane);
    }

    /// <summary>
    /// A y A' of one tile's four outputs, for the gradient: with A = (1 0; 1 1; 1 -1; 0 -1) two rows and columns become four.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OutputGradient(float* y00, float* y01, float* y10, float* y11, int count, float* d, nint plane)
    {
        for (nint k = 0; k < count; k += TLanes.Count, d += TLanes.Count)
        {
            V a = TLanes.Load(y00 + k), b = TLanes.Load(y01 + k), c = TLanes.Load(y10 + k), e = TLanes.Load(y11 + k);
            OutputGradientRow(a, b, d, plane);
            OutputGradientRow(TLanes.Add(a, c), TLanes.Add(b, e), d + 4 * plane, plane);
            OutputGradientRow(TLanes.Subtract(a, c), TLanes.Subtract(b, e), d + 8 * plane, plane);
            OutputGradientRow(TLanes.Subtract(default, c), TLanes.Subtract(default, e), d + 12 * plane, plane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputGradientRow(V a, V b, float* d, nint plane)
    {
        TLanes.Store(a, d);
        TLanes.Store(TLanes.Add(a, b), d + plane);
        TLanes.Store(TLanes.Subtract(a, b), d + 2 * plane);
        TLanes.Store(TLanes.Subtract(default, b), d + 3 * plane);
    }

    /// <summary>U = G w G': nine taps [9][length] to sixteen places [16][length].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* taps, nint length, float* places)
    {
        var half = TLanes.Broadcast(0.5f);
        for (nint i = 0; i < length; i += TLanes.Count)
        {
            float* w = taps + i, u = places + i;
            V w0 = TLanes.Load(w), w1 = TLanes.Load(w + length), w2 = TLanes.Load(w + 2 * length);
            V w6 = TLanes.Load(w + 6 * length), w7 = TLanes.Load(w + 7 * length), w8 = TLanes.Load(w + 8 * length);
            WeightRow(w0, w1, w2, u, length);
            WeightRow(w6, w7, w8, u + 12 * length, length);
            V s0 = TLanes.Multiply(half, TLanes.Add(w0, w6)), s1 = TLanes.Multiply(half, TLanes.Add(w1, w7)),
                s2 = TLanes.Multiply(half, TLanes.Add(w2, w8));
            V m0 = TLanes.Multiply(half, TLanes.Load(w + 3 * length)), m1 = TLanes.Multiply(half, TLanes.Load(w + 4 * length));
            V m2 = TLanes.Multiply(half, TLanes.Load(w + 5 * length));
            WeightRow(TLanes.Add(s0, m0), TLanes.Add(s1, m1), TLanes.Add(s2, m2), u + 4 * length, length);
            WeightRow(TLanes.Subtract(s0, m0), TLanes.Subtract(s1, m1), TLanes.Subtract(s2, m2), u + 8 * length, length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightRow(V a, V b, V c, float* u, nint length)
    {
        var half = TLanes.Broadcast(0.5f);
        V sum = TLanes.Multiply(half, TLanes.Add(a, c)), middle = TLanes.Multiply(half, b);
        TLanes.Store(a, u);
        TLanes.Store(TLanes.Add(sum, middle), u + length);
        TLanes.Store(TLanes.Subtract(sum, middle), u + 2 * length);
        TLanes.Store(c, u + 3 * length);
    }

    /// <summary>G' u G of the places' sums u over the slices, nine registers: the gradients of the taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Taps(float* u, nint place, int slices, nint slice, float* taps)
    {
        for (int column = 0; column < 4; column++, u += place)
        {
            V u0 = TLanes.Load(u), u1 = TLanes.Load(u + 4 * place), u2 = TLanes.Load(u + 8 * place), u3 = TLanes.Load(u + 12 * place);
            float* next = u + slice;
            for (int i = 1; i < slices; i++, next += slice)
            {
                u0 = TLanes.Add(u0, TLanes.Load(next));
                u1 = TLanes.Add(u1, TLanes.Load(next + 4 * place));
                u2 = TLanes.Add(u2, TLanes.Load(next + 8 * place));
                u3 = TLanes.Add(u3, TLanes.Load(next + 12 * place));
            }
            var half = TLanes.Broadcast(0.5f);
            V sum = TLanes.Multiply(half, TLanes.Add(u1, u2));
            TapColumn(taps, column, TLanes.Add(u0, sum));
            TapColumn(taps + 3 * TLanes.Count, column, TLanes.Multiply(half, TLanes.Subtract(u1, u2)));
            TapColumn(taps + 6 * TLanes.Count, column, TLanes.Add(sum, u3));
        }
    }

    /// <summary>
    /// What one column of G' u adds to a row of taps: (1, 0, 0), (1/2, 1/2, 1/2), (1/2, -1/2, 1/2) or (0, 0, 1) times it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TapColumn(float* row, int column, V u)
    {
        float* middle = row + TLanes.Count, last = middle + TLanes.Count;
        if (column == 0)
        {
            TLanes.Store(u, row);
            return;
        }
        if (column == 3)
        {
            TLanes.Store(TLanes.Add(TLanes.Load(last), u), last);
            return;
        }
        u = TLanes.Multiply(u, TLanes.Broadcast(0.5f));
        TLanes.Store(TLanes.Add(TLanes.Load(row), u), row);
        TLanes.Store(column == 1 ? u : TLanes.Subtract(TLanes.Load(middle), u), middle);
        TLanes.Store(column == 1 ? u : TLanes.Add(TLanes.Load(last), u), last);
    }
}
