using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Channels side by side, and some of them.</summary>
internal static class Channels
{
    /// <summary>Of images along the planes; else along the last extent.</summary>
    public static Lowered Concat(LoweredGraph at, ConcatStep step)
    {
        var (graph, a, b) = (at.Graph, step.A.Shape, step.B.Shape);
        if ((step.A is TraceConstant || step.B is TraceConstant) && a[0] != b[0])
            throw new BDenseException($"{a} and {b} are put side by side, of which one depends on no input: ONNX's Concat spreads nothing");
        int both = a[-1] + b[-1];
        if ((at.ImageOf(step.A) ?? at.ImageOf(step.B)) is { } image)
        {
            string[] planes = [at.Planes(step.A, With(image, a[-1])), at.Planes(step.B, With(image, b[-1]))];
            return Lowered.OfPlanes(With(image, both), graph.Node("Concat", planes, ("axis", 1)));
        }
        string[] rows = [at.Rows(step.A, a), at.Rows(step.B, new Shape([.. a.ToArray()[..^1], b[-1]]))];
        return Lowered.OfRows(new Shape([.. a.ToArray()[..^1], both]), graph.Node("Concat", rows, ("axis", a.Rank - 1)));
    }

    /// <summary>Channels First .. First + Count - 1.</summary>
    public static Lowered Slice(LoweredGraph at, ChannelsStep step)
    {
        var (graph, x) = (at.Graph, step.X.Shape);
        if (step.Count == x[-1])
        {
            return at.ImageOf(step.X) is { } whole ? Lowered.OfPlanes(whole, at.Planes(step.X, whole))
                : Lowered.OfRows(x, at.Rows(step.X, x));
        }
        string first = graph.Integers(step.First), end = graph.Integers(step.First + step.Count);
        if (at.ImageOf(step.X) is { } image)
        {
            return Lowered.OfPlanes(With(image, step.Count),
                graph.Node("Slice", [at.Planes(step.X, image), first, end, graph.Integers(1)]));
        }
        return Lowered.OfRows(new Shape([.. x.ToArray()[..^1], step.Count]),
            graph.Node("Slice", [at.Rows(step.X, x), first, end, graph.Integers(x.Rank - 1)]));
    }

    private static Shape With(Shape image, int channels) => new(image[0], image[1], image[2], channels);
}
