using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>
/// From the steps of a trace to nodes of ONNX: which values there are, in which of two orders, and how one becomes the other.
/// </summary>
/// <remarks>
/// A tensor here is rows, [N,H,W,C]; ONNX convolves planes, [N,C,H,W]. An image stays in planes from one step to the next; only what wants
/// rows (a linear layer, another shape) brings it back, and then once. The batch is free: the first extent of every shape is -1.
/// </remarks>
internal sealed class LoweredGraph(GraphBuilder graph)
{
    private readonly Dictionary<int, Lowered> _values = [];

    /// <summary>Where nodes go.</summary>
    public GraphBuilder Graph => graph;

    /// <summary>N of the trace, which shapes here have and the graph has not.</summary>
    public int Batch { get; private set; }

    /// <summary>Everything that the outputs depend on; what the inputs are must have been said.</summary>
    public void Run(Trace trace)
    {
        Batch = trace.Batch;
        foreach (var step in trace.Steps)
            _values.Add(step.Output.Number, StepTable.Lower(this, step));
    }

    /// <summary>What an input of the trace is.</summary>
    public void Define(TraceValue value, Lowered as_) => _values.Add(value.Number, as_);

    /// <summary>The image that an operand lies in as planes; none if it does not.</summary>
    public Shape? ImageOf(TraceOperand x) => x is TraceRead read && At(read).Planes is not null ? At(read).Shape : null;

    /// <summary>[N,...,C] as an image [N,H,W,C], of one column where there are no rows and columns.</summary>
    public static Shape AsImage(Shape x) => x.Rank == 4 ? x : new Shape(x[0], x.Length / (x[0] * x[-1]), 1, x[-1]);

    /// <summary>An operand in rows of a shape; of constants the extent of one sample comes first.</summary>
    public string Rows(TraceOperand x, Shape shape)
    {
        if (x is TraceConstant c)
            return graph.Weights(c.Values, "rows", [c.Values.Length / Row(shape), .. Rest(shape)], values => values);
        var value = At((TraceRead)x);
        string rows = value.Rows ??= graph.Node("Transpose", [value.Planes!], ("perm", new long[] { 0, 2, 3, 1 }));
        return value.Shape == shape ? rows : graph.Node("Reshape", rows, graph.Integers([-1, .. Rest(shape)]));
    }

    /// <summary>An operand as planes of an image [N,H,W,C].</summary>
    public string Planes(TraceOperand x, Shape image)
    {
        if (x is TraceConstant c)
        {
            int pixels = image[1] * image[2], channels = image[3];
            return graph.Weights(c.Values, "planes", [c.Values.Length / Row(image), channels, image[1], image[2]],
                values => Swapped(values, pixels, channels));
        }
        var value = At((TraceRead)x);
        if (value.Shape == image)
            return value.Planes ??= ToPlanes(value.Rows!);
        return ToPlanes(Rows(x, image));
    }

    /// <summary>[N,C] as [N,C,1,1], to be spread over the pixels of planes.</summary>
    public string OverPixels(TraceOperand x, int channels) => x is TraceConstant c
        ? graph.Weights(c.Values, "pixels", [c.Values.Length / channels, channels, 1, 1], values => values)
        : graph.Node("Reshape", Rows(x, x.Shape), graph.Integers(-1, channels, 1, 1));

    /// <summary>x times a number, where that is not 1.</summary>
    public string Times(string x, float factor) => factor == 1 ? x : graph.Node("Mul", x, graph.Scalar(factor));

    /// <summary>x sigmoid(x).</summary>
    public string Silu(string x) => graph.Node("Mul", x, graph.Node("Sigmoid", x));

    private string ToPlanes(string rows) => graph.Node("Transpose", [rows], ("perm", new long[] { 0, 3, 1, 2 }));

    private Lowered At(TraceRead read) => _values.TryGetValue(read.Value.Number, out var value) ? value
        : throw new BDenseException($"the pass reads {read.Shape} of numbers that only a backward pass has");

    private static int Row(Shape shape) => shape.Length / shape[0];

    private static long[] Rest(Shape shape) => [.. shape.ToArray().Skip(1).Select(extent => (long)extent)];

    /// <summary>[...,Rows,Columns] to [...,Columns,Rows].</summary>
    private static float[] Swapped(float[] x, int rows, int columns)
    {
        var y = new float[x.Length];
        int block = rows * columns;
        for (int first = 0; first < x.Length; first += block)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    y[first + column * rows + row] = x[first + row * columns + column];
            }
        }
        return y;
    }
}

/// <summary>A value in ONNX's graph.</summary>
/// <param name="shape">As rows; [N,H,W,C] where there are planes.</param>
internal sealed class Lowered(Shape shape)
{
    /// <summary>As rows.</summary>
    public Shape Shape => shape;

    /// <summary>Its name in rows; none before somebody asked.</summary>
    public string? Rows { get; set; }

    /// <summary>Its name as planes; none before somebody asked.</summary>
    public string? Planes { get; set; }

    public static Lowered OfRows(Shape shape, string name) => new(shape) { Rows = name };

    public static Lowered OfPlanes(Shape image, string name) => new(image) { Planes = name };
}
