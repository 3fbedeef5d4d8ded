using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>One pass over p, g, m, v and, if there is one, the moving average; a task is a chunk of the flat buffer.</summary>
file unsafe struct AdamJob : IJob
{
    public float* P, G, M, V, Ema;
    public int Length;
    /// <summary>GradientScale times the clipping factor.</summary>
    public float GradientFactor;
    public float Beta1, Beta2, Epsilon, EmaDecay;
    /// <summary>LearningRate / (1 - Beta1^t)</summary>
    public float StepSize;
    /// <summary>1 / (1 - Beta2^t)</summary>
    public float Correction2;
    /// <summary>LearningRate * WeightDecay</summary>
    public float Decay;

    public readonly void Run(int task)
    {
        var s = this;
        float* p = s.P, g = s.G, m = s.M, v = s.V, ema = s.Ema;
        int lanes = Vector<float>.Count;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, s.Length);
        Vector<float> gradientFactor = new(s.GradientFactor), beta1 = new(s.Beta1), beta2 = new(s.Beta2), epsilon = new(s.Epsilon);
        Vector<float> rest1 = new(1f - s.Beta1), rest2 = new(1f - s.Beta2), emaDecay = new(s.EmaDecay), emaRest = new(1f - s.EmaDecay);
        Vector<float> stepSize = new(s.StepSize), correction2 = new(s.Correction2), decay = new(s.Decay);
        for (; i < end; i += lanes)
        {
            int count = end - i;
            bool whole = count >= lanes;
            var gi = Load(g + i, count, whole) * gradientFactor;
            var mi = Vector.MultiplyAddEstimate(beta1, Load(m + i, count, whole), rest1 * gi);
            var vi = Vector.MultiplyAddEstimate(beta2, Load(v + i, count, whole), rest2 * gi * gi);
            var pi = Load(p + i, count, whole);
            var step = stepSize * mi / (Vector.SquareRoot(vi * correction2) + epsilon);
            pi -= Vector.MultiplyAddEstimate(decay, pi, step);
            Store(mi, m + i, count, whole);
            Store(vi, v + i, count, whole);
            Store(pi, p + i, count, whole);
            if (ema != null)
                Store(Vector.MultiplyAddEstimate(emaDecay, Load(ema + i, count, whole), emaRest * pi), ema + i, count, whole);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Load(float* p, int count, bool whole) => whole ? Vector.Load(p) : Simd.Load(p, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector<float> x, float* p, int count, bool whole)
    {
        if (whole)
            x.Store(p);
        else
            Simd.Store(x, p, count);
    }
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm)
    {
        float squared = Pointer(squaredNorm)[0];
        if (!float.IsFinite(squared))
            return;
        double norm = Math.Abs((double)s.GradientScale) * Math.Sqrt(squared);
        double clip = norm > s.ClipNorm ? s.ClipNorm / norm : 1;
        Workers.Run(new AdamJob
        {
            P = Pointer(p),
            G = Pointer(g),
            M = Pointer(m),
            V = Pointer(v),
            Ema = PointerOrNull(ema),
            Length = p.Length,
            GradientFactor = (float)(s.GradientScale * clip),
            Beta1 = s.Beta1,
            Beta2 = s.Beta2,
            Epsilon = s.Epsilon,
            EmaDecay = s.EmaDecay,
            StepSize = (float)(s.LearningRate / (1 - Math.Pow(s.Beta1, s.Step))),
            Correction2 = (float)(1 / (1 - Math.Pow(s.Beta2, s.Step))),
            Decay = (float)((double)s.LearningRate * s.WeightDecay),
        }, Chunk.Count(p.Length));
    }
}
