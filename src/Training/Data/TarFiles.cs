using System.Globalization;
using System.Text;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Files out of a tar archive (POSIX ustar, and GNU's where names are short), as they come. The system's own reader makes room for what a
/// header claims before it looks whether it is there, and throws whatever comes of a damaged one; here both are checked first.
/// </summary>
/// <remarks>Headers of long names and other extensions are passed over: files that need them are none of ours.</remarks>
internal static class TarFiles
{
    private const int Block = 512, NameBytes = 100, SizeAt = 124, SizeBytes = 12, ChecksumAt = 148, ChecksumBytes = 8, TypeAt = 156,
        MagicAt = 257, PrefixAt = 345, PrefixBytes = 155;
    private const int ChunkBytes = 1 << 20;

    /// <summary>The regular files that are wanted, in the archive's order.</summary>
    /// <param name="stream">The archive, not compressed.</param>
    /// <param name="path">Names it in messages.</param>
    /// <param name="isWanted">By the file's name.</param>
    /// <param name="most">Bytes that a wanted file may have.</param>
    /// <exception cref="BDenseException">Damaged, cut short, or a file is too large.</exception>
    public static List<(string Name, byte[] Bytes)> Read(Stream stream, string path, Func<string, bool> isWanted, long most)
    {
        var files = new List<(string, byte[])>();
        var header = new byte[Block];
        while (true)
        {
            if (stream.ReadAtLeast(header, Block, throwOnEndOfStream: false) < Block)
                throw new BDenseException($"{path}: cut short: the archive has no end");
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
                return files;
            if (Number(header.AsSpan(ChecksumAt, ChecksumBytes)) != Checksum(header))
                throw new BDenseException($"{path}: damaged: the archive's header of a file does not fit its checksum");
            string name = Name(header);
            long size = Number(header.AsSpan(SizeAt, SizeBytes))
                ?? throw new BDenseException($"{path}: damaged: the size of {name} cannot be read");
            bool isFile = header[TypeAt] is (byte)'0' or 0;
            if (isFile && isWanted(name))
            {
                if (size > most)
                    throw new BDenseException($"{path}: {name} has {size} bytes, too many for what it is");
                files.Add((name, Take(stream, size, path, name)));
            }
            else
            {
                Skip(stream, size, path, name);
            }
            Skip(stream, (Block - size % Block) % Block, path, name);
        }
    }

    // Grows with what is there: a header that claims more costs nothing.
    private static byte[] Take(Stream stream, long size, string path, string name)
    {
        using var bytes = new MemoryStream();
        var part = new byte[Math.Min(ChunkBytes, size)];
        while (bytes.Length < size)
        {
            int n = stream.Read(part, 0, (int)Math.Min(part.Length, size - bytes.Length));
            if (n == 0)
                throw new BDenseException($"{path}: cut short: {name} should have {size} bytes, {bytes.Length} are there");
            bytes.Write(part, 0, n);
        }
        return bytes.ToArray();
    }

    private static void Skip(Stream stream, long size, string path, string name)
    {
        var part = new byte[Math.Min(1 << 16, size)];
        while (size > 0)
        {
            int n = stream.Read(part, 0, (int)Math.Min(part.Length, size));
            if (n == 0)
                throw new BDenseException($"{path}: cut short in {name}");
            size -= n;
        }
    }

    // Octal digits between blanks and ended by a blank or a zero; or, of large files, GNU's binary form.
    private static long? Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            long value = field[0] & 0x7F;
            foreach (byte b in field[1..])
            {
                if (value >= 1L << 54)
                    return null;
                value = value << 8 | b;
            }
            return value;
        }
        string digits = Encoding.ASCII.GetString(field).Trim('\0', ' ');
        if (digits.Length is 0 or > SizeBytes || digits.AsSpan().ContainsAnyExceptInRange('0', '7'))
            return null;
        return digits.Aggregate(0L, (value, digit) => value * 8 + (digit - '0'));
    }

    // Of all bytes, those of the checksum itself counted as blanks.
    private static long Checksum(ReadOnlySpan<byte> header)
    {
        long sum = 0;
        for (int i = 0; i < header.Length; i++)
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumBytes ? (byte)' ' : header[i];
        return sum;
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        string name = Text(header[..NameBytes]), prefix = header[MagicAt..].StartsWith("ustar\0"u8)
            ? Text(header.Slice(PrefixAt, PrefixBytes)) : "";
        return prefix.Length == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{prefix}/{name}");
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
