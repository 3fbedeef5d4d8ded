using System.CommandLine;
using System.Globalization;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using BDense.Model.Checkpoints;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense kernels</c>: what the compilers make of every kernel, without a GPU; with <c>--html</c> the explorer of one.
/// </summary>
internal static class KernelsVerb
{
    public static Verb Verb(Ui ui)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "A kernel, with or without 'Kernel' at its end, or how several begin; all if left out.",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "NAME",
        };
        var arch = new Option<string>("--arch")
        {
            Description = "Architectures, separated by commas: sm_80 (A100), sm_90 (H100, H200).",
            HelpName = "LIST",
            DefaultValueFactory = _ => "sm_80,sm_90",
        };
        var html = new Option<string?>("--html")
        {
            Description = "Write one kernel's C#, PTX and SASS, linked line by line, as one page.",
            HelpName = "FILE",
        };
        var estimate = new Option<bool>("--estimate")
        {
            Description = "Instead: what each hot kernel is expected to do on an A100 and an H100, from bytes, FLOPs and machine code.",
        };
        var counts = new Option<bool>("--counts")
        {
            Description = "With --estimate: bytes, and cycles of shared memory and tensor cores, counted on a virtual H100. Minutes; "
                + "a NAME counts less.",
        };
        var measured = new Option<string?>("--measured")
        {
            Description = "With --estimate: an ours.json of 'benchmarks -- gpu' on an H200, for a column of measured times.",
            HelpName = "FILE",
        };
        var markdown = new Option<bool>("--markdown")
        {
            Description = "With --estimate: the table in Markdown, as docs/kernels.md has it.",
        };
        var device = new Option<string?>("--device")
        {
            Description = "With --html: virtual or virtual:a100, where the kernel is run to show counts beside each line.",
            HelpName = "DEVICE",
        };
        var operation = new Option<string?>("--op")
        {
            Description = "The operation that is run for them; the first that launches the kernel if left out.",
            HelpName = "NAME",
        };
        var shape = ProfileRequest.ShapeOption();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("kernels", "Compiles and assembles every kernel, no GPU needed, and counts what became of it.")
        {
            name, arch, html, estimate, counts, measured, markdown, device, operation, shape, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            Execute(parse, cancellation);
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense kernels", "bdense kernels Conv --arch sm_90 --json", "bdense kernels ConvTile8 --html kernel.html",
            "bdense kernels ConvTile8 --html kernel.html --device virtual --op conv2d --shape 4x32x64x64x3", "bdense kernels --estimate",
            "bdense kernels GroupNorm --estimate --counts");

        void Execute(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            if (parse.GetValue(estimate))
            {
                Estimate(ui, KernelCatalog.Find(parse.GetValue(name)), parse.GetValue(counts), parse.GetValue(measured),
                    parse.GetValue(markdown), cancellation);
                return;
            }
            if (parse.GetValue(counts) || parse.GetValue(markdown) || parse.GetValue(measured) is not null)
                throw new UsageException("--counts, --measured and --markdown are about estimates: give --estimate, too");
            var architectures = parse.GetValue(arch)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(GpuArchitecture.Find).ToList();
            if (architectures.Count == 0)
                throw new UsageException("--arch names no architecture; there are sm_80, sm_90");
            var names = KernelCatalog.Find(parse.GetValue(name));
            string? page = parse.GetValue(html);
            if (page is not null && names.Count > 1)
                throw new UsageException("--html shows one kernel; name it: bdense kernels ConvTile8 --html kernel.html");
            string? runOn = parse.GetValue(device);
            if (runOn is not null && page is null)
                throw new UsageException("--device is for --html; 'bdense profile' prints what a virtual GPU counts");
            if (KernelCatalog.AssemblerVersion is null)
                ui.Note("ptxas is not on PATH (it comes with the CUDA toolkit): PTX only, no registers and no machine code");

            var rows = ui.Stage("kernels", names.Count * architectures.Count,
                report => KernelCatalog.Rows(names, architectures, cancellation, done => report(done, "")), "kernels");
            ui.Json(new { assembler = KernelCatalog.AssemblerVersion, kernels = rows.Select(Flat) });
            ui.Table(["kernel (* hot)", "arch", "regs", "stack B", "spill B", "shared B", "occup", "instr", "hmma", "ffma", "ld128",
                "st128", "ldsm", "cp16", "main loop"],
                rows.Select(Cells));
            if (page is null)
                return;
            if (runOn is not null)
            {
                var run =
                    new ProfileRequest(runOn, parse.GetValue(operation), names[0], parse.GetValue(shape), parse.GetValue(precision)).Run(ui,
                        cancellation);
                ProfileRequest.Write(ui, page, run, architectures[^1]);
                return;
            }
            // The last architecture named: the newest of the default ones.
            string text = KernelPage.Html(KernelExploration.Of(names[0], architectures[^1]));
            AtomicFile.WriteText(page, text);
            ui.Note($"wrote {page}");
        }
    }

    private static void Estimate(Ui ui, IReadOnlyList<string> names, bool isCounted, string? measured, bool isMarkdown,
        CancellationToken cancellation)
    {
        // Before minutes of counting: a file that is none is known at once.
        var times = measured is null ? null : MeasuredRows.Read(measured);
        var estimates = Estimates.All(out var missing, cancellation, names);
        if (missing.Count > 0)
            ui.Note($"hot, but without an estimate: {string.Join(", ", missing)}");
        var counts = isCounted ? Counts(ui, [.. estimates.Select(e => e.Kernel).Distinct()], cancellation) : null;
        var table = new EstimateTable(counts?.ToDictionary(row => row.Kernel), times);
        ui.Json(new { assembler = KernelCatalog.AssemblerVersion, estimates = estimates.Select(table.Flat) });
        if (!ui.JsonOnly)
            table.Write(ui, estimates, isMarkdown);
    }

    private static IReadOnlyList<CountedKernel> Counts(Ui ui, IReadOnlyList<string> names, CancellationToken cancellation)
    {
        using var backend = DeviceCatalog.Open("virtual");
        return ui.Stage("counts", CountedKernels.Workloads(names), report => CountedKernels.Of(backend, names, done => report(done, ""),
            cancellation), "operations");
    }

    /// <summary>A row as JSON has it: the counts of the whole kernel beside the other figures, those of the main loop apart.</summary>
    private static object Flat(KernelRow r) => new
    {
        name = r.Name,
        hot = r.Hot,
        architecture = r.Architecture,
        groupSize = r.GroupSize,
        registers = r.Registers,
        stack = r.Stack,
        spills = r.Spills,
        sharedBytes = r.SharedBytes,
        occupancy = r.Occupancy,
        instructions = r.Whole?.Instructions,
        hmma = r.Whole?.Hmma,
        hgmma = r.Whole?.Hgmma,
        ffma = r.Whole?.Ffma,
        ldg = r.Whole?.Ldg,
        ldg128 = r.Whole?.Ldg128,
        stg = r.Whole?.Stg,
        stg128 = r.Whole?.Stg128,
        lds = r.Whole?.Lds,
        lds128 = r.Whole?.Lds128,
        sts = r.Whole?.Sts,
        ldsm = r.Whole?.Ldsm,
        ldgsts = r.Whole?.Ldgsts,
        local = r.Whole?.Local,
        barriers = r.Whole?.Barriers,
        mainLoop = r.MainLoop,
    };

    private static string[] Cells(KernelRow r)
    {
        static string Text(int? n) => n?.ToString(CultureInfo.InvariantCulture) ?? "";
        string name = r.Name.EndsWith("Kernel", StringComparison.Ordinal) ? r.Name[..^6] : r.Name;
        string loop = r.MainLoop is not { } l ? ""
            : $"{l.Instructions}: {(l.Hgmma > 0 ? $"{l.Hgmma} hgmma" : l.Hmma > 0 ? $"{l.Hmma} hmma" : $"{l.Ffma} ffma")}";
        return
        [
            r.Hot ? name + " *" : name, r.Architecture, Text(r.Registers), Text(r.Stack), Text(r.Spills), Text(r.SharedBytes),
            r.Occupancy?.ToString("0%", CultureInfo.InvariantCulture) ?? "", Text(r.Whole?.Instructions),
            Text(r.Whole?.Hmma + r.Whole?.Hgmma),
            Text(r.Whole?.Ffma), Text(r.Whole?.Ldg128),
            Text(r.Whole?.Stg128), Text(r.Whole?.Ldsm), Text(r.Whole?.Ldgsts), loop,
        ];
    }
}
