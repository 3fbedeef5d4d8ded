using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

// Every gradient but dx is linear in two sums over the pixels of each sample and channel: A = sum du and B = sum du xhat.
public sealed partial class IlgpuBackend
{
    private protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta,
        Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift)
    {
        if (x.Length == 0)
            return;
        var g = Geometry(s, scaleShift);
        var scale = View(scaleShift ?? gamma);
        // Four channels of one group a thread.
        bool bits = x.Type == ElementType.BFloat16;
        bool vector = g.GroupChannels % 4 == 0 && Aligned(dy) && Aligned(x) && AreAligned(gamma, beta, scaleShift);
        var scale4 = vector ? View4(scaleShift ?? gamma) : default;
        using var sums = Empty(new Shape(s.N, s.C, 2));
        using (var partial = Empty(new Shape(s.N, g.Chunks, s.C, 2)))
        {
            if (bits)
                GroupNormBackwardPartialBits(g, vector, s.N * g.Chunks * s.C, dy, x, stats, gamma, beta, scaleShift ?? gamma, partial);
            else if (vector)
                Launch(GroupNormBackwardPartial4Kernel, s.N * g.Chunks * (s.C / 4), g, View4(dy), View4(x), View(stats), View4(gamma),
                    View4(beta), scale4, View4(partial));
            else
                Launch(GroupNormBackwardPartialKernel, s.N * g.Chunks * s.C, g, View(dy), View(x), View(stats), View(gamma), View(beta),
                    scale, View(partial));
            Launch(GroupNormBackwardSumsKernel, s.N * s.C, g, View2(partial), View(gamma), View(beta), View2(sums),
                View(dscaleShift ?? sums));
        }
        using var means = Empty(new Shape(s.N, s.Groups, 2));
        Launch(GroupNormBackwardMeansKernel, s.N * s.Groups, g, View(sums), View(gamma), scale, View(means));
        Launch(GroupNormBackwardParametersKernel, s.C, g, s.N, View2(sums), scale, View(dgamma), View(dbeta));
        if (bits)
            GroupNormBackwardApplyBits(g, vector && Aligned(dx), dy, x, stats, means, gamma, beta, scaleShift ?? gamma, dx);
        else if (vector && Aligned(dx))
            Launch(GroupNormBackwardApply4Kernel, x.Length / 4, g, View4(dy), View4(x), View(stats), View(means), View4(gamma), View4(beta),
                scale4, View4(dx));
        else
            Launch(GroupNormBackwardApplyKernel, x.Length, g, View(dy), View(x), View(stats), View(means), View(gamma), View(beta),
                scale, View(dx));
    }

    /// <summary>du = dy, times SiLU's derivative at u = (xhat gamma + beta)(1 + scale) + shift where SiLU is fused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float UpstreamGradient(float dy, float xhat, float gamma, float beta, float scale, float shift, int silu) =>
        silu != 0 ? dy * DeviceMath.SiluDerivative((xhat * gamma + beta) * (1f + scale) + shift) : dy;

    /// <summary>
    /// partial[n,k,c] = (A, B) over the pixels of chunk k. One thread for each (n, k, c), channels fastest; 8 bytes read and up to 15
    /// FLOPs an element.
    /// </summary>
    [Kernel(128)]
    internal static void GroupNormBackwardPartialKernel(Index1D t, GroupNormGeometry g, ArrayView<float> dy, ArrayView<float> x,
        ArrayView<float> stats, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> partial) =>
        GroupNormBackwardPartial<InFloat32, float>(t, g, dy, x, stats, gamma, beta, scaleShift, partial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormBackwardPartial<TE, T>(Index1D t, GroupNormGeometry g, ArrayView<T> dy, ArrayView<T> x,
        ArrayView<float> stats, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> partial)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int block = t / g.C;
        int c = t - block * g.C;
        int n = block / g.Chunks;
        int first = (block - n * g.Chunks) * g.ChunkPixels;
        int end = first + g.ChunkPixels < g.Pixels ? first + g.ChunkPixels : g.Pixels;
        int group = 2 * (n * g.Groups + c / g.GroupChannels);
        float mean = stats[group], rstd = stats[group + 1], ga = gamma[c], be = beta[c];
        float scale = g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f;
        float shift = g.HasScaleShift != 0 ? scaleShift[(2 * n + 1) * g.C + c] : 0f;
        float a = 0f, b = 0f;
        int at = (n * g.Pixels + first) * g.C + c;
        for (int p = first; p < end; p++)
        {
            float xhat = (TE.Widen(x[at]) - mean) * rstd;
            float du = UpstreamGradient(TE.Widen(dy[at]), xhat, ga, be, scale, shift, g.Silu);
            a += du;
            b += du * xhat;
            at += g.C;
        }
        partial[2 * t] = a;
        partial[2 * t + 1] = b;
    }

    /// <summary>What four channels of a sample are normalised by.</summary>
    private struct Normalisation4
    {
        public float Mean, Rstd;
        public Float4 Gamma, Beta, Scale, Shift;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Normalisation4 Normalisation(GroupNormGeometry g, int n, int c, ArrayView<float> stats, ArrayView<Float4> gamma,
        ArrayView<Float4> beta,
        ArrayView<Float4> scaleShift)
    {
        int channels4 = g.C / 4;
        int at = 2 * (n * g.Groups + c / (g.GroupChannels / 4));
        Normalisation4 s;
        s.Mean = stats[at];
        s.Rstd = stats[at + 1];
        s.Gamma = gamma[c];
        s.Beta = beta[c];
        s.Scale = new Float4(0f, 0f, 0f, 0f);
        s.Shift = new Float4(0f, 0f, 0f, 0f);
        if (g.HasScaleShift != 0)
        {
            s.Scale = scaleShift[2 * n * channels4 + c];
            s.Shift = scaleShift[(2 * n + 1) * channels4 + c];
        }
        return s;
    }

    /// <summary>a += du, b += du xhat, for one pixel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPixel(ref Float4 a, ref Float4 b, Normalisation4 s, int silu, Float4 x, Float4 dy)
    {
        var xhat = new Float4((x.X - s.Mean) * s.Rstd, (x.Y - s.Mean) * s.Rstd, (x.Z - s.Mean) * s.Rstd, (x.W - s.Mean) * s.Rstd);
        var du = new Float4(
            UpstreamGradient(dy.X, xhat.X, s.Gamma.X, s.Beta.X, s.Scale.X, s.Shift.X, silu),
            UpstreamGradient(dy.Y, xhat.Y, s.Gamma.Y, s.Beta.Y, s.Scale.Y, s.Shift.Y, silu),
            UpstreamGradient(dy.Z, xhat.Z, s.Gamma.Z, s.Beta.Z, s.Scale.Z, s.Shift.Z, silu),
            UpstreamGradient(dy.W, xhat.W, s.Gamma.W, s.Beta.W, s.Scale.W, s.Shift.W, silu));
        a = Float4.Add(a, du);
        Float4.AddProduct(ref b, du, xhat);
    }

    /// <summary>
    /// As <see cref="GroupNormBackwardPartialKernel"/>, four channels of one group a thread and two pixels at a time: four loads of 16
    /// bytes are on their way before the first is used.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormBackwardPartial4Kernel(Index1D t, GroupNormGeometry g, ArrayView<Float4> dy, ArrayView<Float4> x,
        ArrayView<float> stats, ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift, ArrayView<Float4> partial) =>
        GroupNormBackwardPartial4<InFloat32, Float4>(t, g, dy, x, stats, gamma, beta, scaleShift, partial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormBackwardPartial4<TE, T>(Index1D t, GroupNormGeometry g, ArrayView<T> dy, ArrayView<T> x,
        ArrayView<float> stats, ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift, ArrayView<Float4> partial)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int channels4 = g.C / 4;
        int block = t / channels4;
        int c = t - block * channels4;
        int n = block / g.Chunks;
        int first = (block - n * g.Chunks) * g.ChunkPixels;
        int left = (first + g.ChunkPixels < g.Pixels ? first + g.ChunkPixels : g.Pixels) - first;
        var s = Normalisation(g, n, c, stats, gamma, beta, scaleShift);
        var a = new Float4();
        var b = new Float4();
        int at = (n * g.Pixels + first) * channels4 + c;
        for (; left >= 2; left -= 2)
        {
            var x0 = TE.Widen(x[at]);
            var dy0 = TE.Widen(dy[at]);
            var x1 = TE.Widen(x[at + channels4]);
            var dy1 = TE.Widen(dy[at + channels4]);
            AddPixel(ref a, ref b, s, g.Silu, x0, dy0);
            AddPixel(ref a, ref b, s, g.Silu, x1, dy1);
            at += 2 * channels4;
        }
        if (left > 0)
            AddPixel(ref a, ref b, s, g.Silu, TE.Widen(x[at]), TE.Widen(dy[at]));
        partial[2 * t] = new Float4(a.X, b.X, a.Y, b.Y);
        partial[2 * t + 1] = new Float4(a.Z, b.Z, a.W, b.W);
    }

    /// <summary>
    /// sums[n,c] = (A, B); dscale = gamma B + beta A, dshift = A. One thread for each (n, c); eight loads are on their way at once.
    /// </summary>
    [Kernel(128)]
    internal static void GroupNormBackwardSumsKernel(Index1D t, GroupNormGeometry g, ArrayView<Float2> partial, ArrayView<float> gamma,
        ArrayView<float> beta, ArrayView<Float2> sums, ArrayView<float> dscaleShift)
    {
        int n = t / g.C;
        int c = t - n * g.C;
        var sum = new Float2();
        int at = n * g.Chunks * g.C + c;
        int left = g.Chunks;
        for (; left >= 8; left -= 8)
        {
            var s0 = Float2.SumOf4(partial, at, g.C);
            var s1 = Float2.SumOf4(partial, at + 4 * g.C, g.C);
            sum = Float2.Add(sum, Float2.Add(s0, s1));
            at += 8 * g.C;
        }
        for (; left > 0; left--)
        {
            sum = Float2.Add(sum, partial[at]);
            at += g.C;
        }
        sums[t] = sum;
        if (g.HasScaleShift != 0)
        {
            dscaleShift[2 * n * g.C + c] = gamma[c] * sum.Y + beta[c] * sum.X;
            dscaleShift[(2 * n + 1) * g.C + c] = sum.X;
        }
    }

    /// <summary>
    /// means[n,g] = the means over a group of dxhat and of dxhat xhat: sum over its channels of gamma (1 + scale) (A, B), over m. One
    /// thread for each (n, g).
    /// </summary>
    [Kernel(64)]
    internal static void GroupNormBackwardMeansKernel(Index1D t, GroupNormGeometry g, ArrayView<float> sums, ArrayView<float> gamma,
        ArrayView<float> scaleShift, ArrayView<float> means)
    {
        int n = t / g.Groups;
        int first = (t - n * g.Groups) * g.GroupChannels;
        float a = 0f, b = 0f;
        for (int c = first; c < first + g.GroupChannels; c++)
        {
            float factor = gamma[c] * (1f + (g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f));
            a += factor * sums[2 * (n * g.C + c)];
            b += factor * sums[2 * (n * g.C + c) + 1];
        }
        float elements = (float)g.Pixels * g.GroupChannels;
        means[2 * t] = a / elements;
        means[2 * t + 1] = b / elements;
    }

    /// <summary>
    /// dgamma[c] += sum_n (1 + scale[n,c]) B[n,c]; dbeta[c] += sum_n (1 + scale[n,c]) A[n,c]. One thread a channel: so few that their time
    /// is that of loads one behind the other, hence eight samples at once.
    /// </summary>
    [Kernel(64)]
    internal static void GroupNormBackwardParametersKernel(Index1D c, GroupNormGeometry g, int samples, ArrayView<Float2> sums,
        ArrayView<float> scaleShift, ArrayView<float> dgamma, ArrayView<float> dbeta)
    {
        var sum = new Float2();
        int n = 0;
        for (; n + 8 <= samples; n += 8)
        {
            var s0 = SamplesOf4(g, n, c, sums, scaleShift);
            var s1 = SamplesOf4(g, n + 4, c, sums, scaleShift);
            sum = Float2.Add(sum, Float2.Add(s0, s1));
        }
        for (; n < samples; n++)
            sum = Float2.Add(sum, Sample(g, n, c, sums, scaleShift));
        dgamma[c] += sum.Y;
        dbeta[c] += sum.X;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float2 SamplesOf4(GroupNormGeometry g, int n, int c, ArrayView<Float2> sums, ArrayView<float> scaleShift) => Float2.Add(
        Float2.Add(Sample(g, n, c, sums, scaleShift), Sample(g, n + 1, c, sums, scaleShift)),
        Float2.Add(Sample(g, n + 2, c, sums, scaleShift), Sample(g, n + 3, c, sums, scaleShift)));

    /// <summary>(1 + scale[n,c]) (A, B)[n,c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float2 Sample(GroupNormGeometry g, int n, int c, ArrayView<Float2> sums, ArrayView<float> scaleShift)
    {
        // Without a scale the load goes to gamma, which stands in for it: no branch stands between the loads.
        float scale = scaleShift[g.HasScaleShift != 0 ? 2 * n * g.C + c : c];
        float factor = g.HasScaleShift != 0 ? 1f + scale : 1f;
        var s = sums[n * g.C + c];
        return new Float2(factor * s.X, factor * s.Y);
    }
}
