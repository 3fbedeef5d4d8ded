using System.Numerics;

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
        int lanes = Vector<float>.Count, start = task * Chunk.Length, count = Math.Min(Chunk.Length, Length - start), rest = count % lanes;
        float* p = P + start, g = G + start, m = M + start, v = V + start, ema = Ema == null ? null : Ema + start;
        Update(p, g, m, v, ema, count - rest);
        if (rest == 0)
            return;
        int i = count - rest;
        float* padded = stackalloc float[5 * lanes];
        float* ps = padded, gs = padded + lanes, ms = padded + 2 * lanes, vs = padded + 3 * lanes, es = ema == null ? null : padded + 4 * lanes;
        Simd.Load(p + i, rest).Store(ps);
        Simd.Load(g + i, rest).Store(gs);
        Simd.Load(m + i, rest).Store(ms);
        Simd.Load(v + i, rest).Store(vs);
        if (ema != null)
            Simd.Load(ema + i, rest).Store(es);
        Update(ps, gs, ms, vs, es, lanes);
        Simd.Store(Vector.Load(ps), p + i, rest);
        Simd.Store(Vector.Load(ms), m + i, rest);
        Simd.Store(Vector.Load(vs), v + i, rest);
        if (ema != null)
            Simd.Store(Vector.Load(es), ema + i, rest);
    }

    /// <summary>Over a whole number of vectors.</summary>
    private readonly void Update(float* p, float* g, float* m, float* v, float* ema, int count)
    {
        Vector<float> gradientFactor = new(GradientFactor), beta1 = new(Beta1), beta2 = new(Beta2), epsilon = new(Epsilon);
        Vector<float> rest1 = new(1f - Beta1), rest2 = new(1f - Beta2), emaDecay = new(EmaDecay), emaRest = new(1f - EmaDecay);
        Vector<float> stepSize = new(StepSize), correction2 = new(Correction2), decay = new(Decay);
        for (int i = 0; i < count; i += Vector<float>.Count)
        {
            var gi = Vector.Load(g + i) * gradientFactor;
            var mi = Vector.MultiplyAddEstimate(beta1, Vector.Load(m + i), rest1 * gi);
            var vi = Vector.MultiplyAddEstimate(beta2, Vector.Load(v + i), rest2 * gi * gi);
            var pi = Vector.Load(p + i);
            pi -= Vector.MultiplyAddEstimate(decay, pi, stepSize * mi / (Vector.SquareRoot(vi * correction2) + epsilon));
            mi.Store(m + i);
            vi.Store(v + i);
            pi.Store(p + i);
            if (ema != null)
                Vector.MultiplyAddEstimate(emaDecay, Vector.Load(ema + i), emaRest * pi).Store(ema + i);
        }
    }
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm, Tensor? schedule)
    {
        var now = schedule is null ? s.Schedule() : Span(schedule);
        float rate = now[0], correction1 = now[1], correction2 = now[2], gradientScale = now[3], emaDecay = now[4];
        float squared = Pointer(squaredNorm)[0];
        if (!float.IsFinite(squared))
            return;
        double norm = Math.Abs((double)gradientScale) * Math.Sqrt(squared);
        double clip = norm > s.ClipNorm ? s.ClipNorm / norm : 1;
        Workers.Run(new AdamJob
        {
            P = Pointer(p),
            G = Pointer(g),
            M = Pointer(m),
            V = Pointer(v),
            Ema = PointerOrNull(ema),
            Length = p.Length,
            GradientFactor = (float)(gradientScale * clip),
            Beta1 = s.Beta1,
            Beta2 = s.Beta2,
            Epsilon = s.Epsilon,
            EmaDecay = emaDecay,
            StepSize = rate * correction1,
            Correction2 = correction2,
            Decay = (float)((double)rate * s.WeightDecay),
        }, Chunk.Count(p.Length));
    }
}
