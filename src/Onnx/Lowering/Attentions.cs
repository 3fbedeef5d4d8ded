using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Self-attention over packed projections.</summary>
internal static class Attentions
{
    /// <summary>q, k and v of [N,Heads,HeadSize,Tokens]: softmax(q^T k / sqrt(HeadSize)) v^T, back to planes.</summary>
    public static Lowered Attention(LoweredGraph at, AttentionStep step)
    {
        var (graph, s) = (at.Graph, step.Shape);
        var packed = at.ImageOf(step.Qkv) ?? LoweredGraph.AsImage(step.Qkv.Shape);
        string qkv = at.Planes(step.Qkv, packed);
        string q = Turned(at.Times(Part(0), 1 / MathF.Sqrt(s.HeadSize))), k = Part(1), v = Turned(Part(2));
        string weights = graph.Node("Softmax", [graph.Node("MatMul", q, k)], ("axis", -1));
        string y = Turned(graph.Node("MatMul", weights, v));
        var image = new Shape(packed[0], packed[1], packed[2], s.C);
        return Lowered.OfPlanes(image, graph.Node("Reshape", y, graph.Integers(-1, s.C, image[1], image[2])));

        string Part(int part)
        {
            string own = graph.Node("Slice", [qkv, graph.Integers(part * s.C), graph.Integers((part + 1) * s.C), graph.Integers(1)]);
            return graph.Node("Reshape", own, graph.Integers(-1, s.Heads, s.HeadSize, s.Tokens));
        }

        string Turned(string x) => graph.Node("Transpose", [x], ("perm", new long[] { 0, 1, 3, 2 }));
    }
}
