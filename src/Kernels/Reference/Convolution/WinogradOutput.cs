using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>From a tile's sixteen products to its four outputs: y = act(scale (A' m A + residual) + bias).</summary>
internal unsafe struct WinogradOutput<TLanes, V>
    where TLanes : struct, ILanes<V>
    where V : unmanaged
{
    /// <summary>Floats between the places of m; between pixels and rows of y; from y to the residual.</summary>
    public nint Plane, YPixel, YRow, Residual;

    public float Scale;
    public bool HasResidual, Silu;

    /// <summary>Tiles side by side that lie in the image, of whole registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Whole(float* m, int width, float* bias, float* y, int tiles, int count)
    {
        nint plane = Plane, right = YPixel, below = YRow, residual = Residual;
        bool hasResidual = HasResidual, silu = Silu;
        V scale = TLanes.Broadcast(Scale);
        for (int tile = 0; tile < tiles; tile++, m += width, y += 2 * right)
        {
            for (nint j = 0; j < count; j += TLanes.Count)
            {
                Sums(m + j, plane, out V y00, out V y01, out V y10, out V y11);
                float* to = y + j;
                if (hasResidual)
                {
                    float* from = to + residual;
                    y00 = TLanes.Add(y00, TLanes.Load(from));
                    y01 = TLanes.Add(y01, TLanes.Load(from + right));
                    y10 = TLanes.Add(y10, TLanes.Load(from + below));
                    y11 = TLanes.Add(y11, TLanes.Load(from + below + right));
                }
                V b = bias == null ? default : TLanes.Load(bias + j);
                TLanes.Store(TLanes.MultiplyAdd(y00, scale, b), to);
                TLanes.Store(TLanes.MultiplyAdd(y01, scale, b), to + right);
                TLanes.Store(TLanes.MultiplyAdd(y10, scale, b), to + below);
                TLanes.Store(TLanes.MultiplyAdd(y11, scale, b), to + below + right);
            }
            if (silu)
            {
                Activate(y, count);
                Activate(y + right, count);
                Activate(y + below, count);
                Activate(y + below + right, count);
            }
        }
    }

    /// <summary>A tile whose second row or column may lie outside the image, or whose last register is not whole.</summary>
    public readonly void Part(float* m, float* bias, float* y, bool below, bool right, int count)
    {
        float* sums = stackalloc float[4 * TLanes.Count];
        for (int j = 0; j < count; j += TLanes.Count)
        {
            Sums(m + j, Plane, out V y00, out V y01, out V y10, out V y11);
            TLanes.Store(y00, sums);
            TLanes.Store(y01, sums + TLanes.Count);
            TLanes.Store(y10, sums + (2 * TLanes.Count));
            TLanes.Store(y11, sums + (3 * TLanes.Count));
            int columns = Math.Min(TLanes.Count, count - j);
            for (int place = 0; place < 4; place++, sums += TLanes.Count)
            {
                if (((place & 1) != 0 && !right) || ((place & 2) != 0 && !below))
                    continue;
                float* to = y + j + ((place & 1) * YPixel) + ((place >> 1) * YRow);
                for (int k = 0; k < columns; k++)
                    to[k] = (Scale * (HasResidual ? sums[k] + to[Residual + k] : sums[k])) + (bias == null ? 0f : bias[j + k]);
                if (Silu)
                    Activate(to, columns);
            }
            sums -= 4 * TLanes.Count;
        }
    }

    /// <summary>A' m A of one vector of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sums(float* m, nint plane, out V y00, out V y01, out V y10, out V y11)
    {
        Column(m, plane, out V top0, out V bottom0);
        Column(m + plane, plane, out V top1, out V bottom1);
        Column(m + (2 * plane), plane, out V top2, out V bottom2);
        Column(m + (3 * plane), plane, out V top3, out V bottom3);
        y00 = TLanes.Add(TLanes.Add(top0, top1), top2);
        y01 = TLanes.Subtract(TLanes.Subtract(top1, top2), top3);
        y10 = TLanes.Add(TLanes.Add(bottom0, bottom1), bottom2);
        y11 = TLanes.Subtract(TLanes.Subtract(bottom1, bottom2), bottom3);
    }

    /// <summary>A' of one column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* m, nint plane, out V top, out V bottom)
    {
        V m1 = TLanes.Load(m + (4 * plane)), m2 = TLanes.Load(m + (8 * plane));
        top = TLanes.Add(TLanes.Add(TLanes.Load(m), m1), m2);
        bottom = TLanes.Subtract(TLanes.Subtract(m1, m2), TLanes.Load(m + (12 * plane)));
    }

    /// <summary>SiLU of one pixel's channels, which still lie in the first-level cache.</summary>
    private static void Activate(float* y, int count)
    {
        int k = 0;
        for (; k <= count - Vector<float>.Count; k += Vector<float>.Count)
            Simd.Silu(Vector.Load(y + k)).Store(y + k);
        if (k < count)
            Simd.Store(Simd.Silu(Simd.Load(y + k, count - k)), y + k, count - k);
    }
}
