using System.Text;

namespace BDense.Tests.Metrics;

/// <summary>An ONNX file put together byte by byte: images [N,C,H,W] of 0..255 to their channels' means, [N,C].</summary>
internal static class TinyOnnx
{
    private const int Float = 1, UInt8 = 2;

    /// <param name="takesBytes">uint8 input, cast inside; else float32.</param>
    /// <param name="channels">Of the input; 0 leaves them free, and with them the number of features.</param>
    /// <param name="side">Rows and columns; 0 leaves them free.</param>
    /// <param name="outputs">2 gives the pooled array away as well.</param>
    public static byte[] ChannelMeans(bool takesBytes = true, int channels = 3, int side = 0, int outputs = 1)
    {
        byte[][] nodes =
        [
            .. takesBytes ? new[] { Node("Cast", "images", "x", Attribute("to", Float)) } : [],
            Node("GlobalAveragePool", takesBytes ? "x" : "images", "pooled"),
            Node("Flatten", "pooled", "means"),
        ];
        byte[] graph =
        [
            .. nodes.SelectMany(node => Field(1, node)),
            .. Field(2, "tiny"),
            .. Field(11, Value("images", takesBytes ? UInt8 : Float, 0, channels, side, side)),
            .. Field(12, Value("means", Float, 0, channels)),
            .. outputs > 1 ? Field(12, Value("pooled", Float, 0, channels, 1, 1)) : [],
        ];
        // ModelProto: ir_version 8, the graph, operator set 13.
        return [.. Varint(1, 8), .. Field(7, graph), .. Field(8, (byte[])[.. Field(1, ""), .. Varint(2, 13)])];
    }

    /// <summary>
    /// Two inputs, student and teacher [N,C,H,W]: gradient = student - teacher, loss = its squares' means over pixels, [N,C].
    /// </summary>
    public static byte[] SquaredDistance()
    {
        byte[] graph =
        [
            .. Field(1, Node("Sub", ["student", "teacher"], "gradient")),
            .. Field(1, Node("Mul", ["gradient", "gradient"], "squares")),
            .. Field(1, Node("GlobalAveragePool", "squares", "pooled")),
            .. Field(1, Node("Flatten", "pooled", "loss")),
            .. Field(2, "tiny"),
            .. Field(11, Value("student", Float, 0, 0, 0, 0)),
            .. Field(11, Value("teacher", Float, 0, 0, 0, 0)),
            .. Field(12, Value("loss", Float, 0, 0)),
            .. Field(12, Value("gradient", Float, 0, 0, 0, 0)),
        ];
        return [.. Varint(1, 8), .. Field(7, graph), .. Field(8, (byte[])[.. Field(1, ""), .. Varint(2, 13)])];
    }

    private static byte[] Node(string type, string input, string output, byte[]? attribute = null) =>
        Node(type, [input], output, attribute);

    private static byte[] Node(string type, string[] inputs, string output, byte[]? attribute = null) =>
        [.. inputs.SelectMany(input => Field(1, input)), .. Field(2, output), .. Field(4, type),
            .. attribute is null ? [] : Field(5, attribute)];

    // AttributeProto of type INT.
    private static byte[] Attribute(string name, int value) => [.. Field(1, name), .. Varint(3, value), .. Varint(20, 2)];

    private static byte[] Value(string name, int type, params int[] extents)
    {
        byte[] shape = [.. extents.SelectMany((extent, axis) => Field(1, extent > 0 ? Varint(1, extent) : Field(2, $"free{axis}")))];
        return [.. Field(1, name), .. Field(2, Field(1, (byte[])[.. Varint(1, type), .. Field(2, shape)]))];
    }

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] body) => [.. Raw((uint)(number << 3 | 2)), .. Raw((uint)body.Length), .. body];

    private static byte[] Varint(int number, int value) => [.. Raw((uint)(number << 3)), .. Raw((uint)value)];

    private static List<byte> Raw(uint value)
    {
        var bytes = new List<byte>();
        for (; value >= 128; value >>= 7)
            bytes.Add((byte)(value | 128));
        bytes.Add((byte)value);
        return bytes;
    }
}
