using System.Buffers.Binary;
using System.Text;

namespace BDense.Tests.Data;

/// <summary>Writes CIFAR-10's python files as Python 2's cPickle wrote them, instruction by instruction (protocol 2).</summary>
internal static class CifarPickle
{
    public const int Row = 3072;

    /// <summary>A whole file, as data_batch_1 is.</summary>
    /// <param name="labels">0 to 9 each.</param>
    /// <param name="data">N x 3072, planes of red, green and blue.</param>
    public static byte[] File(byte[] labels, byte[] data) =>
    [
        0x80, 2, .. "}q\x01("u8, // PROTO 2, EMPTY_DICT, BINPUT 1, MARK
        .. Short("batch_label"), .. "q\x02"u8, .. Short("training batch 1 of 5"), .. "q\x03"u8,
        .. Short("labels"), .. "q\x04]q\x05"u8, .. Chunked(labels.Select(label => new[] { (byte)'K', label })),
        .. Short("data"), .. "q\x06"u8, .. Array(data, labels.Length),
        .. Short("filenames"), .. "q\x0f]q\x10"u8,
        .. Chunked(labels.Select((_, i) => (byte[])[.. Short($"img_s_{i:000000}.png"), .. Put(17 + i)])),
        .. "u."u8,
    ];

    /// <summary>numpy.core.multiarray._reconstruct(ndarray, (0,), 'b') with its state, as NumPy pickles a uint8 array.</summary>
    public static byte[] Array(byte[] data, int rows, string type = "u1", byte order = 0x89) =>
    [
        .. Global("numpy.core.multiarray", "_reconstruct"), .. "q\x07"u8, .. Global("numpy", "ndarray"), .. "q\x08K\0"u8, 0x85,
        .. "q\x09"u8, .. Short("b"), 0x87, .. "q\x0aRq\x0b(K\x01"u8,
        .. Number(rows), .. Number(Row), 0x86, .. Global("numpy", "dtype"), .. "q\x0c"u8, .. Short(type), .. "K\0K\x01"u8, 0x87,
        .. "q\x0dRq\x0e(K\x03"u8, .. Short("|"), .. "NNN"u8,
        (byte)'J', 255, 255, 255, 255, (byte)'J', 255, 255, 255, 255, .. "K\0tb"u8, order, .. Long(data), .. "tb"u8,
    ];

    public static byte[] Global(string module, string name) => [(byte)'c', .. Encoding.ASCII.GetBytes($"{module}\n{name}\n")];

    public static byte[] Short(string text) => [(byte)'U', (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Long(byte[] data)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, data.Length);
        return [(byte)'T', .. length, .. data];
    }

    private static byte[] Number(int value) => [(byte)'M', (byte)value, (byte)(value >> 8)];

    // BINPUT, or LONG_BINPUT from 256 on.
    private static byte[] Put(int index) => index < 256 ? [(byte)'q', (byte)index] : [(byte)'r', (byte)index, (byte)(index >> 8), 0, 0];

    // Lists are written in batches of 1,000.
    private static byte[] Chunked(IEnumerable<byte[]> items) =>
        [.. items.Chunk(1000).SelectMany(chunk => (byte[])[(byte)'(', .. chunk.SelectMany(item => item), (byte)'e'])];
}
