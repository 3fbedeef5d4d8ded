using System.Text.Json;
using BDense.Kernels;
using BDense.Kernels.Json;

namespace BDense.Benchmarks.Gpu;

/// <summary>One line of the comparison with PyTorch: both sides read it, so that they cannot time different things.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Kind">What is done; the names of <see cref="GpuRows"/>.</param>
/// <param name="Precision"><c>fp32</c>, <c>tf32</c> or <c>bf16</c>: of the tensor cores' operands; sums are single precision.</param>
/// <param name="Dims">Extents by name: n, h, w, c, k, r of a convolution; m, n, k of a product; ...</param>
/// <param name="Network">Configuration of a whole network, for the peer to build the same.</param>
/// <param name="Weights">File of its values (safetensors, PyTorch's names and layout).</param>
public sealed record GpuRow(string Name, string Kind, string Precision, IReadOnlyDictionary<string, int> Dims, JsonElement? Network = null,
    string? Weights = null)
{
    /// <summary>Whether the peer is to time it; else the row tells of us alone (what branches cost, what a fusion saves).</summary>
    public bool Peer { get; init; } = true;

    /// <summary>Fusions of a network; null for those of the command.</summary>
    public string? Fuse { get; init; }

    /// <exception cref="BDenseException">There is none of that name.</exception>
    public int this[string dim] =>
        Dims.TryGetValue(dim, out int extent) ? extent : throw new BDenseException($"row {Name} has no extent '{dim}'");
}

/// <summary>What inputs are made of, alike on both sides.</summary>
/// <param name="Seed">Of the values: another one each run, unless it is given.</param>
/// <param name="SetsBytes">What the sets of inputs and outputs of a row have together, at least: more than twice any GPU's last-level
/// cache.</param>
/// <param name="MostSets">No more sets than that.</param>
public sealed record GpuInputs(int Seed, long SetsBytes, int MostSets)
{
    /// <summary>H100's second-level cache has 50 MB, the largest GPU's to date 126 MB.</summary>
    public static GpuInputs Full(int seed) => new(seed, 256L << 20, 64);

    public static GpuInputs Quick(int seed) => new(seed, 1L << 20, 3);
}

/// <summary>The file that both sides read, rows.json.</summary>
/// <param name="Inputs">What values are drawn.</param>
/// <param name="Timer">How long each row is timed, on both sides.</param>
/// <param name="Rows">In the order in which they are measured.</param>
public sealed record GpuRun(GpuInputs Inputs, GpuTimer Timer, IReadOnlyList<GpuRow> Rows)
{
    /// <exception cref="BDenseException">The file cannot be read, or names a row twice, or a precision that there is none of.</exception>
    public static GpuRun Read(string path)
    {
        var run = StrictJson.Read<GpuRun>(path, GpuReport.Json);
        if (run.Rows.FirstOrDefault(r => r.Precision is not ("fp32" or "tf32" or "bf16")) is { } odd)
            throw new BDenseException(
                $"{path}: row {odd.Name}: the precision is {Printable.Quoted(odd.Precision)}; there are fp32, tf32, bf16");
        return run.Rows.GroupBy(r => r.Name).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new BDenseException($"{path}: row {twice.Key} is there twice") : run;
    }
}

/// <summary>What one side measured of a row.</summary>
/// <param name="Name">Of the row.</param>
/// <param name="Variant">How: <c>eager</c>, <c>graph</c>, <c>compile</c>.</param>
/// <param name="Milliseconds">Median over samples, by the device's clock.</param>
/// <param name="P10">10th percentile.</param>
/// <param name="P90">90th percentile.</param>
/// <param name="Samples">How many; each is one or more runs between two events.</param>
/// <param name="PeakBytes">Most device memory at once, for whole networks.</param>
/// <param name="Outputs">Some elements of each result by name, evenly spread: of a run after the timed ones, from the starting
/// values.</param>
/// <param name="Note">Why figures are missing.</param>
public sealed record GpuResult(string Name, string Variant, double? Milliseconds, double? P10, double? P90, int Samples, long? PeakBytes,
    IReadOnlyDictionary<string, float[]>? Outputs, string? Note)
{
    /// <summary>SM clock while samples were taken: least, median and most, in MHz; empty where unknown.</summary>
    public IReadOnlyList<int> Clock { get; init; } = [];

    /// <summary>Of the host, from the first launch of a step to the last, the device idle before: median. For whole networks.</summary>
    public double? HostMilliseconds { get; init; }

    /// <summary>Declared by our operations: the least traffic, and the arithmetic. The peer has none.</summary>
    public long Bytes { get; init; }

    public long Flops { get; init; }
}

/// <summary>All that one side measured, with the machine it was measured on.</summary>
/// <param name="Machine">Facts by name: GPU, driver, versions, date, command.</param>
/// <param name="Rows">One for each row and variant.</param>
public sealed record GpuReport(IReadOnlyDictionary<string, string> Machine, IReadOnlyList<GpuResult> Rows)
{
    /// <exception cref="BDenseException">The file cannot be read, has a row and variant twice, or a time without its spread.</exception>
    public static GpuReport Read(string path)
    {
        var report = StrictJson.Read<GpuReport>(path, Json);
        if (report.Rows.GroupBy(r => (r.Name, r.Variant)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new BDenseException($"{path}: row {twice.Key.Name}, {twice.Key.Variant}, is there twice");
        if (report.Rows.FirstOrDefault(r => r.Milliseconds is not null && (r.P10 is null || r.P90 is null)) is { } odd)
            throw new BDenseException($"{path}: row {odd.Name}, {odd.Variant}, has a median and no percentiles");
        return report;
    }

    public static JsonSerializerOptions Json { get; } = new(StrictJson.Options) { WriteIndented = false };
}
