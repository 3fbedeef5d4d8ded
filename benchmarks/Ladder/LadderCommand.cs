using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using ILGPU.Runtime;

namespace BDense.Benchmarks.Ladder;

/// <summary>The verb <c>ladder</c>: every step checked, timed, and its machine code's figures.</summary>
public static class LadderCommand
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>
    /// A step's line; step 0 is the library's own operation. Times are in milliseconds, null with a note where it did not run.
    /// </summary>
    internal sealed record Row(string Op, string Shape, int Step, string Name, double? BestMilliseconds, double? Milliseconds,
        double? Gflops, double? RoofShare,
        int? Registers, int? Spills, int? SharedBytes, double? Occupancy, int? Ffma, int? Hmma, string? Note)
    {
        /// <summary>In the place of times, on a virtual GPU.</summary>
        public Counted? Counts { get; init; }
    }

    /// <summary>
    /// What a virtual GPU counted of a step: its loads from global memory, its shared memory, its bytes in MB, and what limits it.
    /// </summary>
    internal sealed record Counted(long Instructions, double SectorsPerLoad, double SectorsOfIdeal, long Wavefronts,
        double WavefrontsOfIdeal, double SecondLevelMegabytes, double MemoryMegabytes, string Limiter)
    {
        public static Counted Of(LaunchCounts counts)
        {
            var loads = counts.Of(InstructionClass.GlobalLoad) + counts.Of(InstructionClass.AsyncCopy)
                + counts.Of(InstructionClass.BulkLoad);
            return new(counts.Total.Executions, loads.SectorsPerRequest, loads.Scatter, counts.Total.Wavefronts, counts.Total.Conflicts,
                counts.SecondLevelBytesRead / 1e6,
                (counts.MemoryBytesRead + counts.MemoryBytesWritten) / 1e6, VirtualGpu.Counts.Roof.Of(counts).Limiter.Name);
        }
    }

    /// <param name="args">After <c>ladder</c>.</param>
    /// <returns>Exit code: 0; 1 if a step's result is wrong or the device is not there; 2 for a wrong option.</returns>
    public static int Run(string[] args)
    {
        var device = new Option<string>("--device")
        {
            Description = "cpu (ILGPU's simulation, tiny problems), opencl[:i], cuda[:i], virtual[:a100] (counted instead of timed), or "
                + "none for machine code alone.",
            HelpName = "DEVICE",
            DefaultValueFactory = _ => "cpu",
        };
        var op = new Option<string>("--op") { Description = "gemm, conv or all.", HelpName = "OP", DefaultValueFactory = _ => "all" };
        var gemm = new Option<string?>("--gemm")
        {
            Description = "M,N,K of the product; by default what suits the device.",
            HelpName = "M,N,K",
        };
        var conv = new Option<string?>("--conv")
        {
            Description = "N,H,W,C,K of the 3x3 convolution; by default what suits the device.",
            HelpName = "N,H,W,C,K",
        };
        var only = new Option<string?>("--step")
        {
            Description = "Only these steps, numbers with commas between: 8,9 are those on tensor cores, 10 to 13 (gemm) written for them.",
            HelpName = "N,N",
        };
        var arch = new Option<string>("--arch")
        {
            Description = "Whose machine code is shown: sm_80 or sm_90.",
            HelpName = "ARCH",
            DefaultValueFactory = _ => "sm_90",
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "Timing of a step, at least.",
            HelpName = "S",
            DefaultValueFactory = _ => 1,
            CustomParser = result => new NumberRule<double>(0, 1e6).Read("--seconds", result.Tokens, result.AddError),
        };
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output, progress on standard error." };
        var root = new RootCommand("Matrix product and 3x3 convolution from the naive kernel to pipelined tensor cores, step by step.")
            { device, op, gemm, conv, only, arch, seconds, json };
        root.SetAction(parse =>
        {
            try
            {
                return Climb(parse.GetValue(device)!, parse.GetValue(op)!, parse.GetValue(gemm), parse.GetValue(conv), parse.GetValue(only),
                    GpuArchitecture.Find(parse.GetValue(arch)!), parse.GetValue(seconds), parse.GetValue(json));
            }
            catch (BDenseException e)
            {
                Console.Error.WriteLine($"ladder: {e.Message}");
                return e is UsageException ? 2 : 1;
            }
            catch (AcceleratorException e)
            {
                Console.Error.WriteLine($"ladder: the device failed: {DeviceFault.NameOf(e)}: {e.Message}");
                return 1;
            }
        });
        return OpsCommand.Invoke("ladder", root, args);
    }

    private static int Climb(string device, string op, string? gemmText, string? convText, string? onlyText, GpuArchitecture architecture,
        double seconds, bool json)
    {
        if (op is not ("gemm" or "conv" or "all"))
            throw new UsageException($"--op knows gemm, conv and all, not '{op}'");
        string kind = device.Split(':')[0];
        int[] g = Numbers("--gemm",
            gemmText ?? kind switch { "cuda" => "4096,4096,4096", "opencl" => "512,512,512", "virtual" => "256,256,256", _ => "128,64,32" },
            3);
        int[] c = Numbers("--conv",
            convText ?? kind switch
            {
                "cuda" => "64,32,32,256,256",
                "opencl" => "4,32,32,64,64",
                "virtual" => "2,16,16,32,64",
                _ => "2,8,8,16,64"
            }, 5);
        int[] only = onlyText is null ? [] : Numbers("--step", onlyText, onlyText.Count(c => c == ',') + 1);
        int last = WrittenRung.Gemm[^1].Number;
        if (Array.Exists(only, n => n < 1 || n > last))
            throw new UsageException($"--step knows 1 to {last}, not '{onlyText}'");
        var log = json ? Console.Error : Console.Out;
        if (KernelCatalog.AssemblerVersion is null)
            log.WriteLine("ptxas is not on PATH (it comes with the CUDA toolkit): no registers, no occupancy");

        var rows = new List<Row>();
        void Steps(Accelerator? accelerator, Roof? roof)
        {
            log.WriteLine(kind == "virtual" ? CountedColumns : Columns);
            if (op != "conv")
                Each("gemm", Ladder.Steps.Gemm, Problems.Gemm(g[0], g[1], g[2]), accelerator, roof);
            if (op != "gemm")
                Each("conv", Ladder.Steps.Convolution, Problems.Convolution(c[0], c[1], c[2], c[3], c[4]), accelerator, roof);
        }
        bool Wanted(int number) => only.Length == 0 || only.Contains(number);
        void Add(Row row)
        {
            rows.Add(row);
            log.WriteLine(row.Counts is { } counts ? Line(row, counts) : Line(row));
        }
        void Written(string name, Problem<GemmShape> problem, bool isRun, Roof? roof)
        {
            var steps = WrittenRung.Gemm.Where(s => Wanted(s.Number)).ToList();
            using var bench = isRun && steps.Count > 0 ? new WrittenBench(device, problem) : null;
            foreach (var step in steps)
                Add(One(name, problem, Of(step, bench, roof, architecture, seconds), roof));
        }
        void Each<TShape>(string name, IReadOnlyList<Step<TShape>> steps, Problem<TShape> problem, Accelerator? accelerator, Roof? roof)
            where TShape : unmanaged
        {
            using var bench = accelerator is null ? null : new Bench<TShape>(accelerator, problem);
            foreach (var step in steps.Where(s => Wanted(s.Number)))
                Add(One(name, problem, Of(step, bench, roof, architecture, seconds), roof));
            if (problem is Problem<GemmShape> product)
                Written(name, product, accelerator is not null, roof);
            if (roof is null)
                return;
            using var library = new Library(device);
            foreach (var (operation, best, median) in library.Time(problem.Shape, seconds))
            {
                double gflops = problem.Flops / best / 1e6;
                rows.Add(new Row(name, problem.Text, 0, $"library: {operation}", best, median, gflops, gflops / roof.Gflops, null, null,
                    null, null, null, null, null));
                log.WriteLine(Line(rows[^1]));
            }
        }

        Roof? roof = null;
        string description = "none";
        if (device == "none")
        {
            Steps(null, null);
        }
        else
        {
            var (context, accelerator) = LadderDevice.Open(device);
            using (context)
            {
                try
                {
                    description = accelerator.Name;
                    // Time in software says nothing of a GPU's.
                    roof = kind == "virtual" ? null : Roof.Of(accelerator);
                    log.WriteLine(roof is null ? description
                        : string.Create(CultureInfo.InvariantCulture, $"{description}; roof {roof.Gflops:0.#} GFLOP/s float32"
                            + $"{(roof.TensorGflops is { } t ? Text($", {t:0} TF32") : "")} ({roof.Source})"));
                    Steps(accelerator, roof);
                }
                finally
                {
                    // The first error is the one to be seen.
                    _ = Disposal.Close(accelerator);
                }
            }
        }
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                date = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture),
                device = description,
                architecture = architecture.Name,
                assembler = KernelCatalog.AssemblerVersion,
                roof,
                steps = rows,
            }, Json));
        }
        return rows.Exists(r => r.Note?.StartsWith("WRONG", StringComparison.Ordinal) == true) ? 1 : 0;
    }

    /// <summary>What a step's line is made of: its name, its machine code, and, where there is a device, how it is run there.</summary>
    private sealed record Rung(int Number, string Name, KernelRow Code, bool NeedsTensorCores, double? PeakGflops, Runner? Runner);

    private sealed record Runner(string? Refusal, Func<float[]> Run, Func<LaunchCounts> Count, Func<RunTimes> Time);

    private static Rung Of<TShape>(Step<TShape> step, Bench<TShape>? bench, Roof? roof, GpuArchitecture architecture, double seconds)
        where TShape : unmanaged =>
        new(step.Number, step.Name, step.MachineCode(architecture), step.NeedsTensorCores,
            step.NeedsTensorCores ? roof?.TensorGflops : roof?.Gflops, bench is null ? null
                : new(bench.Refusal(step), () => bench.Run(step), () => bench.Count(step), () => bench.Time(step, seconds)));

    /// <summary>BF16 is multiplied at twice the rate of TF32.</summary>
    private static Rung Of(WrittenRung step, WrittenBench? bench, Roof? roof, GpuArchitecture architecture, double seconds) =>
        new(step.Number, step.Name, step.MachineCode(architecture), true, 2 * roof?.TensorGflops, bench is null ? null
            : new(bench.Refusal(step), () => bench.Run(step), () => bench.Count(step), () => bench.Time(step, seconds)));

    /// <summary>Checks, then times. A wrong result has no time.</summary>
    private static Row One<TShape>(string op, Problem<TShape> problem, Rung step, Roof? roof)
        where TShape : unmanaged
    {
        var code = step.Code;
        var row = new Row(op, problem.Text, step.Number, step.Name, null, null, null, null, code.Registers, code.Spills, code.SharedBytes,
            code.Occupancy, code.MainLoop?.Ffma, code.MainLoop?.Hmma + code.MainLoop?.Hgmma, null);
        if (step.Runner is not { } runner)
            return row;
        if (runner.Refusal is { } refusal)
            return row with { Note = refusal };
        if (problem.Check(runner.Run(), step.NeedsTensorCores) is { } wrong)
            return row with { Note = $"WRONG: {wrong}" };
        if (roof is null)
            return row with { Counts = Counted.Of(runner.Count()) };
        var times = runner.Time();
        double gflops = problem.Flops / times.Best / 1e6;
        return row with
        {
            BestMilliseconds = times.Best,
            Milliseconds = times.Median,
            Gflops = gflops,
            RoofShare = gflops / step.PeakGflops,
        };
    }

    private const int MaxExtent = 65_536;

    private static int[] Numbers(string option, string text, int count)
    {
        var parts = text.Split(',');
        // What does not fit together is refused where the problem is made.
        return parts.Length == count ? [.. parts.Select(part => new NumberRule<int>(1, MaxExtent).Read(option, part))]
            : throw new UsageException($"{option} takes {count} numbers with commas between, not {Printable.Quoted(text)}");
    }

    private const string Columns =
        "op    step                  shape                        best ms  median ms    GFLOP/s   roof  regs spill  shared  occ  ffma "
        + "hmma  notes";

    private const string CountedColumns =
        "op    step                  shape                      instructions sectors/load ideal  wavefronts ideal  L2-L1 MB  DRAM MB  "
        + "regs  shared  occ  limits at the least";

    private static string Line(Row r, Counted c) => string.Create(CultureInfo.InvariantCulture,
        $"{r.Op,-5} {r.Step,-2} {r.Name,-18} {r.Shape,-26} {c.Instructions,12} {c.SectorsPerLoad,12:0.00} {c.SectorsOfIdeal,4:0.0}x "
            + $"{c.Wavefronts,11} {c.WavefrontsOfIdeal,4:0.0}x {c.SecondLevelMegabytes,9:0.00} {c.MemoryMegabytes,8:0.00} "
            + $"{r.Registers,5} {r.SharedBytes,7} {r.Occupancy,4:0%}  {c.Limiter}").TrimEnd();

    private static string Line(Row r) => string.Create(CultureInfo.InvariantCulture,
        $"{r.Op,-5} {r.Step,-2} {r.Name,-18} {r.Shape,-26} {r.BestMilliseconds,9:0.000} {r.Milliseconds,10:0.000} {r.Gflops,10:0.00} "
            + $"{r.RoofShare,6:0.0%} {r.Registers,5} {r.Spills,5} {r.SharedBytes,7} {r.Occupancy,4:0%} {r.Ffma,5} {r.Hmma,4}  {r.Note}")
            .TrimEnd();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
