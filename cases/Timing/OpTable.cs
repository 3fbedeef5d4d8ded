using System.Globalization;
using BDense.Kernels.Profiling;

namespace BDense.Cases.Timing;

/// <summary>The lines that <c>ops</c> prints.</summary>
internal static class OpTable
{
    private const int NameWidth = 64;

    public const string Columns =
        "row                                                                    ms   spread     GB/s   GFLOP/s  of roof  limit";

    public const string CountedColumns =
        "row                                                          instructions    declared       moved        asked  launches  limit";

    /// <summary>What shares are shares of.</summary>
    public static string Roof(DeviceSpeed roof) => Text(
        $"roofs: copy {roof.CopyBytesPerSecond / 1e9:0.0} GB/s; {roof.FlopsPerSecond / 1e9:0.0} GFLOP/s ({roof.FlopsOf})");

    public static string Line(OpTime time, DeviceSpeed? roof)
    {
        string share = roof is null ? "" : Text($"{100 * time.ShareOf(roof),8:0.0}%  {(time.IsMemoryBound(roof) ? "memory" : "arithmetic")}");
        return Text($"{Name(time.Row)} {time.Times.Median,9:0.0000} {100 * time.Times.Spread,7:0.0}% {time.GigabytesPerSecond,8:0.00} {time.Gflops,9:0.0}{share}");
    }

    /// <summary>A row on the virtual GPU, which counts what its launches do; time in software says nothing of a GPU's.</summary>
    public static string Line(OpCase row, ProfiledPass pass)
    {
        long instructions = pass.Launches.Sum(l => l.Counts.Total.Executions);
        string limits = string.Join(", ", pass.Launches.Select(l => l.Roof.Limiter.Name).Distinct());
        return Text($"{Name(row)[..56]} {instructions,16} {Bytes(pass.Declared.Bytes),11} {Bytes(pass.MemoryBytes),11} {Bytes(pass.BytesAsked),12} {pass.Launches.Count,9}  {limits}");
    }

    private static string Bytes(long bytes) => bytes < 10_000_000 ? Text($"{bytes / 1e3:0.0} kB") : Text($"{bytes / 1e6:0.0} MB");

    private static string Name(OpCase row) => row.Name.Length <= NameWidth ? row.Name.PadRight(NameWidth) : row.Name[..(NameWidth - 1)] + "…";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
