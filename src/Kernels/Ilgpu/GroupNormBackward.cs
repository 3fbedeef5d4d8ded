using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

// Every gradient but dx is linear in two sums over the pixels of each sample and channel: A = sum du and B = sum du xhat.
public sealed partial class IlgpuBackend
{
    protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta,
        Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift)
    {
        if (x.Length == 0)
            return;
        var g = Geometry(s, scaleShift);
        var scale = View(scaleShift ?? gamma);
        using var sums = Empty(new Shape(s.N, s.C, 2));
        using (var partial = Empty(new Shape(s.N, g.Chunks, s.C, 2)))
        {
            Launch(GroupNormBackwardPartialKernel, s.N * g.Chunks * s.C, g, View(dy), View(x), View(stats), View(gamma), View(beta), scale, View(partial));
            Launch(GroupNormBackwardSumsKernel, s.N * s.C, g, View(partial), View(gamma), View(beta), View(sums), View(dscaleShift ?? sums));
        }
        using var means = Empty(new Shape(s.N, s.Groups, 2));
        Launch(GroupNormBackwardMeansKernel, s.N * s.Groups, g, View(sums), View(gamma), scale, View(means));
        Launch(GroupNormBackwardParametersKernel, s.C, g, s.N, View(sums), scale, View(dgamma), View(dbeta));
        Launch(GroupNormBackwardApplyKernel, x.Length, g, View(dy), View(x), View(stats), View(means), View(gamma), View(beta), scale, View(dx));
    }

    /// <summary>du = dy, times SiLU's derivative at u = (xhat gamma + beta)(1 + scale) + shift where SiLU is fused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float UpstreamGradient(float dy, float xhat, float gamma, float beta, float scale, float shift, int silu) =>
        silu != 0 ? dy * DeviceMath.SiluDerivative((xhat * gamma + beta) * (1f + scale) + shift) : dy;

    /// <summary>
    /// partial[n,k,c] = (A, B) over the pixels of chunk k. One thread for each (n, k, c), channels fastest; 8 bytes read and up to 15
    /// FLOPs an element.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormBackwardPartialKernel(Index1D t, GroupNormGeometry g, ArrayView<float> dy, ArrayView<float> x,
        ArrayView<float> stats, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> partial)
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
            float xhat = (x[at] - mean) * rstd;
            float du = UpstreamGradient(dy[at], xhat, ga, be, scale, shift, g.Silu);
            a += du;
            b += du * xhat;
            at += g.C;
        }
        partial[2 * t] = a;
        partial[2 * t + 1] = b;
    }

    /// <summary>sums[n,c] = (A, B); dscale = gamma B + beta A, dshift = A. One thread for each (n, c).</summary>
    [Kernel(128)]
    internal static void GroupNormBackwardSumsKernel(Index1D t, GroupNormGeometry g, ArrayView<float> partial, ArrayView<float> gamma,
        ArrayView<float> beta, ArrayView<float> sums, ArrayView<float> dscaleShift)
    {
        int n = t / g.C;
        int c = t - n * g.C;
        float a = 0f, b = 0f;
        for (int k = 0; k < g.Chunks; k++)
        {
            int at = 2 * ((n * g.Chunks + k) * g.C + c);
            a += partial[at];
            b += partial[at + 1];
        }
        sums[2 * t] = a;
        sums[2 * t + 1] = b;
        if (g.HasScaleShift != 0)
        {
            dscaleShift[2 * n * g.C + c] = gamma[c] * b + beta[c] * a;
            dscaleShift[(2 * n + 1) * g.C + c] = a;
        }
    }

    /// <summary>means[n,g] = the means over a group of dxhat and of dxhat xhat: sum over its channels of gamma (1 + scale) (A, B), over m. One thread for each (n, g).</summary>
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

    /// <summary>dgamma[c] += sum_n (1 + scale[n,c]) B[n,c]; dbeta[c] += sum_n (1 + scale[n,c]) A[n,c]. One thread a channel.</summary>
    [Kernel(64)]
    internal static void GroupNormBackwardParametersKernel(Index1D c, GroupNormGeometry g, int samples, ArrayView<float> sums,
        ArrayView<float> scaleShift, ArrayView<float> dgamma, ArrayView<float> dbeta)
    {
        float a = 0f, b = 0f;
        for (int n = 0; n < samples; n++)
        {
            float factor = 1f + (g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f);
            a += factor * sums[2 * (n * g.C + c)];
            b += factor * sums[2 * (n * g.C + c) + 1];
        }
        dgamma[c] += b;
        dbeta[c] += a;
    }

    /// <summary>
    /// dx = rstd (dxhat - mean_g(dxhat) - xhat mean_g(dxhat xhat)), dxhat = du (1 + scale) gamma. One thread an element; 8 bytes read,
    /// 4 written, up to 20 FLOPs.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void GroupNormBackwardApplyKernel(Index1D i, GroupNormGeometry g, ArrayView<float> dy, ArrayView<float> x, ArrayView<float> stats,
        ArrayView<float> means, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> dx)
    {
        int pixel = i / g.C;
        int c = i - pixel * g.C;
        int n = pixel / g.Pixels;
        int group = 2 * (n * g.Groups + c / g.GroupChannels);
        float scale = g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f;
        float shift = g.HasScaleShift != 0 ? scaleShift[(2 * n + 1) * g.C + c] : 0f;
        float ga = gamma[c], rstd = stats[group + 1];
        float xhat = (x[i] - stats[group]) * rstd;
        float dxhat = UpstreamGradient(dy[i], xhat, ga, beta[c], scale, shift, g.Silu) * (1f + scale) * ga;
        dx[i] = rstd * (dxhat - means[group] - xhat * means[group + 1]);
    }
}
