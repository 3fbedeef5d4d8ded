using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Training.Runs;

/// <summary>
/// An optimizer update as a composition: the gradient scaled and clipped, Adam, then the moving average, each a pass of its own, and
/// each once for every parameter as a framework without flat buffers launches it.
/// </summary>
public static class PlainAdam
{
    /// <summary>As <see cref="Backend.Adam"/>, but <paramref name="g"/> is scaled in place.</summary>
    /// <param name="s">Hyperparameters.</param>
    /// <param name="parameters">Where each parameter lies in the flat buffers.</param>
    /// <param name="p">Flat values, updated.</param>
    /// <param name="g">Flat gradients, scaled.</param>
    /// <param name="m">First moments, updated.</param>
    /// <param name="v">Second moments, updated.</param>
    /// <param name="ema">Moving average, updated; or none.</param>
    /// <param name="squaredNorm">[1], of the unscaled g.</param>
    /// <param name="squared">Its value on the host.</param>
    /// <param name="oneByOne">Once for every parameter; else once over the flat buffer, with the fused kernel's parallelism.</param>
    public static void Run(in AdamStep s, IReadOnlyList<Parameter> parameters, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema,
        Tensor squaredNorm, double squared, bool oneByOne = true)
    {
        double norm = Math.Sqrt(squared) * s.GradientScale;
        float factor = (float)(s.GradientScale * (norm > s.ClipNorm ? s.ClipNorm / norm : 1));
        var plain = s with { GradientScale = 1, ClipNorm = float.PositiveInfinity, EmaDecay = 0 };
        if (!oneByOne)
        {
            Update(factor, s.EmaDecay, plain, p, g, m, v, ema, squaredNorm);
            return;
        }
        foreach (var parameter in parameters)
        {
            using Tensor own = Part(p, parameter), gradient = Part(g, parameter), first = Part(m, parameter), second = Part(v, parameter);
            using var average = ema is null ? null : Part(ema, parameter);
            Update(factor, s.EmaDecay, plain, own, gradient, first, second, average, squaredNorm);
        }
    }

    private static Tensor Part(Tensor flat, Parameter parameter) => flat.View(parameter.Offset, new Shape(parameter.Shape.Length));

    private static void Update(float factor, float decay, in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema,
        Tensor squaredNorm)
    {
        var backend = p.Backend;
        backend.Scale(g, factor, g);
        backend.Adam(s, p, g, m, v, null, squaredNorm);
        if (ema is not null)
            backend.LinearCombination([decay, 1 - decay], [ema, p], ema);
    }
}
