using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Features of a number a sample.</summary>
internal static class Embeddings
{
    /// <summary>a = t frequency, then cos a and sin a side by side, or sin first.</summary>
    public static Lowered Embedding(LoweredGraph at, EmbeddingStep step)
    {
        var graph = at.Graph;
        int n = step.T.Shape.Length, count = step.Frequencies.Values.Length;
        string frequencies = graph.Weights(step.Frequencies.Values, "row", [1, count], values => values);
        string a = graph.Node("Mul", at.Rows(step.T, new Shape(n, 1)), frequencies);
        string cos = graph.Node("Cos", a), sin = graph.Node("Sin", a);
        return Lowered.OfRows(new Shape(n, 2 * count), graph.Node("Concat", step.SinFirst ? [sin, cos] : [cos, sin], ("axis", 1)));
    }
}
