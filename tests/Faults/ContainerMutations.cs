using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace BDense.Tests.Faults;

/// <summary>
/// Damage inside containers whose own checks would otherwise stop it at the door: archives are unpacked, changed and packed again.
/// </summary>
internal static class ContainerMutations
{
    /// <summary>An entry's bytes, its name or its presence.</summary>
    public static byte[] Zip(Random r, byte[] sample)
    {
        var entries = new List<(string Name, byte[] Bytes)>();
        using (var zip = new ZipArchive(new MemoryStream(sample), ZipArchiveMode.Read))
        {
            foreach (var entry in zip.Entries)
            {
                using var stream = entry.Open();
                using var bytes = new MemoryStream();
                stream.CopyTo(bytes);
                entries.Add((entry.FullName, bytes.ToArray()));
            }
        }
        int i = r.Next(entries.Count);
        var (name, body) = entries[i];
        var other = entries[r.Next(entries.Count)];
        switch (r.Next(8))
        {
            case 0:
                entries.Add((name, other.Bytes));
                break;
            case 1:
                entries[i] = (r.Next(3) switch { 0 => "../" + name, 1 => name.ToUpperInvariant(), _ => "\u001b[31m" + name }, body);
                break;
            case 2:
                entries.RemoveAt(i);
                break;
            case 3:
                entries[i] = (other.Name, body);
                break;
            default:
                entries[i] =
                    (name, name.EndsWith(".json", StringComparison.Ordinal) ? TextMutations.Json(r, body)
                        : name.EndsWith(".npy", StringComparison.Ordinal) ? Npy(r, body, other.Bytes)
                    : name.EndsWith(".png", StringComparison.Ordinal) ? Png(r, body) : ByteMutations.Apply(r, body, other.Bytes));
                break;
        }
        using var result = new MemoryStream();
        using (var zip = new ZipArchive(result, ZipArchiveMode.Create, leaveOpen: true))
        {
            var level = r.Next(2) == 0 ? CompressionLevel.NoCompression : CompressionLevel.Fastest;
            foreach (var (entryName, bytes) in entries)
            {
                using var stream = zip.CreateEntry(entryName, level).Open();
                stream.Write(bytes);
            }
        }
        return result.ToArray();
    }

    /// <summary>A number of the header, or any bytes.</summary>
    public static byte[] Npy(Random r, byte[] sample, byte[] other)
    {
        int header = Math.Min(sample.Length, 128);
        return r.Next(2) == 0 ? [.. TextMutations.Number(r, sample[..header]), .. sample[header..]] : ByteMutations.Apply(r, sample, other);
    }

    public static byte[] GZip(Random r, byte[] sample, Func<Random, byte[], byte[]> mutate)
    {
        using var inflated = new MemoryStream();
        using (var gzip = new GZipStream(new MemoryStream(sample), CompressionMode.Decompress))
            gzip.CopyTo(inflated);
        using var result = new MemoryStream();
        using (var gzip = new GZipStream(result, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(mutate(r, inflated.ToArray()));
        return result.ToArray();
    }

    /// <summary>A header's name, size, type or other field, with the checksum made good; or any bytes.</summary>
    public static byte[] Tar(Random r, byte[] sample)
    {
        byte[] tar = [.. sample];
        if (tar.Length < 512 || r.Next(3) == 0)
            return ByteMutations.Apply(r, tar, tar);
        int header = 512 * r.Next(Math.Min(4, tar.Length / 512));
        var block = tar.AsSpan(header, 512);
        switch (r.Next(5))
        {
            case 0:
                string[] sizes = ["77777777777", "00000000000", "-0000000001", "99999999999", "           ", "0x000001000", "20000000000",
                    "00000000001", "17777777777"];
                Encoding.ASCII.GetBytes(sizes[r.Next(sizes.Length)]).CopyTo(block[124..]);
                break;
            case 1:
                block[124] = (byte)(0x80 | r.Next(128));
                for (int i = 125; i < 136; i++)
                    block[i] = (byte)(r.Next(3) == 0 ? r.Next(256) : 0);
                break;
            case 2:
                block[156] = (byte)"0157xgLKSV\0A"[r.Next(12)];
                break;
            case 3:
                block[r.Next(148)] = (byte)r.Next(256);
                break;
            default:
                block[r.Next(156, 512)] = (byte)r.Next(256);
                break;
        }
        block.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte b in block)
            sum += b;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(block[148..]);
        return r.Next(3) == 0 ? tar[..(header + 512 + r.Next(tar.Length - header - 511))] : tar;
    }

    /// <summary>The header's JSON, with its length made good; or any bytes.</summary>
    public static byte[] SafeTensors(Random r, byte[] sample, byte[] other)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(sample);
        if (r.Next(3) == 0)
            return ByteMutations.Apply(r, sample, other);
        byte[] header = r.Next(3) == 0 ? TextMutations.Number(r, sample[8..(8 + length)]) : TextMutations.Json(r, sample[8..(8 + length)]);
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. sample[(8 + length)..]];
    }

    /// <summary>A chunk's bytes, with its checksum made good; or any bytes.</summary>
    public static byte[] Png(Random r, byte[] sample)
    {
        byte[] png = [.. sample];
        if (r.Next(3) == 0)
            return ByteMutations.Apply(r, png, sample);
        var chunks = new List<(int Start, int Length)>();
        for (int at = 8; at + 12 <= png.Length; at += 12 + chunks[^1].Length)
            chunks.Add((at, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at))));
        var (start, length) = chunks[r.Next(2) == 0 ? 0 : r.Next(chunks.Count)];
        if (length == 0)
            return ByteMutations.Apply(r, png, sample);
        for (int n = 1 + r.Next(3); n > 0; n--)
            png[start + 8 + r.Next(length)] = r.Next(2) == 0 ? (byte)r.Next(256) : (byte)(r.Next(2) * 255);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(start + 8 + length), Crc(png.AsSpan(start + 4, 4 + length)));
        return png;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }
}
