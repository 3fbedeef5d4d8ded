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

    /// <summary>The same with coefficients [N,J]: each is spread over its sample.</summary>
    public static Lowered SampleCombination(LoweredGraph at, SampleCombinationStep step)
    {
        var graph = at.Graph;
        int terms = step.X.Count, n = step.Coefficients.Shape[0];
        var image = ImageOf(at, step.X) ?? new Shape(n, step.Output.Shape.Length / n, 1, 1);
        string coefficients = at.OverPixels(step.Coefficients, terms), sum = "";
        for (int j = 0; j < terms; j++)
        {
            string own = graph.Node("Slice", [coefficients, graph.Integers(j), graph.Integers(j + 1), graph.Integers(1)]);
            string term = graph.Node("Mul", at.Planes(step.X[j], image), own);
            sum = j == 0 ? term : graph.Node("Add", sum, term);
        }
        return Lowered.OfPlanes(image, sum);
    }

    /// <summary>x plus [N,C] at every pixel.</summary>
    public static Lowered BroadcastAdd(LoweredGraph at, BroadcastAddStep step)
    {
        var x = step.X.Shape;
        var image = at.ImageOf(step.X) ?? (x.Rank == 4 ? x : new Shape(x[0], x.Length / (x[0] * x[-1]), 1, x[-1]));
        return Lowered.OfPlanes(image, at.Graph.Node("Add", at.Planes(step.X, image), at.OverPixels(step.Embedding, x[-1])));
    }

    /// <summary>a b.</summary>
    public static Lowered Multiply(LoweredGraph at, MultiplyStep step) => Of(at, step, [step.A, step.B], x => at.Graph.Node("Mul", x[0], x[1]));

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
