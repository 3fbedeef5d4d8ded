using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>A <see cref="GroupNormShape"/> as kernels take it, and the chunks of pixels that partial sums run over.</summary>
internal struct GroupNormGeometry
{
    public int Pixels, C, Groups, GroupChannels, Chunks, ChunkPixels, Silu, HasScaleShift;
    public float Epsilon;
}

public sealed partial class IlgpuBackend
{
    /// <param name="s">The shape.</param>
    /// <param name="scaleShift">Whether there is one.</param>
    /// <param name="multiple">Of pixels, for a chunk: blocks are whole where moments are merged.</param>
    private static GroupNormGeometry Geometry(in GroupNormShape s, Tensor? scaleShift, int multiple = 1)
    {
        int chunks = Math.Clamp(s.Pixels / 32, 1, 64);
        int chunkPixels = Math.Max(1, (s.Pixels + chunks - 1) / chunks);
        chunkPixels = (chunkPixels + multiple - 1) / multiple * multiple;
        return new GroupNormGeometry
        {
            Pixels = s.Pixels,
            C = s.C,
            Groups = s.Groups,
            GroupChannels = s.C / s.Groups,
            Chunks = (s.Pixels + chunkPixels - 1) / chunkPixels,
            ChunkPixels = chunkPixels,
            Silu = s.Silu ? 1 : 0,
            HasScaleShift = scaleShift is null ? 0 : 1,
            Epsilon = s.Epsilon,
        };
    }

