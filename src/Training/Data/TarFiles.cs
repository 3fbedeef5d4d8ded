using System.Globalization;
using System.Text;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Files out of a tar archive (POSIX ustar, with the long names of GNU and pax), as they come. The system's own reader makes room for what
/// a header claims before it looks whether it is there, and throws whatever comes of a damaged one; here both are checked first.
/// </summary>
internal static class TarFiles
{
    /// <summary>Bytes of a header, of which files are whole multiples.</summary>
    public const int Block = 512;

    private const int NameBytes = 100, SizeAt = 124, SizeBytes = 12, ChecksumAt = 148, ChecksumBytes = 8, TypeAt = 156,
        MagicAt = 257, PrefixAt = 345, PrefixBytes = 155;
    private const int ChunkBytes = 1 << 20;

    // Beyond any system's.
    private const int MaxNameBytes = 1 << 16;

    /// <summary>Whether a file's first <see cref="Block"/> bytes are a header of such an archive.</summary>
    public static bool LooksLike(ReadOnlySpan<byte> start) => start.Length == Block && start[MagicAt..].StartsWith("ustar"u8);

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
        string? longName = null;
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
            char type = (char)header[TypeAt];
            bool isFile = type is '0' or '\0';
            // These say the name of the file behind them, where it does not fit its own header.
            if (type is 'L' or 'x')
            {
                if (size > MaxNameBytes)
                    throw new BDenseException($"{path}: damaged: a file's name of {size} bytes");
                byte[] bytes = Take(stream, size, path, name);
                longName = type == 'L' ? Text(bytes) : PaxName(bytes) ?? longName;
                Skip(stream, (Block - size % Block) % Block, path, name);
                continue;
            }
            (name, longName) = (longName ?? name, null);
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

    /// <summary>The path among records of "length key=value\n", the length in digits and of the whole record; none if it is not.</summary>
    private static string? PaxName(ReadOnlySpan<byte> records)
    {
        while (records.IndexOf((byte)' ') is var blank and > 0
            && int.TryParse(Encoding.ASCII.GetString(records[..blank]), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            && length > blank && length <= records.Length)
        {
            var record = records[(blank + 1)..length];
            if (record.StartsWith("path="u8))
                return Encoding.UTF8.GetString(record["path=".Length..].TrimEnd((byte)'\n'));
            records = records[length..];
        }
        return null;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
