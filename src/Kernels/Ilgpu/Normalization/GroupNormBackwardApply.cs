using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

// The last pass of group normalisation's gradient: dx, from the means that the passes before have made.
public sealed partial class IlgpuBackend
{
    /// <summary>
    /// dx = rstd (dxhat - mean_g(dxhat) - xhat mean_g(dxhat xhat)), dxhat = du (1 + scale) gamma. One thread an element; 8 bytes read,
    /// 4 written, up to 20 FLOPs.
    /// </summary>
    [Kernel]
    internal static void GroupNormBackwardApplyKernel(Index1D i, GroupNormGeometry g, ArrayView<float> dy, ArrayView<float> x,
        ArrayView<float> stats, ArrayView<float> means, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift,
        ArrayView<float> dx) =>
        GroupNormBackwardApply<InFloat32, float>(i, g, dy, x, stats, means, gamma, beta, scaleShift, dx);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormBackwardApply<TE, T>(Index1D i, GroupNormGeometry g, ArrayView<T> dy, ArrayView<T> x,
        ArrayView<float> stats, ArrayView<float> means, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift,
        ArrayView<T> dx)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int pixel = i / g.C;
        int c = i - pixel * g.C;
        int n = pixel / g.Pixels;
        int group = 2 * (n * g.Groups + c / g.GroupChannels);
        float scale = g.HasScaleShift != 0 ? scaleShift[2 * n * g.C + c] : 0f;
        float shift = g.HasScaleShift != 0 ? scaleShift[(2 * n + 1) * g.C + c] : 0f;
        dx[i] = TE.Round(InputGradient(TE.Widen(dy[i]), TE.Widen(x[i]), stats[group], stats[group + 1], gamma[c], beta[c], scale, shift,
            means[group], means[group + 1], g.Silu));
    }

    /// <summary>
    /// As <see cref="GroupNormBackwardApplyKernel"/>, four channels of one group a thread: 16 bytes an access, and one search for the place
    /// (three integer divisions) for four elements.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void GroupNormBackwardApply4Kernel(Index1D i, GroupNormGeometry g, ArrayView<Float4> dy, ArrayView<Float4> x,
        ArrayView<float> stats, ArrayView<float> means, ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift,
        ArrayView<Float4> dx) =>
        GroupNormBackwardApply4<InFloat32, Float4>(i, g, dy, x, stats, means, gamma, beta, scaleShift, dx);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNormBackwardApply4<TE, T>(Index1D i, GroupNormGeometry g, ArrayView<T> dy, ArrayView<T> x,
        ArrayView<float> stats, ArrayView<float> means, ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift,
        ArrayView<T> dx)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        var v = TE.Widen(x[i]);
        var d = TE.Widen(dy[i]);
        int channels4 = g.C / 4;
        int pixel = i / channels4;
        int c = i - pixel * channels4;
        int n = pixel / g.Pixels;
        int group = 2 * (n * g.Groups + c / (g.GroupChannels / 4));
        float meanA = means[group], meanB = means[group + 1];
        float mean = stats[group], rstd = stats[group + 1];
        var ga = gamma[c];
        var be = beta[c];
        // Without a scale the loads go to gamma, which stands in for it, and are taken times 0: values that come from either side of a
        // branch are what LLVM 19 stumbles over here (PoCL: "Instruction Combining did not reach a fixpoint").
        int some = g.HasScaleShift != 0 ? 1 : 0;
        var sc = scaleShift[some * 2 * n * channels4 + c];
        var sh = scaleShift[some * (2 * n + 1) * channels4 + c];
        sc = Float4.Scale(some, sc);
        sh = Float4.Scale(some, sh);
        dx[i] = TE.Round(new Float4(
            InputGradient(d.X, v.X, mean, rstd, ga.X, be.X, sc.X, sh.X, meanA, meanB, g.Silu),
            InputGradient(d.Y, v.Y, mean, rstd, ga.Y, be.Y, sc.Y, sh.Y, meanA, meanB, g.Silu),
            InputGradient(d.Z, v.Z, mean, rstd, ga.Z, be.Z, sc.Z, sh.Z, meanA, meanB, g.Silu),
            InputGradient(d.W, v.W, mean, rstd, ga.W, be.W, sc.W, sh.W, meanA, meanB, g.Silu)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float InputGradient(float dy, float x, float mean, float rstd, float gamma, float beta, float scale,
        float shift, float meanA,
        float meanB, int silu)
    {
        float xhat = (x - mean) * rstd;
        float dxhat = UpstreamGradient(dy, xhat, gamma, beta, scale, shift, silu) * (1f + scale) * gamma;
        return rstd * (dxhat - meanA - xhat * meanB);
    }
}
