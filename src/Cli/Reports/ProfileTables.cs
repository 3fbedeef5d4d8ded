using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels.Profiling;
using BDense.VirtualGpu.Execution;
using static BDense.Cli.Reports.FusionTables;

namespace BDense.Cli.Reports;

/// <summary>How <c>bdense profile</c> shows what was counted.</summary>
internal static class ProfileTables
{
    private const int Hottest = 12, LongestText = 100;

    /// <summary>One table for instructions, one for memory, one for the rest; then what each pass declared.</summary>
    public static void Passes(Ui ui, IReadOnlyList<ProfiledPass> passes)
    {
        var rows = passes.SelectMany(p => p.Launches.Select(l => (Pass: p.Name, Launch: l, l.Counts))).ToList();
        var classes = Enum.GetValues<InstructionClass>().Where(c => rows.Any(r => r.Counts.Of(c).Executions > 0)).ToList();
        ui.Line("instructions of warps, by class:");
        ui.Table(["kernel", "pass", "blocks x threads", "all", "lanes", .. classes.Select(Name)], rows.Select(r => (string[])
        [
            r.Launch.Kernel, r.Pass, $"{Text((int)r.Counts.Grid.Count)} x {Text((int)r.Counts.Block.Count)}",
            Count(r.Counts.Total.Executions),
            Text((double)r.Counts.Total.Lanes / Math.Max(1, r.Counts.Total.Executions)),
            .. classes.Select(c => Count(r.Counts.Of(c).Executions)),
        ]));
        ui.Line("global memory; bytes in MB, of DRAM with the second-level cache empty before and written back after each launch:");
        ui.Table(["kernel", "pass", "requests", "sectors/request", "of ideal", "asked, read", "asked, written", "L1 to SM",
            "L2 to L1", "to L2", "DRAM read", "DRAM written"], rows.Select(r => new[]
        {
            r.Launch.Kernel, r.Pass, Count(r.Counts.Total.GlobalRequests), Text(r.Counts.Total.SectorsPerRequest),
            Times(r.Counts.Total.Scatter), Mega(r.Counts.BytesAskedRead),
            Mega(r.Counts.BytesAskedWritten), Mega(r.Counts.FirstLevelBytes), Mega(r.Counts.SecondLevelBytesRead),
            Mega(r.Counts.SecondLevelBytesWritten),
            Mega(r.Counts.MemoryBytesRead), Mega(r.Counts.MemoryBytesWritten),
        }));
        ui.Line("shared memory, branches, barriers, occupancy; what limits at the least (a lower bound, no prediction):");
        ui.Table(["kernel", "pass", "wavefronts", "of ideal", "divergent", "of branches", "waits", "registers", "occupancy", "by", "limits",
            "us at least"], rows.Select(r => new[]
        {
            r.Launch.Kernel, r.Pass, Count(r.Counts.Total.Wavefronts), Times(r.Counts.Total.Conflicts), Count(r.Counts.Total.Diverged),
            Count(r.Counts.Of(InstructionClass.Branch).Executions),
            Count(r.Counts.Total.Waits), Registers(r.Launch), r.Launch.Occupancy.Share.ToString("0%", CultureInfo.InvariantCulture),
            r.Launch.Occupancy.Limiter, r.Launch.Roof.Limiter.Name,
            Text(1000 * r.Launch.Roof.Milliseconds(r.Counts.Model)),
        }));
        if (rows.Any(r => !r.Launch.FromAssembler))
            ui.Line("registers with ~: estimated, since ptxas is not on PATH or does not know the kernel");
        foreach (var pass in passes)
            ui.Line($"{pass.Name}: declared {Mega(pass.Declared.BytesRead)} MB read, {Mega(pass.Declared.BytesWritten)} written; counted "
                + $"{Mega(pass.MemoryBytesRead)}{Ratio(pass.MemoryBytesRead, pass.Declared.BytesRead)} and "
                + $"{Mega(pass.MemoryBytesWritten)}{Ratio(pass.MemoryBytesWritten, pass.Declared.BytesWritten)} from and to DRAM");
    }

