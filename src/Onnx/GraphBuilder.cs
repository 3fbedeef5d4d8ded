using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Onnx.Proto;
using Google.Protobuf;

namespace BDense.Onnx;

/// <summary>
/// An ONNX graph while it is put together: values are names, a node gives its output's name back, and the same constant or node is there
/// once, however often it is asked for.
/// </summary>
/// <param name="holdsValues">Without them it is a graph to be compared (<see cref="Difference"/>), not written.</param>
internal sealed class GraphBuilder(bool holdsValues = true)
{
    /// <summary>A protobuf message has at most 2^31 - 1 bytes; so much of it is left for all but the constants.</summary>
    public const long MostBytes = int.MaxValue - (16L << 20);

    private readonly GraphProto _graph = new();
    private readonly Dictionary<string, string> _nodes = [], _small = [];
    private readonly Dictionary<float[], Dictionary<string, string>> _large = new(ReferenceEqualityComparer.Instance);
    private long _bytes;

    /// <summary>float32 input.</summary>
    public string Input(string name, params ReadOnlySpan<object> extents) => Declare(_graph.Input, name, TensorProto.Types.DataType.Float,
        extents);

    /// <summary>int64 input.</summary>
    public string IntegerInput(string name, params ReadOnlySpan<object> extents) =>
        Declare(_graph.Input, name, TensorProto.Types.DataType.Int64, extents);

    /// <summary>Gives a value a name outside.</summary>
    public void Output(string name, string value, params ReadOnlySpan<object> extents)
    {
        _graph.Node.Add(new NodeProto { OpType = "Identity", Name = name, Input = { value }, Output = { name } });
        Declare(_graph.Output, name, TensorProto.Types.DataType.Float, extents);
    }

    /// <summary>A node of one output.</summary>
    /// <param name="type">ONNX's operator.</param>
    /// <param name="inputs">Names of values; empty for an optional input that is left out.</param>
    /// <param name="attributes">Integers, lists of them, floats and texts.</param>
    /// <returns>Its output's name.</returns>
    public string Node(string type, string[] inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var node = new NodeProto { OpType = type, Input = { inputs } };
        foreach (var (name, value) in attributes)
            node.Attribute.Add(Attribute(name, value));
        string key = node.ToString();
        if (_nodes.TryGetValue(key, out string? known))
            return known;
        string output = $"{type}_{_graph.Node.Count}";
        (node.Name, _nodes[key]) = (output, output);
        node.Output.Add(output);
        _graph.Node.Add(node);
        return output;
    }

    /// <summary>A node that takes one or two values.</summary>
    public string Node(string type, string a, string? b = null) => Node(type, b is null ? [a] : [a, b]);

    /// <summary>A float, as a scalar.</summary>
    public string Scalar(float value) => Small(TensorProto.Types.DataType.Float, [], MemoryMarshal.AsBytes<float>(new[] { value }));

    /// <summary>A double, as a scalar.</summary>
    public string Double(double value) => Small(TensorProto.Types.DataType.Double, [], MemoryMarshal.AsBytes<double>(new[] { value }));

    /// <summary>Doubles in a row.</summary>
    public string Doubles(double[] values) =>
        Small(TensorProto.Types.DataType.Double, [values.Length], MemoryMarshal.AsBytes<double>(values));

    /// <summary>Integers in a row: a shape, axes, pads.</summary>
    public string Integers(params long[] values) =>
        Small(TensorProto.Types.DataType.Int64, [values.Length], MemoryMarshal.AsBytes<long>(values));

    /// <summary>A few floats in a row, known by their values.</summary>
    public string Vector(params float[] values) =>
        Small(TensorProto.Types.DataType.Float, [values.Length], MemoryMarshal.AsBytes<float>(values));

    /// <summary>One integer as a scalar.</summary>
    public string Integer(long value) => Small(TensorProto.Types.DataType.Int64, [], MemoryMarshal.AsBytes<long>(new[] { value }));

