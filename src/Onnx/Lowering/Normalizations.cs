using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Group normalisation, and scales and shifts of channels.</summary>
internal static class Normalizations
{
    /// <summary>
    /// Each group is an instance of [N,Groups,pixels and channels], whose own scale and shift are 1 and 0; those of the channels follow. A
    /// sample's own scale and shift are first combined with them: xhat (gamma (1 + s)) + (beta (1 + s) + t).
    /// </summary>
    public static Lowered GroupNorm(LoweredGraph at, GroupNormStep step)
    {
        var (graph, s) = (at.Graph, step.Shape);
        var image = at.ImageOf(step.X) ?? LoweredGraph.AsImage(step.Output.Shape);
        string x = at.Planes(step.X, image);
        string ones = graph.Vector([.. Enumerable.Repeat(1f, s.Groups)]), zeros = graph.Vector(new float[s.Groups]);
        string grouped = graph.Node("Reshape", x, graph.Integers(0, s.Groups, -1));
        string normal = graph.Node("InstanceNormalization", [grouped, ones, zeros], ("epsilon", s.Epsilon));
        normal = graph.Node("Reshape", normal, graph.Integers(-1, s.C, image[1], image[2]));
        var (scale, shift) = Factors(at, step);
        string y = graph.Node("Add", graph.Node("Mul", normal, scale), shift);
        return Lowered.OfPlanes(image, s.Silu ? at.Silu(y) : y);
    }

    /// <summary>scale x + shift, [N,C] each, then SiLU where that is asked for.</summary>
    public static Lowered ScaleShift(LoweredGraph at, ScaleShiftStep step)
    {
        var graph = at.Graph;
        int channels = step.X.Shape[-1];
        var image = at.ImageOf(step.X) ?? LoweredGraph.AsImage(step.Output.Shape);
        var (scale, shift) = Halves(at, step.ScaleShift, channels);
        string y = graph.Node("Add", graph.Node("Mul", at.Planes(step.X, image), scale), shift);
        return Lowered.OfPlanes(image, step.Silu ? at.Silu(y) : y);
    }

    private static (string Scale, string Shift) Factors(LoweredGraph at, GroupNormStep step)
    {
        var graph = at.Graph;
        int c = step.Shape.C;
        float[] gamma = step.Gamma.Values, beta = step.Beta.Values;
        string g = at.OverPixels(step.Gamma, c), b = at.OverPixels(step.Beta, c);
        switch (step.ScaleShift)
        {
            case null:
                return (g, b);
            case TraceConstant own:
                float[] scales = [.. gamma.Select((v, i) => v * (1 + own.Values[i]))];
                float[] shifts = [.. beta.Select((v, i) => v * (1 + own.Values[i]) + own.Values[c + i])];
                return (at.OverPixels(new TraceConstant(scales, step.Gamma.Shape), c),
                    at.OverPixels(new TraceConstant(shifts, step.Beta.Shape), c));
            default:
                var (scale, shift) = Halves(at, step.ScaleShift, c);
                string more = graph.Node("Add", scale, graph.Scalar(1));
                return (graph.Node("Mul", g, more), graph.Node("Add", graph.Node("Mul", b, more), shift));
        }
    }

    /// <summary>[N,2C] as two of [N,C,1,1].</summary>
    private static (string First, string Second) Halves(LoweredGraph at, TraceOperand both, int channels)
    {
        var graph = at.Graph;
        string all = at.OverPixels(both, 2 * channels);
        return (Half(0), Half(channels));

        string Half(int first) =>
            graph.Node("Slice", [all, graph.Integers(first), graph.Integers(first + channels), graph.Integers(1)]);
    }
}
