using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Model.Checkpoints;
using BDense.Onnx.Lowering;
using BDense.Onnx.Proto;
using Google.Protobuf;

namespace BDense.Onnx;

/// <summary>A network or a whole sampler as an ONNX model, in memory until <see cref="Save"/>.</summary>
/// <remarks>Images are [N,C,H,W] in about [-1, 1], float32; N is free. <c>docs/onnx.md</c> says what each input means.</remarks>
public sealed class OnnxModel
{
    /// <summary>The version of ONNX's operators: what ONNX Runtime of 2022 and later reads.</summary>
    public const int Opset = 17;

    private readonly ModelProto _model;

    private OnnxModel(ModelProto model) => _model = model;

    /// <summary>Names of the inputs, in order.</summary>
    public IReadOnlyList<string> Inputs => [.. _model.Graph.Input.Select(input => input.Name)];

    /// <summary>The output's name.</summary>
    public string Output => _model.Graph.Output.Single().Name;

    /// <summary>Extents of an input; 0 for one that is free.</summary>
    public IReadOnlyList<int> ExtentsOf(string input) =>
        [.. _model.Graph.Input.Single(i => i.Name == input).Type.TensorType.Shape.Dim.Select(extent => (int)extent.DimValue)];

    /// <summary>How often each operator is there, by its name.</summary>
    public IReadOnlyDictionary<string, int> Operators => _model.Graph.Node.CountBy(node => node.OpType).ToDictionary();

    /// <summary>Writes the file; it is there whole or not at all.</summary>
    /// <exception cref="BDenseException">It cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using var coded = new CodedOutputStream(stream, leaveOpen: true);
        _model.WriteTo(coded);
    });

    /// <summary>The file's bytes.</summary>
    public byte[] ToArray() => _model.ToByteArray();

    /// <summary>
    /// A model of what a pass does, recorded with two batches: a graph that is not the same for both would fit no third.
    /// </summary>
    /// <param name="backend">Where the network is.</param>
    /// <param name="name">Of the graph.</param>
    /// <param name="record">Names the inputs and outputs of a trace.</param>
    /// <param name="build">Declares them in the graph, runs the lowering in between.</param>
    /// <param name="about">What the file says about itself.</param>
    /// <exception cref="BDenseException">An operation that cannot be written; or a pass that depends on its batch.</exception>
    internal static OnnxModel Of(TracingBackend backend, string name, Action<TraceRecorder> record,
        Action<Trace, LoweredGraph> build, IReadOnlyList<(string Key, string Value)> about)
    {
        var graph = Graph(2, holdsValues: true);
        if (graph.Difference(Graph(3, holdsValues: false)) is { } difference)
            throw new BDenseException($"the pass does not do the same for every batch: with 2 and 3 images, {difference} differs");
        return new OnnxModel(graph.Model(name, Opset, about));

        GraphBuilder Graph(int batch, bool holdsValues)
        {
            var trace = backend.Record(batch, record);
            var made = new GraphBuilder(holdsValues);
            build(trace, new LoweredGraph(made));
            return made;
        }
    }
}