    /// <summary>The lines of each launch that are executed most, and all that scatter or conflict.</summary>
    public static void Lines(Ui ui, IReadOnlyList<ProfiledPass> passes)
    {
        foreach (var (pass, launch) in passes.SelectMany(p => p.Launches.Select(l => (p.Name, l))))
        {
            var lines = ProfiledLine.Of(launch.Counts);
            var shown = lines.Where((line, i) => i < Hottest || line.Counts.HasConflicts || line.Counts.IsScattered).ToList();
            ui.Line($"{launch.Kernel} ({pass}), {shown.Count} of {lines.Count} lines:");
            ui.Table(["line", "instructions", "share", "sectors/request", "of ideal", "wavefronts", "of ideal", "divergent", "text"],
                shown.Select(line => new[]
            {
                Place(line), Count(line.Counts.Executions),
                ((double)line.Counts.Executions / launch.Counts.Total.Executions).ToString("0.0%", CultureInfo.InvariantCulture),
                line.Counts.GlobalRequests == 0 ? "" : Text(line.Counts.SectorsPerRequest),
                line.Counts.GlobalRequests == 0 ? "" : Times(line.Counts.Scatter),
                line.Counts.SharedRequests == 0 ? "" : Count(line.Counts.Wavefronts),
                line.Counts.SharedRequests == 0 ? "" : Times(line.Counts.Conflicts),
                line.Counts.Diverged == 0 ? "" : Count(line.Counts.Diverged),
                line.Text.Length > LongestText ? line.Text[..LongestText] + " ..." : line.Text,
            }));
        }
    }

    public static string Mega(long bytes) => Text(bytes / 1e6);

    /// <summary>Of 100,000 or more only thousands, millions, ...</summary>
    public static string Count(long n) => n switch
    {
        < 100_000 => n.ToString(CultureInfo.InvariantCulture),
        < 100_000_000 => (n / 1e3).ToString("0", CultureInfo.InvariantCulture) + "k",
        < 100_000_000_000 => (n / 1e6).ToString("0", CultureInfo.InvariantCulture) + "M",
        _ => (n / 1e9).ToString("0", CultureInfo.InvariantCulture) + "G",
    };

    private static string Place(ProfiledLine line) => line.Source.Line > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(line.Source.File)}:{line.Source.Line}")
        : string.Create(CultureInfo.InvariantCulture, $"PTX:{line.PtxLine}");

    private static string Registers(ProfiledLaunch launch) => (launch.FromAssembler ? "" : "~") + Text(launch.Registers);

    private static string Times(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture) + "x";

    private static string Ratio(long counted, long declared) => declared == 0 ? "" : $" ({Times((double)counted / declared)})";

    private static string Name(InstructionClass kind) => kind switch
    {
        InstructionClass.Integer => "int",
        InstructionClass.Float => "float",
        InstructionClass.Double => "double",
        InstructionClass.Special => "special",
        InstructionClass.Conversion => "cvt",
        InstructionClass.Move => "mov",
        InstructionClass.Predicate => "setp",
        InstructionClass.Branch => "branch",
        InstructionClass.Barrier => "barrier",
        InstructionClass.Shuffle => "shfl",
        InstructionClass.Matrix => "mma",
        InstructionClass.WarpgroupMatrix => "wgmma",
        InstructionClass.BulkLoad => "cp.bulk",
        InstructionClass.BulkStore => "st.bulk",
        InstructionClass.GlobalLoad => "ld.global",
        InstructionClass.GlobalStore => "st.global",
        InstructionClass.SharedLoad => "ld.shared",
        InstructionClass.SharedStore => "st.shared",
        InstructionClass.LocalLoad => "ld.local",
        InstructionClass.LocalStore => "st.local",
        InstructionClass.ParameterLoad => "ld.param",
        InstructionClass.AsyncCopy => "cp.async",
        InstructionClass.MatrixLoad => "ldmatrix",
        _ => "atomic",
    };
}
