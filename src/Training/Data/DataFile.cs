using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>Opening files of data, and turning whatever a damaged one throws into one line that names it.</summary>
internal static class DataFile
{
    // Deflate cannot do better than about 1032 to 1: a declared size beyond that is a lie that would cost memory.
    private const long MaxDeflateRatio = 1100;

    public static FileStream OpenRead(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);

    /// <summary>
    /// Runs <paramref name="body"/>; input-output and format exceptions become a <see cref="BDenseException"/> on <paramref name="path"/>.
    /// </summary>
    public static T Guard<T>(string path, Func<T> body)
    {
        try
        {
            return body();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fault($"{path}: no such file", e);
        }
        catch (EndOfStreamException e)
        {
            throw Fault($"{path}: cut short", e);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw Fault($"{path}: damaged or cut short: {OneLine(e)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Fault($"cannot read {path}: {OneLine(e)}", e);
        }
        catch (OutOfMemoryException e)
        {
            throw Fault($"{path}: too large for this machine's memory; limit the number of images", e);
        }
        catch (BDenseException e) when (e is not UsageException && Printable.Text(e.Message) != e.Message)
        {
            // Names from folders and archives are in it as they are.
            throw Fault(e.Message, e);
        }
    }

    /// <summary>Holds a zip entry's declared size to what its compressed bytes can give.</summary>
    public static void CheckEntry(string path, ZipArchiveEntry entry)
    {
        if (entry.Length > entry.CompressedLength * MaxDeflateRatio + 1024)
            throw new BDenseException(
                $"{path}: {entry.FullName} declares {entry.Length} bytes, impossible from {entry.CompressedLength} compressed ones");
    }

    private static BDenseException Fault(string text, Exception e) => new(Printable.Text(text), e);

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ").TrimEnd('.');
}
