using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;

namespace BDense.Cli.Reports;

/// <summary>Estimates, and beside those for an H100 what a virtual one counted and what an H200 took.</summary>
/// <param name="Counts">By kernel; null where nothing was counted.</param>
/// <param name="Measured">Milliseconds by kernel; null where no file was given.</param>
internal sealed record EstimateTable(IReadOnlyDictionary<string, CountedKernel>? Counts, IReadOnlyDictionary<string, double>? Measured)
{
    private static readonly GpuModel s_counted = GpuModel.All.Single(gpu => gpu.Architecture.Name == "sm_90");

    /// <summary>A line for people where the columns need one.</summary>
    public string? Note => Counts is null ? null
        : "counted on a virtual H100, each launch from an empty cache, at two smaller sizes: "
            + string.Join("; ", Counts.Values.Select(c => c.At).Distinct());

    /// <summary>As a table on the terminal, or in Markdown, as docs/kernels.md has it.</summary>
    public void Write(Ui ui, IReadOnlyList<Estimate> estimates, bool isMarkdown)
    {
        string[] columns =
        [
            "kernel", "workload", "GPU", "MB", "GFLOP", "occup", "limiter", "ms", "% of roof",
            .. Counts is null ? [] : new[] { "counted MB", "shared kcycles", "tensor kcycles" },
            .. Measured is null ? [] : new[] { "H200 ms" },
        ];
        var rows = estimates.Select(e => (string[])
        [
            e.Kernel[..^6], e.Workload, e.Gpu, Number(e.Bytes / 1e6, "0.0"), Number(e.Flops / 1e9, "0.00"),
            Number(e.Occupancy, "0%"), e.Limiter, Number(e.Milliseconds, "0.000"), Number(e.RoofShare, "0%"),
            .. Counts is null ? [] : Cells(CountOf(e)),
            .. Measured is null ? [] : new[] { MeasuredOf(e) is { } ms ? Number(ms, "0.000") : "" },
        ]);
        if (isMarkdown)
        {
            ui.Output.WriteLine(Line(columns));
            ui.Output.WriteLine(Line(columns.Select(column => column is "kernel" or "workload" or "GPU" or "limiter" ? "---" : "---:")));
            foreach (string[] row in rows)
                ui.Output.WriteLine(Line(row));
        }
        else
        {
            ui.Table(columns, rows);
        }
        if (Note is not null)
            ui.Note(Note);

        static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |".Replace("  ", " ", StringComparison.Ordinal);
    }

    /// <summary>A row as JSON has it: null for what was not counted or measured.</summary>
    public object Flat(Estimate e)
    {
        var count = CountOf(e);
        return new
        {
            kernel = e.Kernel,
            workload = e.Workload,
            gpu = e.Gpu,
            bytes = e.Bytes,
            flops = e.Flops,
            occupancy = e.Occupancy,
            limiter = e.Limiter,
            milliseconds = e.Milliseconds,
            roofShare = e.RoofShare,
            passMilliseconds = e.PassMilliseconds,
            countedAt = count?.At,
            countedBytes = count?.Bytes,
            sharedWavefronts = count?.Wavefronts,
            tensorCycles = count?.TensorCycles,
            measuredMilliseconds = MeasuredOf(e),
        };
    }

    private CountedKernel? CountOf(Estimate e) => e.Gpu == s_counted.Name ? Counts?.GetValueOrDefault(e.Kernel) : null;

    private double? MeasuredOf(Estimate e) =>
        e.Gpu == s_counted.Name && Measured is not null && Measured.TryGetValue(e.Kernel, out double ms) ? ms : null;

    /// <summary>Cycles of a multiprocessor, if all have the same share.</summary>
    private static string[] Cells(CountedKernel? count) => count is null ? ["", "", ""]
        :
        [
            Number(count.Bytes / 1e6, "0.#"), Number(count.Wavefronts / 1e3 / s_counted.Multiprocessors, "0.#"),
            Number(count.TensorCycles / 1e3 / s_counted.Multiprocessors, "0.#"),
        ];

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
