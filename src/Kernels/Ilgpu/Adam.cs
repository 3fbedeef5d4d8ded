using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>What the Adam kernel needs of an <see cref="AdamStep"/>, with the bias corrections worked out.</summary>
internal struct AdamArguments
{
    public float LearningRate, Beta1, Beta2, Correction1, Correction2, Epsilon, WeightDecay, GradientScale, ClipNorm, EmaDecay;
    public int HasEma;
}

public sealed partial class IlgpuBackend
{
    protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm)
    {
        var arguments = new AdamArguments
        {
            LearningRate = s.LearningRate,
            Beta1 = s.Beta1,
            Beta2 = s.Beta2,
            Correction1 = (float)(1 / (1 - Math.Pow(s.Beta1, s.Step))),
            Correction2 = (float)(1 / (1 - Math.Pow(s.Beta2, s.Step))),
            Epsilon = s.Epsilon,
            WeightDecay = s.WeightDecay,
            GradientScale = s.GradientScale,
            ClipNorm = s.ClipNorm,
            EmaDecay = s.EmaDecay,
            HasEma = ema is null ? 0 : 1,
        };
        Launch(AdamKernel, p.Length, arguments, View(p), View(g), View(m), View(v), View(ema ?? p), View(squaredNorm));
    }

    /// <summary>
    /// One Adam step with decoupled weight decay, clipping by the whole norm and the moving average, as
    /// <see cref="Backend.Adam"/> states it; nothing is written if the norm is not finite. One thread a parameter; 20 bytes read,
    /// 16 written (16 and 12 without average), 16 FLOPs.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void AdamKernel(Index1D i, AdamArguments s, ArrayView<float> p, ArrayView<float> g, ArrayView<float> m,
        ArrayView<float> v, ArrayView<float> ema, ArrayView<float> squaredNorm)
    {
        float squared = squaredNorm[0];
        // By its exponent bits: ILGPU's OpenCL code takes "not above" for "at most" when a NaN is compared.
        if ((Interop.FloatAsInt(squared) & 0x7F800000u) != 0x7F800000u)
        {
            float norm = XMath.Sqrt(squared) * XMath.Abs(s.GradientScale);
            float scale = norm > s.ClipNorm ? s.GradientScale * (s.ClipNorm / norm) : s.GradientScale;
            float gradient = g[i] * scale;
            float m1 = s.Beta1 * m[i] + (1f - s.Beta1) * gradient;
            float v1 = s.Beta2 * v[i] + (1f - s.Beta2) * gradient * gradient;
            m[i] = m1;
            v[i] = v1;
            float old = p[i];
            float updated = old - s.LearningRate * (m1 * s.Correction1) / (XMath.Sqrt(v1 * s.Correction2) + s.Epsilon)
                - s.LearningRate * s.WeightDecay * old;
            p[i] = updated;
            if (s.HasEma != 0)
                ema[i] = s.EmaDecay * ema[i] + (1f - s.EmaDecay) * updated;
        }
    }
}