    /// <summary>Weights and other numbers of the network.</summary>
    /// <param name="values">Known by their array: the same one in the same form is there once.</param>
    /// <param name="form">What becomes of them, for the second asking.</param>
    /// <param name="extents">Of the result.</param>
    /// <param name="make">The numbers in the order in which ONNX wants them.</param>
    /// <exception cref="BDenseException">They are more than an ONNX file holds.</exception>
    public string Weights(float[] values, string form, long[] extents, Func<float[], float[]> make)
    {
        string key = $"{form}:{string.Join(',', extents)}";
        if (!_large.TryGetValue(values, out var forms))
            _large.Add(values, forms = []);
        if (forms.TryGetValue(key, out string? known))
            return known;
        string name = $"constant_{_graph.Initializer.Count}";
        _bytes += 4L * values.Length;
        if (_bytes > MostBytes)
            throw new BDenseException($"the graph's constants take more than {MostBytes >> 20} MB, and an ONNX file holds no more: "
                + "such a network leaves as safetensors (--format edm or diffusers)");
        Add(TensorProto.Types.DataType.Float, name, extents,
            holdsValues ? UnsafeByteOperations.UnsafeWrap(Bytes(make(values))) : ByteString.Empty);
        return forms[key] = name;
    }

    /// <summary>The first node or constant that another graph has otherwise, in words; none if there is none.</summary>
    public string? Difference(GraphBuilder other)
    {
        foreach (var (mine, theirs) in _graph.Node.Zip(other._graph.Node))
        {
            if (!mine.Equals(theirs))
                return $"{mine.OpType} ({mine.Name})";
        }
        foreach (var (mine, theirs) in _graph.Initializer.Zip(other._graph.Initializer))
        {
            bool compared = !mine.RawData.IsEmpty && !theirs.RawData.IsEmpty;
            if (!mine.Dims.Equals(theirs.Dims) || (compared && mine.RawData != theirs.RawData))
                return $"a constant ({mine.Name}) of {string.Join(" x ", mine.Dims)}";
        }
        return _graph.Node.Count == other._graph.Node.Count ? null : "the number of nodes";
    }

    /// <summary>The graph as a model.</summary>
    /// <param name="name">Of the graph.</param>
    /// <param name="opset">The version of ONNX's operators that it is written in.</param>
    /// <param name="about">What is said about it.</param>
    public ModelProto Model(string name, int opset, IEnumerable<(string Key, string Value)> about)
    {
        _graph.Name = name;
        var model = new ModelProto
        {
            IrVersion = 8,
            ProducerName = "bdense",
            ProducerVersion = typeof(GraphBuilder).Assembly.GetName().Version!.ToString(3),
            Graph = _graph,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = opset } },
        };
        foreach (var (key, value) in about)
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return model;
    }

    private static byte[] Bytes(float[] values)
    {
        var bytes = new byte[4L * values.Length];
        Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
        return bytes;
    }

    private string Small(TensorProto.Types.DataType type, long[] extents, ReadOnlySpan<byte> bytes)
    {
        string key = $"{type} {string.Join(',', extents)} {Convert.ToHexString(bytes)}";
        if (_small.TryGetValue(key, out string? known))
            return known;
        string name = $"constant_{_graph.Initializer.Count}";
        Add(type, name, extents, ByteString.CopyFrom(bytes));
        return _small[key] = name;
    }

    private void Add(TensorProto.Types.DataType type, string name, long[] extents, ByteString bytes) =>
        _graph.Initializer.Add(new TensorProto { Name = name, DataType = (int)type, Dims = { extents }, RawData = bytes });

    private static string Declare(ICollection<ValueInfoProto> into, string name, TensorProto.Types.DataType type,
        ReadOnlySpan<object> extents)
    {
        var shape = new TensorShapeProto();
        foreach (object extent in extents)
        {
            shape.Dim.Add(extent is string free ? new TensorShapeProto.Types.Dimension { DimParam = free }
                : new TensorShapeProto.Types.Dimension { DimValue = (int)extent });
        }
        into.Add(new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } },
        });
        return name;
    }

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        int i => new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = i },
        float f => new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = f },
        string s => new AttributeProto
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.String,
            S = ByteString.CopyFromUtf8(s),
        },
        long[] list => new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { list } },
        _ => throw new ArgumentException($"an attribute cannot be a {value.GetType().Name}", nameof(value)),
    };
}
