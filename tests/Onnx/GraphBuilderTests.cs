using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Onnx;
using BDense.Onnx.Lowering;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>What a graph cannot be, and what is in it once.</summary>
public sealed class GraphBuilderTests
{
    [Test]
    public void More_constants_than_a_file_holds_are_refused_in_one_line()
    {
        var graph = new GraphBuilder(holdsValues: false);
        var quarter = new float[1 << 26]; // 256 MB of them
        for (int i = 0; i < 7; i++)
            graph.Weights(quarter, $"form {i}", [quarter.Length], values => values);
        Assert.That(() => graph.Weights(quarter, "form 7", [quarter.Length], values => values),
            Throws.TypeOf<BDenseException>().With.Message.Contains("an ONNX file holds no more").And.Message.Contains("--format edm")
                .And.Message.Not.Contains("\n"));
    }

    [Test]
    public void The_same_node_and_constant_are_there_once()
    {
        var graph = new GraphBuilder();
        string x = graph.Input("x", "N");
        string twice = graph.Node("Mul", x, graph.Scalar(2));
        Assert.That(graph.Node("Mul", x, graph.Scalar(2)), Is.EqualTo(twice));
        Assert.That(graph.Node("Mul", x, graph.Scalar(3)), Is.Not.EqualTo(twice));
        float[] weights = [1, 2], equal = [1, 2];
        string known = graph.Weights(weights, "f", [2], v => v);
        Assert.That(graph.Weights(weights, "f", [2], v => v), Is.EqualTo(known));
        Assert.That(graph.Weights(equal, "f", [2], v => v), Is.Not.EqualTo(known), "known by their array");
    }

    [Test]
    public void A_pass_that_depends_on_its_batch_is_refused()
    {
        using var backend = new TracingBackend(1);
        Assert.That(() => OnnxModel.Of(backend, "odd", recorder =>
        {
            using var x = backend.Empty(new Shape(recorder.Batch, 4));
            recorder.Input("x", x);
            backend.Scale(x, recorder.Batch, x);
            recorder.Output("y", x);
        }, (trace, at) =>
        {
            at.Define(trace.Inputs.Single().Value, Lowered.OfRows(new Shape(trace.Batch, 4), at.Graph.Input("x", "N", 4)));
            at.Run(trace);
            at.Graph.Output("y", at.Rows(trace.Outputs.Single().Operand, new Shape(trace.Batch, 4)), "N", 4);
        }, []), Throws.TypeOf<BDenseException>().With.Message.Contains("does not do the same for every batch"));
    }
}
