using BDense.Kernels;
using BDense.Onnx.Lowering;

namespace BDense.Onnx;

/// <summary>Classes as numbers, an input of a model; the network's one-hot rows are made inside.</summary>
internal static class ClassInput
{
    public const string Name = "class";

    /// <summary>
    /// int64 [N] to float32 [N,Classes]. A number that is no class stops the run: it is looked up in a table of all classes, a negative one
    /// at a place that the table does not have either (ONNX's Gather would count it from the end).
    /// </summary>
    public static Lowered Rows(GraphBuilder graph, int classes, int batch)
    {
        string given = graph.IntegerInput(Name, OnnxNames.Batch);
        string outside = graph.Integer(classes);
        string place = graph.Node("Where", [graph.Node("Less", given, graph.Integer(0)), outside, given]);
        string known = graph.Node("Gather", graph.Integers([.. Enumerable.Range(0, classes).Select(i => (long)i)]), place);
        string rows = graph.Node("OneHot", [known, outside, graph.Vector(0, 1)], ("axis", 1));
        return Lowered.OfRows(new Shape(batch, classes), rows);
    }
}

/// <summary>Names in models.</summary>
internal static class OnnxNames
{
    /// <summary>Of the free first extent.</summary>
    public const string Batch = "N";
}
