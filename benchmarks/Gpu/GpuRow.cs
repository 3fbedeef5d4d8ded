using System.Text.Json;

namespace BDense.Benchmarks.Gpu;

/// <summary>One line of the comparison with PyTorch: both sides read it, so that they cannot time different things.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Kind">What is done; the names of <see cref="GpuRows"/>.</param>
/// <param name="Precision"><c>fp32</c>, <c>tf32</c> or <c>bf16</c>: of the tensor cores' operands; sums are single precision.</param>
/// <param name="Dims">Extents by name: n, h, w, c, k, r of a convolution; m, n, k of a product; ...</param>
/// <param name="Network">Configuration of a whole network, for the peer to build the same.</param>
/// <param name="Weights">File of its values (safetensors, PyTorch's names and layout).</param>
public sealed record GpuRow(string Name, string Kind, string Precision, IReadOnlyDictionary<string, int> Dims, JsonElement? Network = null, string? Weights = null)
{
    public int this[string dim] => Dims[dim];
}

/// <summary>What one side measured of a row.</summary>
/// <param name="Name">Of the row.</param>
/// <param name="Variant">How: <c>eager</c>, <c>graph</c>, <c>compile</c>.</param>
/// <param name="Milliseconds">Median over samples, by the device's clock.</param>
/// <param name="P10">10th percentile.</param>
/// <param name="P90">90th percentile.</param>
/// <param name="Samples">How many; each is one or more runs between two events.</param>
/// <param name="PeakBytes">Most device memory at once, for whole networks.</param>
/// <param name="ClockBefore">SM clock in MHz; 0 where unknown.</param>
/// <param name="ClockAfter">SM clock in MHz; 0 where unknown.</param>
/// <param name="Outputs">Some elements of each result by name, evenly spread.</param>
/// <param name="Note">Why figures are missing.</param>
public sealed record GpuResult(string Name, string Variant, double? Milliseconds, double? P10, double? P90, int Samples, long? PeakBytes,
    int ClockBefore, int ClockAfter, IReadOnlyDictionary<string, float[]>? Outputs, string? Note)
{
    /// <summary>Declared by our operations: the least traffic, and the arithmetic. The peer has none.</summary>
    public long Bytes { get; init; }

    public long Flops { get; init; }
}

/// <summary>All that one side measured, with the machine it was measured on.</summary>
/// <param name="Machine">Facts by name: GPU, driver, versions, date, command.</param>
/// <param name="Rows">One for each row and variant.</param>
public sealed record GpuReport(IReadOnlyDictionary<string, string> Machine, IReadOnlyList<GpuResult> Rows)
{
    public static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = false };
}
