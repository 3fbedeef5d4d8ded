using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Operations on elements: as planes where one operand lies so, else in rows.</summary>
internal static class Elementwise
{
    /// <summary>sum_j c_j x_j in the order given.</summary>
    public static Lowered Combination(LoweredGraph at, CombinationStep step) => Of(at, step, step.X, x =>
    {
        string sum = at.Times(x[0], step.Coefficients[0]);
        for (int j = 1; j < x.Length; j++)
            sum = at.Graph.Node("Add", sum, at.Times(x[j], step.Coefficients[j]));
        return sum;
    });

    /// <summary>The same with coefficients [N*Parts,J]: each is spread over its part of a sample, or over its whole image.</summary>
    public static Lowered SampleCombination(LoweredGraph at, SampleCombinationStep step)
    {
        var graph = at.Graph;
        int n = at.Batch, terms = step.X.Count, length = step.Output.Shape.Length / n;
        // A known operand has one row: its parts are counted in the one that is read.
        int parts = step.Coefficients is TraceRead read ? read.Shape[0] / n : step.Coefficients.Shape[0];
        if (parts == 1 && ImageOf(at, step.X) is { } image)
        {
            string spread = at.OverPixels(step.Coefficients, terms);
            return Lowered.OfPlanes(image, Sum(j => graph.Node("Mul", at.Planes(step.X[j], image), Column(spread, j, axis: 1))));
        }
        var shape = new Shape(n, parts, length / parts);
        string rows = at.Rows(step.Coefficients, new Shape(n, parts, terms));
        return Lowered.OfRows(shape, Sum(j => graph.Node("Mul", at.Rows(step.X[j], shape), Column(rows, j, axis: 2))));

        string Column(string of, int j, int axis) =>
            terms == 1 ? of : graph.Node("Slice", [of, graph.Integers(j), graph.Integers(j + 1), graph.Integers(axis)]);

        string Sum(Func<int, string> term) =>
            Enumerable.Range(1, terms - 1).Aggregate(term(0), (sum, j) => graph.Node("Add", sum, term(j)));
    }

    /// <summary>x plus [N,C] at every pixel.</summary>
    public static Lowered BroadcastAdd(LoweredGraph at, BroadcastAddStep step)
    {
        var image = at.ImageOf(step.X) ?? LoweredGraph.AsImage(step.Output.Shape);
        return Lowered.OfPlanes(image, at.Graph.Node("Add", at.Planes(step.X, image), at.OverPixels(step.Embedding, image[3])));
    }

    /// <summary>a b.</summary>
    public static Lowered Multiply(LoweredGraph at, MultiplyStep step) =>
        Of(at, step, [step.A, step.B], x => at.Graph.Node("Mul", x[0], x[1]));

    /// <summary>x sigmoid(x).</summary>
    public static Lowered Silu(LoweredGraph at, SiluStep step) => Of(at, step, [step.X], x => at.Silu(x[0]));

    /// <summary>min(max(x, low), high).</summary>
    public static Lowered Clamp(LoweredGraph at, ClampStep step) => Of(at, step, [step.X],
        x => at.Graph.Node("Clip", [x[0], at.Graph.Scalar(step.Low), at.Graph.Scalar(step.High)]));

    private static Lowered Of(LoweredGraph at, TraceStep step, IReadOnlyList<TraceOperand> operands, Func<string[], string> make)
    {
        var shape = step.Output.Shape;
        return ImageOf(at, operands) is { } image ? Lowered.OfPlanes(image, make([.. operands.Select(x => at.Planes(x, image))]))
            : Lowered.OfRows(shape, make([.. operands.Select(x => at.Rows(x, shape))]));
    }

    private static Shape? ImageOf(LoweredGraph at, IReadOnlyList<TraceOperand> operands) =>
        operands.Select(at.ImageOf).FirstOrDefault(image => image is not null);
}
