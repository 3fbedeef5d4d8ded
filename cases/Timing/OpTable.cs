using System.Globalization;
using BDense.Kernels.Profiling;

namespace BDense.Cases.Timing;

/// <summary>The lines that <c>ops</c> prints.</summary>
internal static class OpTable
{
    /// <summary>Above timed rows.</summary>
    public const string Columns =
        "row                                                                    ms   spread     GB/s   GFLOP/s  of roof  limit";

    /// <summary>Above counted rows.</summary>
    public const string CountedColumns =
        "row                                                          instructions    declared       moved        asked  launches  limit";

    /// <summary>What shares are shares of.</summary>
    public static string Roof(DeviceSpeed roof) => Text(
        $"roofs: copy {roof.CopyBytesPerSecond / 1e9:0.0} GB/s; {roof.FlopsPerSecond / 1e9:0.0} GFLOP/s ({roof.FlopsOf})");

    /// <summary>A timed row; without a roof, no share of it.</summary>
    public static string Line(OpTime time, DeviceSpeed? roof)
    {
        string share = "";
        if (roof is not null)
            share = Text($"{100 * time.ShareOf(roof),8:0.0}%  {(time.IsMemoryBound(roof) ? "memory" : "arithmetic")}");
        string rates = Text($"{time.GigabytesPerSecond,8:0.00} {time.Gflops,9:0.0}");
        return Text($"{Name(time.Row, 64)} {time.Times.Median,9:0.0000} {100 * time.Times.Spread,7:0.0}% {rates}{share}");
    }

    /// <summary>A row on the virtual GPU, which counts what its launches do; time in software says nothing of a GPU's.</summary>
    public static string Line(OpCase row, ProfiledPass pass)
    {
        long instructions = pass.Launches.Sum(l => l.Counts.Total.Executions);
        string limits = string.Join(", ", pass.Launches.Select(l => l.Roof.Limiter.Name).Distinct());
        string bytes = $"{Bytes(pass.Declared.Bytes),11} {Bytes(pass.MemoryBytes),11} {Bytes(pass.BytesAsked),12}";
        return Text($"{Name(row, 56)} {instructions,16} {bytes} {pass.Launches.Count,9}  {limits}");
    }

    private static string Bytes(long bytes) => bytes < 10_000_000 ? Text($"{bytes / 1e3:0.0} kB") : Text($"{bytes / 1e6:0.0} MB");

    private static string Name(OpCase row, int width) =>
        row.Name.Length <= width ? row.Name.PadRight(width) : row.Name[..(width - 1)] + "…";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
