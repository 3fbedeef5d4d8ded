using System.IO.Compression;
using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Training.Data;

/// <summary>NumPy's .npz: a zip of .npy arrays, as numpy.savez and numpy.savez_compressed write it; also a lone .npy.</summary>
public static class Npz
{
    /// <summary>Writes arrays (float[], double[], Half[], byte[], int[], long[]) as numpy.savez does, uncompressed; atomically.</summary>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    public static void Write(string path, params ReadOnlySpan<(string Name, NpyArray Array)> arrays)
    {
        var list = arrays.ToArray();
        foreach (var (name, array) in list)
        {
            if (array.Shape.Aggregate(1L, (product, extent) => product * extent) != array.Values.Length)
                throw new ArgumentException(
                    $"{name}: {array.Values.Length} values do not fit the shape [{string.Join(", ", array.Shape)}]");
        }
        AtomicFile.Write(path, stream =>
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var (name, array) in list)
            {
                using var body = NewEntry(zip, name);
                array.Write(body);
            }
        });
    }

    /// <summary>Where an array of a new archive goes.</summary>
    internal static Stream NewEntry(ZipArchive zip, string name)
    {
        var entry = zip.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
        // The same bytes whenever it is written.
        entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
        return entry.Open();
    }

    /// <summary>All arrays of a .npz by name (without ".npy"), or the one array of a .npy under "arr_0".</summary>
    /// <exception cref="BDenseException">The file is missing, is neither, is damaged, or holds an element type that is not
    /// read.</exception>
    public static IReadOnlyDictionary<string, NpyArray> Read(string path) => DataFile.Guard(path, () =>
    {
        using var stream = DataFile.OpenRead(path);
        if (stream.ReadByte() == 0x93)
        {
            stream.Position = 0;
            return new Dictionary<string, NpyArray> { ["arr_0"] = NpyArray.Read(stream, stream.Length, path) };
        }
        stream.Position = 0;
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        var arrays = new Dictionary<string, NpyArray>(StringComparer.Ordinal);
        foreach (var entry in zip.Entries.Where(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal)))
        {
            string name = entry.FullName[..^4];
            DataFile.CheckEntry(path, entry);
            using var body = entry.Open();
            if (!arrays.TryAdd(name, NpyArray.Read(body, entry.Length, $"{path}: {entry.FullName}")))
                throw new BDenseException($"{path}: two arrays are named {name}");
        }
        if (arrays.Count == 0)
            throw new BDenseException($"{path}: holds no .npy array");
        return (IReadOnlyDictionary<string, NpyArray>)arrays;
    });
}
