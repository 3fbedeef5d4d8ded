using System.Text.Json;
using BDense.Kernels.Json;

namespace BDense.Kernels.Ilgpu.Tuning;

/// <summary>What a choice of tile is made for.</summary>
/// <param name="Operation">
/// forward, activated (forward with a prologue), dgrad, wgrad, activated wgrad; product NN, NT or TN (T: stored transposed); portable for
/// the kernels of every device.
/// </param>
/// <param name="Precision">Of the products.</param>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="Steps">Steps of the sum.</param>
/// <param name="Taps">Of a convolution: a 3x3 and a 1x1 kernel may have all else in common, and read memory differently.</param>
/// <param name="Stride">Of a convolution.</param>
/// <param name="Batch">Of a matrix product.</param>
internal readonly record struct TuningKey(string Operation, Precision Precision, int M, int N, int Steps, int Taps = 1, int Stride = 1,
    int Batch = 1);

/// <summary>Choices that were measured on a device, and the file that remembers them.</summary>
internal sealed class TuningTable
{
    /// <summary>Of the kernels that are timed: to be raised with every change that may make another tile the fastest.</summary>
    public const int KernelVersion = 4;

    private readonly Dictionary<TuningKey, TileChoice> _choices = [];

    private sealed record Entry(string Operation, Precision Precision, int M, int N, int Steps, int Taps, int Stride, int Batch,
        string Tile, int Slices);

    private sealed record Contents(string Device, int Kernels, List<Entry> Choices);

    /// <summary>
    /// <c>tune-DEVICE.json</c> in the user's cache: $XDG_CACHE_HOME/bdense, ~/.cache/bdense, or on Windows the local application data.
    /// </summary>
    public static string PathFor(string device)
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache))
        {
            cache = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }
        string slug = string.Join('-',
            new string([.. device.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ',
                StringSplitOptions.RemoveEmptyEntries));
        return Path.Combine(cache, "bdense", $"tune-{slug}.json");
    }

    /// <summary>What the file holds; nothing, and a line for people, if it cannot be read.</summary>
    public static (TuningTable Table, string? Notice) Read(string path)
    {
        var table = new TuningTable();
        try
        {
            if (!File.Exists(path))
                return (table, null);
            var contents = StrictJson.Read<Contents>(path, StrictJson.Options);
            if (contents.Kernels != KernelVersion)
                throw new BDenseException(
                    $"{path}: it was measured with version {contents.Kernels} of the kernels, these are version {KernelVersion}");
            foreach (var e in contents.Choices)
            {
                if (!TileChoice.IsTile(e.Tile))
                    throw new BDenseException($"{path}: {Printable.Quoted(e.Tile)} is no tile; one is 128x128w64x32s3, 128x256g2s4 or 4x8");
                table[new TuningKey(e.Operation, e.Precision, e.M, e.N, e.Steps, e.Taps, e.Stride, e.Batch)] =
                    new TileChoice(e.Tile, e.Slices);
            }
            return (table, null);
        }
        catch (BDenseException e)
        {
            return (new TuningTable(), $"{e.Message}; it is ignored, and 'bdense tune' writes it anew");
        }
    }

    public TileChoice this[TuningKey key] { set => _choices[key] = value; }

    public bool TryGet(in TuningKey key, out TileChoice choice) => _choices.TryGetValue(key, out choice);

    /// <summary>Beside the file, then in its place: never half a file.</summary>
    public void Write(string path, string device)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var entries = _choices.Select(c => new Entry(c.Key.Operation, c.Key.Precision, c.Key.M, c.Key.N, c.Key.Steps,
                c.Key.Taps, c.Key.Stride, c.Key.Batch, c.Value.Tile, c.Value.Slices))
            .OrderBy(e => e.Operation, StringComparer.Ordinal).ThenBy(e => e.Precision).ThenBy(e => e.M).ThenBy(e => e.N)
            .ThenBy(e => e.Steps)
            .ThenBy(e => e.Taps).ThenBy(e => e.Stride).ThenBy(e => e.Batch);
        string beside = $"{path}.{Environment.ProcessId}.tmp";
        using (var file = new FileStream(beside, FileMode.Create))
        {
            JsonSerializer.Serialize(file, new Contents(device, KernelVersion, [.. entries]), StrictJson.Options);
            file.Flush(flushToDisk: true);
        }
        File.Move(beside, path, overwrite: true);
    }
}
