using System.Buffers.Binary;
using System.Numerics;

namespace BDense.Training.Logging;

/// <summary>
/// TensorFlow's records (tensorflow/core/lib/io/record_writer.h, "TFRecord"): of each its length, 8 bytes, little-endian; a masked CRC of
/// those, 4 bytes; the record; a masked CRC of it, 4 bytes. The CRC is CRC32C (Castagnoli), masked as ((crc >> 15) | (crc &lt;&lt; 17)) +
/// 0xa282ead8, so that a CRC of bytes that hold CRCs is none of the unlucky ones.
/// </summary>
internal static class RecordFile
{
    /// <summary>One record with its frame.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> record)
    {
        byte[] framed = new byte[16 + record.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(framed, (ulong)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(framed.AsSpan(8), Masked(Crc(framed.AsSpan(0, 8))));
        record.CopyTo(framed.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(framed.AsSpan(12 + record.Length), Masked(Crc(record)));
        return framed;
    }

    /// <summary>CRC32C: RFC 3720, section 12.1, and its test vectors in B.4.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    private static uint Masked(uint crc) => BitOperations.RotateRight(crc, 15) + 0xa282ead8;
}
