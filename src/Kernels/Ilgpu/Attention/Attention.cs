using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>An <see cref="AttentionShape"/> as kernels take it.</summary>
internal struct AttentionGeometry
{
    public int Tokens, Heads, HeadSize;

    /// <summary>1/sqrt(HeadSize).</summary>
    public float Scale;
}

/// <summary>
/// Sixteen channels of an accumulator. The kernels compute <see cref="Width"/> channels a thread and the scores anew for each block of
/// them: nothing of size Tokens x Tokens reaches memory, and nothing is shared between threads.
/// </summary>
internal struct Block16
{
    public const int Width = 16;

    public Float4 A, B, C, D;

    /// <summary>acc += s * x[at .. at + 4), in Float4s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(ref Block16 acc, float s, ArrayView<Float4> x, int at)
    {
        Float4.AddScaled(ref acc.A, s, x[at]);
        Float4.AddScaled(ref acc.B, s, x[at + 1]);
        Float4.AddScaled(ref acc.C, s, x[at + 2]);
        Float4.AddScaled(ref acc.D, s, x[at + 3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(ref Block16 acc, float s)
    {
        acc.A = Float4.Scale(s, acc.A);
        acc.B = Float4.Scale(s, acc.B);
        acc.C = Float4.Scale(s, acc.C);
        acc.D = Float4.Scale(s, acc.D);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Block16 v, ArrayView<Float4> y, int at)
    {
        y[at] = v.A;
        y[at + 1] = v.B;
        y[at + 2] = v.C;
        y[at + 3] = v.D;
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>Channels of the output that one thread of the forward kernel and of dq's computes: four blocks of 16.</summary>
    private const int AttentionBlock = 64;

    private static AttentionGeometry Geometry(in AttentionShape s) =>
        new() { Tokens = s.Tokens, Heads = s.Heads, HeadSize = s.HeadSize, Scale = 1f / MathF.Sqrt(s.HeadSize) };

    private protected override void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        if (TensorAttentionForward(s, qkv, y, lse) || SharedTileAttentionForward(s, qkv, y, lse))
            return;
        int rows = s.N * s.Heads * s.Tokens;
        if (s.HeadSize % Block16.Width == 0 && Aligned(qkv) && Aligned(y))
            Launch(AttentionKernel, rows * ((s.HeadSize + AttentionBlock - 1) / AttentionBlock), Geometry(s), View4(qkv),
                View4(y), View(lse));
        else
            Launch(AttentionScalarKernel, rows * s.HeadSize, Geometry(s), View(qkv), View(y), View(lse));
    }

    /// <summary>A token of a head, and a block of its channels.</summary>
    private struct AttentionPlace
    {
        public int Block, Head, Token, N;
    }

    /// <summary>Thread t: tokens fastest, then heads, blocks, samples; so a warp shares its keys and values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionPlace Locate(int t, AttentionGeometry g, int blocks)
    {
        AttentionPlace p;
        int rest = t / g.Tokens;
        p.Token = t - rest * g.Tokens;
        int next = rest / g.Heads;
        p.Head = rest - next * g.Heads;
        p.N = next / blocks;
        p.Block = next - p.N * blocks;
        return p;
    }

    /// <summary>a[at ..] . b[bt ..] over <paramref name="count"/> Float4s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(ArrayView<Float4> a, int at, ArrayView<Float4> b, int bt, int count)
    {
        var sum = new Float4(0f, 0f, 0f, 0f);
        for (int i = 0; i < count; i++)
            Float4.AddProduct(ref sum, a[at + i], b[bt + i]);
        return Float4.Sum(sum);
    }

    /// <summary>The same over single floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(ArrayView<float> a, int at, ArrayView<float> b, int bt, int count)
    {
        float sum = 0f;
        for (int i = 0; i < count; i++)
            sum += a[at + i] * b[bt + i];
        return sum;
    }

    /// <summary>
    /// y_i = sum_j softmax_j(q_i . k_j / sqrt(d)) v_j, and lse_i, with the running maximum and sum of Milakov and Gimelshein 2018 (what
    /// flash attention does). One thread for each (n, 64 channels, head, token); q, k, v from the cache; 4 Tokens^2 d FLOPs a
    /// head, and 2 Tokens^2 d for each further 64 channels.
    /// </summary>
    [Kernel(64, Hot = true)]
    internal static void AttentionKernel(Index1D t, AttentionGeometry g, ArrayView<Float4> qkv, ArrayView<Float4> y, ArrayView<float> lse)
    {
        int size = g.HeadSize / 4;
        int width = g.Heads * size;
        var p = Locate(t, g, (g.HeadSize + AttentionBlock - 1) / AttentionBlock);
        int first = p.Block * AttentionBlock / 4;
        int blocks = (size - first) / 4; // of 16 channels, from here on; four at most count
        int q = (p.N * g.Tokens + p.Token) * 3 * width + p.Head * size;
        int k = p.N * g.Tokens * 3 * width + width + p.Head * size;
        float max = float.MinValue, sum = 0f;
        var acc0 = new Block16();
        var acc1 = new Block16();
        var acc2 = new Block16();
        var acc3 = new Block16();
        for (int j = 0; j < g.Tokens; j++)
        {
            float score = g.Scale * Dot(qkv, q, qkv, k, size);
            if (score > max)
            {
                float shrink = XMath.Exp(max - score);
                max = score;
                sum *= shrink;
                Block16.Scale(ref acc0, shrink);
                Block16.Scale(ref acc1, shrink);
                Block16.Scale(ref acc2, shrink);
                Block16.Scale(ref acc3, shrink);
            }
            float weight = XMath.Exp(score - max);
            sum += weight;
            int v = k + width + first;
            Block16.AddScaled(ref acc0, weight, qkv, v);
            if (blocks > 1)
                Block16.AddScaled(ref acc1, weight, qkv, v + 4);
            if (blocks > 2)
                Block16.AddScaled(ref acc2, weight, qkv, v + 8);
            if (blocks > 3)
                Block16.AddScaled(ref acc3, weight, qkv, v + 12);
            k += 3 * width;
        }
        float norm = 1f / sum;
        Block16.Scale(ref acc0, norm);
        Block16.Scale(ref acc1, norm);
        Block16.Scale(ref acc2, norm);
        Block16.Scale(ref acc3, norm);
        int to = (p.N * g.Tokens + p.Token) * width + p.Head * size + first;
        Block16.Store(acc0, y, to);
        if (blocks > 1)
            Block16.Store(acc1, y, to + 4);
        if (blocks > 2)
            Block16.Store(acc2, y, to + 8);
        if (blocks > 3)
            Block16.Store(acc3, y, to + 12);
        if (p.Block == 0)
            lse[(p.N * g.Heads + p.Head) * g.Tokens + p.Token] = max + XMath.Log(sum);
    }

    /// <summary>
    /// As <see cref="AttentionKernel"/> for any head size: one channel a thread, so the scores are computed HeadSize times. For odd sizes
    /// only.
    /// </summary>
    [Kernel(64)]
    internal static void AttentionScalarKernel(Index1D t, AttentionGeometry g, ArrayView<float> qkv, ArrayView<float> y,
        ArrayView<float> lse)
    {
        int size = g.HeadSize;
        int width = g.Heads * size;
        var p = Locate(t, g, size);
        int q = (p.N * g.Tokens + p.Token) * 3 * width + p.Head * size;
        int k = p.N * g.Tokens * 3 * width + width + p.Head * size;
        float max = float.MinValue, sum = 0f, acc = 0f;
        for (int j = 0; j < g.Tokens; j++)
        {
            float score = g.Scale * Dot(qkv, q, qkv, k, size);
            if (score > max)
            {
                float shrink = XMath.Exp(max - score);
                max = score;
                sum *= shrink;
                acc *= shrink;
            }
            float weight = XMath.Exp(score - max);
            sum += weight;
            acc += weight * qkv[k + width + p.Block];
            k += 3 * width;
        }
        y[(p.N * g.Tokens + p.Token) * width + p.Head * size + p.Block] = acc / sum;
        if (p.Block == 0)
            lse[(p.N * g.Heads + p.Head) * g.Tokens + p.Token] = max + XMath.Log(sum);
    }
}
