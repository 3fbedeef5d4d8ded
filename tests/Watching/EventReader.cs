using System.Text;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>An event of an event file, as far as a log has it.</summary>
internal sealed record ReadEvent(double WallTime, long Step, string? FileVersion, IReadOnlyDictionary<string, float> Scalars);

/// <summary>
/// Reads TensorFlow's event files from the formats' definitions alone (record_writer.h, event.proto, summary.proto, the wire format of
/// protocol buffers): it shares no line with the writer, its CRC is the bitwise one of RFC 3720.
/// </summary>
internal static class EventReader
{
    public static List<ReadEvent> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        var events = new List<ReadEvent>();
        for (int at = 0; at < file.Length;)
        {
            long length = BitConverter.ToInt64(file, at);
            Assert.That(BitConverter.ToUInt32(file, at + 8), Is.EqualTo(Mask(Crc(file.AsSpan(at, 8)))), $"length's CRC at {at}");
            var record = file.AsSpan(at + 12, (int)length);
            Assert.That(BitConverter.ToUInt32(file, at + 12 + (int)length), Is.EqualTo(Mask(Crc(record))), $"record's CRC at {at}");
            events.Add(Event(record));
            at += 16 + (int)length;
        }
        return events;
    }

    /// <summary>CRC32C, bit by bit, the polynomial 0x1EDC6F41 reflected.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return crc ^ 0xFFFFFFFF;
    }

    private static uint Mask(uint crc) => unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);

    private static ReadEvent Event(ReadOnlySpan<byte> message)
    {
        double time = 0;
        long step = 0;
        string? version = null;
        var scalars = new Dictionary<string, float>();
        while (message.Length > 0)
        {
            switch (Varint(ref message))
            {
                case (1 << 3) | 1:
                    time = BitConverter.ToDouble(message);
                    message = message[8..];
                    break;
                case (2 << 3) | 0:
                    step = (long)Varint(ref message);
                    break;
                case (3 << 3) | 2:
                    version = Encoding.UTF8.GetString(Bytes(ref message));
                    break;
                case (5 << 3) | 2:
                    for (var summary = Bytes(ref message); summary.Length > 0;)
                    {
                        Assert.That(Varint(ref summary), Is.EqualTo((1 << 3) | 2), "Summary has values alone");
                        var (tag, value) = Value(Bytes(ref summary));
                        scalars.Add(tag, value);
                    }
                    break;
                case var other:
                    throw new InvalidDataException($"an event has no field of key {other}");
            }
        }
        return new ReadEvent(time, step, version, scalars);
    }

    private static (string Tag, float Value) Value(ReadOnlySpan<byte> message)
    {
        string tag = "";
        float value = 0;
        while (message.Length > 0)
        {
            switch (Varint(ref message))
            {
                case (1 << 3) | 2:
                    tag = Encoding.UTF8.GetString(Bytes(ref message));
                    break;
                case (2 << 3) | 5:
                    value = BitConverter.ToSingle(message);
                    message = message[4..];
                    break;
                case var other:
                    throw new InvalidDataException($"a value has no field of key {other}");
            }
        }
        return (tag, value);
    }

    private static ReadOnlySpan<byte> Bytes(ref ReadOnlySpan<byte> message)
    {
        int length = (int)Varint(ref message);
        var bytes = message[..length];
        message = message[length..];
        return bytes;
    }

    private static ulong Varint(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[0];
            message = message[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
