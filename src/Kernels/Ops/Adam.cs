using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>One step of Adam over all parameters at once.</summary>
/// <param name="LearningRate">Step size; 0 or more.</param>
/// <param name="Step">1 for the first update: sets the bias corrections 1 - beta^Step.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled (AdamW): p loses LearningRate * WeightDecay * p.</param>
/// <param name="GradientScale">Multiplies every gradient first: 1 / accumulated micro-batches.</param>
/// <param name="ClipNorm">Largest norm of the whole (scaled) gradient; infinity for none.</param>
/// <param name="EmaDecay">ema = EmaDecay * ema + (1 - EmaDecay) * p after the update.</param>
public readonly record struct AdamStep(float LearningRate, int Step, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f,
    float WeightDecay = 0f, float GradientScale = 1f, float ClipNorm = float.PositiveInfinity, float EmaDecay = 0f)
{
    /// <summary>Floats of a schedule.</summary>
    public const int ScheduleLength = 5;

    /// <summary>
    /// What changes from update to update: LearningRate, 1 / (1 - Beta1^Step), 1 / (1 - Beta2^Step), GradientScale, EmaDecay.
    /// </summary>
    public float[] Schedule() =>
        [LearningRate, (float)(1 / (1 - Math.Pow(Beta1, Step))), (float)(1 / (1 - Math.Pow(Beta2, Step))), GradientScale, EmaDecay];
}

public abstract partial class Backend
{
    /// <summary>
    /// g = GradientScale * g, times min(1, ClipNorm / ||g||); m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
    /// p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + lr * WeightDecay * p; ema as in <see cref="AdamStep"/>.
    /// Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019. All parameters lie in one buffer, so this is one launch.
    /// </summary>
    /// <remarks>
    /// If <paramref name="squaredNorm"/> is not finite nothing is changed: the caller reads it and stops with the step's number.
    /// </remarks>
    /// <param name="s">Hyperparameters.</param>
    /// <param name="p">[P], updated.</param>
    /// <param name="g">[P], read only; the caller clears it.</param>
    /// <param name="m">[P], updated.</param>
    /// <param name="v">[P], updated.</param>
    /// <param name="ema">[P], updated; or none.</param>
    /// <param name="squaredNorm">[1]: <see cref="SumOfSquares"/> of the unscaled g.</param>
    /// <param name="schedule">
    /// [5] on the device, <see cref="AdamStep.Schedule"/>, in the place of those of <paramref name="s"/>, to the same bits: an update that
    /// is captured once and replayed reads it anew each time. Or none.
    /// </param>
    public void Adam(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm, Tensor? schedule = null)
    {
        Require(s.Step >= 1, $"steps are counted from 1, not {s.Step}");
        Expect(p, p.Shape);
        Expect(g, p.Shape);
        Expect(m, p.Shape);
        Expect(v, p.Shape);
        if (ema is not null)
            Expect(ema, p.Shape);
        Expect(squaredNorm, new Shape(1));
        if (schedule is not null)
            Expect(schedule, new Shape(AdamStep.ScheduleLength));
        long n = p.Length, e = ema is null ? 0 : n;
        Report(OpCost.Of(4 * n + e, 3 * n + e, 16 * n));
        Writes(p);
        Writes(m);
        Writes(v);
        Writes(ema);
        if (Computes)
            AdamCore(s, p, g, m, v, ema, squaredNorm, schedule);
    }

    private protected abstract void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm,
        Tensor? schedule);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> AdamByName()
    {
        yield return new("adam", ["LENGTH"], [OperationCatalog.UsualLength], (t, e) =>
        {
            var shape = new Shape(e[0]);
            Tensor p = t.Normal(shape), g = t.Normal(shape), m = t.Normal(shape), v = t.Uniform(shape), ema = t.Normal(shape),
                norm = t.Uniform(new(1));
            return [new("forward", () => t.Backend.Adam(new AdamStep(1e-3f, 1, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm))];
        });
    }
}
