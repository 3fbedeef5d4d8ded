using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>The buffers and numbers of one step.</summary>
file unsafe struct AdamArguments
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
}

/// <summary>One pass over p, g, m, v and, if there is one, the moving average; a task is a chunk of the flat buffer.</summary>
file unsafe struct AdamJob<TEma>(AdamArguments arguments) : IWideJob
    where TEma : unmanaged, ISwitch
{
    private readonly AdamArguments _arguments = arguments;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var s = _arguments;
        int lanes = TLanes.Count, start = task * Chunk.Length, count = Math.Min(Chunk.Length, s.Length - start), rest = count % lanes;
        float* p = s.P + start, g = s.G + start, m = s.M + start, v = s.V + start, ema = TEma.On ? s.Ema + start : null;
        Update<TLanes, V>(s, p, g, m, v, ema, count - rest);
        if (rest == 0)
            return;
        int i = count - rest;
        float* padded = stackalloc float[5 * lanes];
        float* ps = padded, gs = padded + lanes, ms = padded + 2 * lanes, vs = padded + 3 * lanes, es = padded + 4 * lanes;
        TLanes.Store(LaneMath.Load<TLanes, V>(p + i, rest), ps);
        TLanes.Store(LaneMath.Load<TLanes, V>(g + i, rest), gs);
        TLanes.Store(LaneMath.Load<TLanes, V>(m + i, rest), ms);
        TLanes.Store(LaneMath.Load<TLanes, V>(v + i, rest), vs);
        if (TEma.On)
            TLanes.Store(LaneMath.Load<TLanes, V>(ema + i, rest), es);
        Update<TLanes, V>(s, ps, gs, ms, vs, es, lanes);
        LaneMath.Store<TLanes, V>(TLanes.Load(ps), p + i, rest);
        LaneMath.Store<TLanes, V>(TLanes.Load(ms), m + i, rest);
        LaneMath.Store<TLanes, V>(TLanes.Load(vs), v + i, rest);
        if (TEma.On)
            LaneMath.Store<TLanes, V>(TLanes.Load(es), ema + i, rest);
    }

    /// <summary>Over a whole number of registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update<TLanes, V>(in AdamArguments s, float* p, float* g, float* m, float* v, float* ema, int count)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        V gradientFactor = TLanes.Broadcast(s.GradientFactor), beta1 = TLanes.Broadcast(s.Beta1), beta2 = TLanes.Broadcast(s.Beta2),
            epsilon = TLanes.Broadcast(s.Epsilon);
        V rest1 = TLanes.Broadcast(1f - s.Beta1), rest2 = TLanes.Broadcast(1f - s.Beta2), emaDecay = TLanes.Broadcast(s.EmaDecay),
            emaRest = TLanes.Broadcast(1f - s.EmaDecay);
        V stepSize = TLanes.Broadcast(s.StepSize), correction2 = TLanes.Broadcast(s.Correction2), decay = TLanes.Broadcast(s.Decay);
        for (nint i = 0; i < count; i += TLanes.Count)
        {
            var gi = TLanes.Multiply(TLanes.Load(g + i), gradientFactor);
            var mi = TLanes.MultiplyAdd(beta1, TLanes.Load(m + i), TLanes.Multiply(rest1, gi));
            var vi = TLanes.MultiplyAdd(beta2, TLanes.Load(v + i), TLanes.Multiply(TLanes.Multiply(rest2, gi), gi));
            var pi = TLanes.Load(p + i);
            var step = TLanes.Divide(TLanes.Multiply(stepSize, mi),
                TLanes.Add(TLanes.SquareRoot(TLanes.Multiply(vi, correction2)), epsilon));
            pi = TLanes.Subtract(pi, TLanes.MultiplyAdd(decay, pi, step));
            TLanes.Store(mi, m + i);
            TLanes.Store(vi, v + i);
            TLanes.Store(pi, p + i);
            if (TEma.On)
                TLanes.Store(TLanes.MultiplyAdd(emaDecay, TLanes.Load(ema + i), TLanes.Multiply(emaRest, pi)), ema + i);
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm,
        Tensor? schedule)
    {
        var now = schedule is null ? s.Schedule() : Span(schedule);
        float rate = now[0], correction1 = now[1], correction2 = now[2], gradientScale = now[3], emaDecay = now[4];
        float squared = Pointer(squaredNorm)[0];
        if (!float.IsFinite(squared))
            return;
        double norm = Math.Abs((double)gradientScale) * Math.Sqrt(squared);
        double clip = norm > s.ClipNorm ? s.ClipNorm / norm : 1;
        var arguments = new AdamArguments
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
        };
        if (ema is null)
            RunWide(new AdamJob<Without>(arguments), Chunk.Count(p.Length));
        else
            RunWide(new AdamJob<With>(arguments), Chunk.Count(p.Length));
    }
}
