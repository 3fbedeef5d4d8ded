using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>What the Adam kernel needs of an <see cref="AdamStep"/>, with the bias corrections worked out.</summary>
internal struct AdamArguments
{
    public float LearningRate, Beta1, Beta2, Correction1, Correction2, Epsilon, WeightDecay, GradientScale, ClipNorm, EmaDecay;
    public int HasEma, HasSchedule;
}

public sealed partial class IlgpuBackend
{
    private protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm,
        Tensor? schedule)
    {
        float[] now = s.Schedule();
        var arguments = new AdamArguments
        {
            LearningRate = s.LearningRate,
            Beta1 = s.Beta1,
            Beta2 = s.Beta2,
            Correction1 = now[1],
            Correction2 = now[2],
            Epsilon = s.Epsilon,
            WeightDecay = s.WeightDecay,
            GradientScale = s.GradientScale,
            ClipNorm = s.ClipNorm,
            EmaDecay = s.EmaDecay,
            HasEma = ema is null ? 0 : 1,
            HasSchedule = schedule is null ? 0 : 1,
        };
        Launch(AdamKernel, p.Length, arguments, View(p), View(g), View(m), View(v), View(ema ?? p), View(squaredNorm),
            View(schedule ?? squaredNorm));
    }

    /// <summary>
    /// One Adam step with decoupled weight decay, clipping by the whole norm and the moving average, as
    /// <see cref="Backend.Adam"/> states it; nothing is written if the norm is not finite. One thread a parameter; 20 bytes read,
    /// 16 written (16 and 12 without average), 16 FLOPs; the norm and the schedule stay in the cache.
    /// </summary>
    [Kernel(Hot = true)]
    internal static void AdamKernel(Index1D i, AdamArguments s, ArrayView<float> p, ArrayView<float> g, ArrayView<float> m,
        ArrayView<float> v, ArrayView<float> ema, ArrayView<float> squaredNorm, ArrayView<float> schedule)
    {
        if (s.HasSchedule != 0)
        {
            s.LearningRate = schedule[0];
            s.Correction1 = schedule[1];
            s.Correction2 = schedule[2];
            s.GradientScale = schedule[3];
            s.EmaDecay = schedule[4];
        }
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