    private protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y,
        Tensor stats, Tensor? moments)
    {
        if (x.Length == 0)
            return;
        var g = GroupNormStats(s, x, scaleShift, stats, moments);
        bool vector = g.GroupChannels % 4 == 0 && Aligned(x) && Aligned(y) && Aligned(gamma) && Aligned(beta)
            && (scaleShift is null || Aligned(scaleShift));
        if (x.Type == ElementType.BFloat16)
            GroupNormApplyBits(g, vector, x, stats, gamma, beta, scaleShift ?? gamma, y);
        else if (vector)
            Launch(GroupNormApply4Kernel, x.Length / 4, g, View4(x), View(stats), View4(gamma), View4(beta),
                View4(scaleShift ?? gamma), View4(y));
        else
            Launch(GroupNormApplyKernel, x.Length, g, View(x), View(stats), View(gamma), View(beta), View(scaleShift ?? gamma), View(y));
    }

    /// <summary>The statistics, from x or from its moments (not where these do not start at a multiple of their 8 bytes).</summary>
    private GroupNormGeometry GroupNormStats(in GroupNormShape s, Tensor x, Tensor? scaleShift, Tensor stats, Tensor? moments)
    {
        if (moments is not null && moments.Offset % 2 != 0)
            moments = null;
        var g = Geometry(s, scaleShift, moments is null ? 1 : MomentsShape.BlockPixels);
        using var partial = Empty(new Shape(s.N, g.Chunks, s.Groups, 2));
        if (moments is null)
            LaunchGroupNormPartial(s.N, g, x, partial);
        else
            Launch(GroupNormMergeMomentsKernel, s.N * g.Chunks * g.Groups, g, View2(moments), View2(partial));
        Launch(GroupNormStatsKernel, s.N * s.Groups, g, View2(partial), View(stats));
        return g;
    }

    /// <summary>
    /// Mean and sum of squared deviations of one group over one chunk of pixels, in two passes (the second from the cache), so that
    /// nothing cancels. One thread for each (n, chunk, group), groups fastest; 4 bytes an element read from memory, 5 FLOPs.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormPartialKernel(Index1D t, GroupNormGeometry g, ArrayView<float> x, ArrayView<float> partial) =>
        GroupNormPartial<InFloat32, float>(t, g, x, partial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormPartial<TE, T>(Index1D t, GroupNormGeometry g, ArrayView<T> x, ArrayView<float> partial)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int block = t / g.Groups;
        int group = t - block * g.Groups;
        int n = block / g.Chunks;
        int first = (block - n * g.Chunks) * g.ChunkPixels;
        int end = first + g.ChunkPixels < g.Pixels ? first + g.ChunkPixels : g.Pixels;
        int at = (n * g.Pixels + first) * g.C + group * g.GroupChannels;
        float sum = 0f;
        for (int p = first; p < end; p++)
        {
            for (int c = 0; c < g.GroupChannels; c++)
                sum += TE.Widen(x[at + c]);
            at += g.C;
        }
        float mean = sum / ((end - first) * g.GroupChannels);
        float squares = 0f;
        at = (n * g.Pixels + first) * g.C + group * g.GroupChannels;
        for (int p = first; p < end; p++)
        {
            for (int c = 0; c < g.GroupChannels; c++)
            {
                float d = TE.Widen(x[at + c]) - mean;
                squares += d * d;
            }
            at += g.C;
        }
        partial[2 * t] = mean;
        partial[2 * t + 1] = squares;
    }

    private void LaunchGroupNormPartial(int samples, GroupNormGeometry g, Tensor x, Tensor partial)
    {
        int threads = samples * g.Chunks * g.Groups;
        bool vector = g.GroupChannels % 4 == 0 && Aligned(x), bits = x.Type == ElementType.BFloat16;
        if (bits && vector)
            Launch(GroupNormPartial4BFloat16Kernel, threads, g, Bits4(x), View2(partial));
        else if (bits)
            Launch(GroupNormPartialBFloat16Kernel, threads, g, Bits(x), View(partial));
        else if (vector)
            Launch(GroupNormPartial4Kernel, threads, g, View4(x), View2(partial));
        else
            Launch(GroupNormPartialKernel, threads, g, View(x), View(partial));
    }

    /// <summary>
    /// <see cref="GroupNormPartialKernel"/> for groups of whole fours of channels, 16 bytes a load, added up in the same order. Single
    /// floats of neighbouring groups, 16 bytes apart or more, ask the cache for each sector again and again: 16 a request where 4 would do.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormPartial4Kernel(Index1D t, GroupNormGeometry g, ArrayView<Float4> x, ArrayView<Float2> partial) =>
        GroupNormPartial4<InFloat32, Float4>(t, g, x, partial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormPartial4<TE, T>(Index1D t, GroupNormGeometry g, ArrayView<T> x, ArrayView<Float2> partial)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int block = t / g.Groups;
        int group = t - block * g.Groups;
        int n = block / g.Chunks;
        int first = (block - n * g.Chunks) * g.ChunkPixels;
        int end = first + g.ChunkPixels < g.Pixels ? first + g.ChunkPixels : g.Pixels;
        int fours = g.GroupChannels / 4, row = g.C / 4;
        int start = (n * g.Pixels + first) * row + group * fours, at = start;
        float sum = 0f;
        for (int p = first; p < end; p++)
        {
            for (int c = 0; c < fours; c++)
            {
                var v = TE.Widen(x[at + c]);
                sum = sum + v.X + v.Y + v.Z + v.W;
            }
            at += row;
        }
        float mean = sum / ((end - first) * g.GroupChannels);
        float squares = 0f;
        at = start;
        for (int p = first; p < end; p++)
        {
            for (int c = 0; c < fours; c++)
            {
                var v = TE.Widen(x[at + c]);
                float d0 = v.X - mean, d1 = v.Y - mean, d2 = v.Z - mean, d3 = v.W - mean;
                squares = squares + d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
            }
            at += row;
        }
        partial[t] = new Float2(mean, squares);
    }

    /// <summary>
    /// stats[n,g] = (mean, 1/sqrt(var + eps)) from the chunks' means m_k and squares s_k of n_k elements: mean = m_0 + sum n_k (m_k - m_0)
    /// / n, squares = sum s_k + n_k (m_k - mean)^2, so that nothing cancels. One thread for each (n, g): two passes whose loads do not wait
    /// for one another are faster than one that joins chunk to chunk with a division each (18 us on an H200 for 32 chunks).
    /// </summary>
    [Kernel(64)]
    internal static void GroupNormStatsKernel(Index1D t, GroupNormGeometry g, ArrayView<Float2> partial, ArrayView<float> stats)
    {
        int n = t / g.Groups;
        int first = n * g.Chunks * g.Groups + (t - n * g.Groups);
        // All chunks but the last have the same number of pixels.
        int last = g.Chunks - 1;
        float lastPixels = g.Pixels - last * g.ChunkPixels;
        float origin = partial[first].X;
        float sum = 0f;
        for (int k = 0; k < last; k++)
            sum += partial[first + k * g.Groups].X - origin;
        sum = sum * g.ChunkPixels + lastPixels * (partial[first + last * g.Groups].X - origin);
        float mean = origin + sum / g.Pixels;
        float within = 0f, between = 0f;
        for (int k = 0; k < last; k++)
        {
            var p = partial[first + k * g.Groups];
            within += p.Y;
            between += (p.X - mean) * (p.X - mean);
        }
        var end = partial[first + last * g.Groups];
        between = between * g.ChunkPixels + lastPixels * (end.X - mean) * (end.X - mean);
        float squares = within + end.Y + between * g.GroupChannels;
        stats[2 * t] = mean;
        stats[2 * t + 1] = 1f / XMath.Sqrt(squares / ((float)g.Pixels * g.GroupChannels) + g.Epsilon);
    }

    /// <summary>u = ((x - mean) rstd gamma + beta)(1 + scale) + shift, through SiLU if asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Normalise(float x, float mean, float rstd, float gamma, float beta, float scale, float shift, int silu)
    {
        float u = ((x - mean) * rstd * gamma + beta) * (1f + scale) + shift;
        return silu != 0 ? DeviceMath.Silu(u) : u;
    }

    /// <summary>
    /// y from x and the statistics, four channels of one group a thread. 16 bytes read, 16 written, 8 or 12 FLOPs an element.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void GroupNormApply4Kernel(Index1D i, GroupNormGeometry g, ArrayView<Float4> x, ArrayView<float> stats,
        ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift, ArrayView<Float4> y) =>
        GroupNormApply4<InFloat32, Float4>(i, g, x, stats, gamma, beta, scaleShift, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormApply4<TE, T>(Index1D i, GroupNormGeometry g, ArrayView<T> x, ArrayView<float> stats,
        ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift, ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int channels4 = g.C / 4;
        int pixel = i / channels4;
        int c = i - pixel * channels4;
        int n = pixel / g.Pixels;
        int at = 2 * (n * g.Groups + c / (g.GroupChannels / 4));
        float mean = stats[at], rstd = stats[at + 1];
        var v = TE.Widen(x[i]);
        var ga = gamma[c];
        var be = beta[c];
        var sc = new Float4(0f, 0f, 0f, 0f);
        var sh = new Float4(0f, 0f, 0f, 0f);
        if (g.HasScaleShift != 0)
        {
            sc = scaleShift[2 * n * channels4 + c];
            sh = scaleShift[(2 * n + 1) * channels4 + c];
        }
        y[i] = TE.Round(new Float4(
            Normalise(v.X, mean, rstd, ga.X, be.X, sc.X, sh.X, g.Silu), Normalise(v.Y, mean, rstd, ga.Y, be.Y, sc.Y, sh.Y, g.Silu),
            Normalise(v.Z, mean, rstd, ga.Z, be.Z, sc.Z, sh.Z, g.Silu), Normalise(v.W, mean, rstd, ga.W, be.W, sc.W, sh.W, g.Silu)));
    }

    /// <summary>As <see cref="GroupNormApply4Kernel"/>, one element a thread, for groups that four does not divide.</summary>
    [Kernel]
    internal static void GroupNormApplyKernel(Index1D i, GroupNormGeometry g, ArrayView<float> x, ArrayView<float> stats,
        ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> y) =>
        GroupNormApply<InFloat32, float>(i, g, x, stats, gamma, beta, scaleShift, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormApply<TE, T>(Index1D i, GroupNormGeometry g, ArrayView<T> x, ArrayView<float> stats,
        ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<T> y)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int pixel = i / g.C;
        int c = i - pixel * g.C;
        int n = pixel / g.Pixels;
        int at = 2 * (n * g.Groups + c / g.GroupChannels);
        float scale = g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f;
        float shift = g.HasScaleShift != 0 ? scaleShift[(2 * n + 1) * g.C + c] : 0f;
        y[i] = TE.Round(Normalise(TE.Widen(x[i]), stats[at], stats[at + 1], gamma[c], beta[c], scale, shift, g.Silu));
    }
}
