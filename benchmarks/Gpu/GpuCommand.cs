using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using BDense.Benchmarks.Comparison;
using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using ILGPU.Runtime;

namespace BDense.Benchmarks.Gpu;

/// <summary>The verb <c>gpu</c>: our side of the comparison with PyTorch. <c>join</c> puts the peer's beside it.</summary>
public static class GpuCommand
{
    private const string RowsFile = "rows.json", OursFile = "ours.json", Spent = "the time given was spent";

    /// <summary>Exit code after an error of the device, which ends a process's use of it.</summary>
    private const int DeviceFault = 3;

    /// <param name="args">After <c>gpu</c>.</param>
    /// <returns>Exit code: 0; 1 if nothing was measured; 2 for a wrong option; 3 after a fault of the device: <c>--resume</c> goes
    /// on.</returns>
    public static int Run(string[] args)
    {
        var device = new Option<string>("--device")
        {
            Description = $"{DeviceCatalog.Specs}.",
            HelpName = "SPEC",
            DefaultValueFactory = _ => "cuda",
        };
        var filter = new Option<string?>("--filter") { Description = "Only rows whose name contains this.", HelpName = "TEXT" };
        var fuse = new Option<string>("--fuse")
        {
            Description = "Fusions of whole networks: usual, all, none, or names (see bdense fusion).",
            HelpName = "SET",
            DefaultValueFactory = _ => "usual",
        };
        var seed = new Option<int?>("--seed")
        {
            Description = "Of the inputs; by default another one each run. Stands in rows.json and in the results.",
            HelpName = "N",
            CustomParser = result => new NumberRule<int>(0, int.MaxValue).Read("--seed", result.Tokens, result.AddError),
        };
        var tune = new Option<bool>("--tune")
        {
            Description = "Times every tile for the products of these rows and remembers the fastest for this device, instead "
                + "of measuring.",
        };
        var budget = new Option<double>("--budget")
        {
            Description = "Seconds after which no further row is begun.",
            HelpName = "S",
            DefaultValueFactory = _ => double.PositiveInfinity,
            CustomParser = result => new NumberRule<double>(0, double.MaxValue).Read("--budget", result.Tokens, result.AddError),
        };
        var headline = new Option<bool>("--headline")
        {
            Description = "Only the rows that tell most, in their own order, each timed briefly: for a first visit to a GPU.",
        };
        var others = new Option<bool>("--others") { Description = "All rows but those of --headline, each timed briefly." };
        var resume = new Option<bool>("--resume")
        {
            Description = $"Goes on with the run in --out: its rows, its inputs, and what is in {OursFile} is not measured again.",
        };
        var weights = new Option<string?>("--weights")
        {
            Description = "Folder of the weights for the peer; by default that of --out.",
            HelpName = "DIR",
        };
        var quick = new Option<bool>("--quick") { Description = "Small rows and few samples: that it runs, not how fast." };
        var list = new Option<bool>("--list") { Description = "Prints the names of all rows and measures nothing." };
        var output = new Option<string>("--out")
        {
            Description = $"Folder of {RowsFile}, {OursFile} and the weights for the peer.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "gpu-results",
        };
        var root = new RootCommand("Times kernels and whole steps at fixed shapes, for benchmarks/Gpu/torch_peer.py to time the same.")
            { device, filter, fuse, seed, tune, budget, headline, others, resume, weights, quick, list, output };
        root.SetAction(parse =>
        {
            string? text = parse.GetValue(filter);
            bool brief = parse.GetValue(headline) || parse.GetValue(others), fast = parse.GetValue(quick);
            var rows = GpuRows.All(fast).Where(r => text is null || r.Name.Contains(text, StringComparison.OrdinalIgnoreCase)).ToList();
            if (parse.GetValue(headline))
                rows = fast ? rows : [.. GpuRows.Headline.SelectMany(name => rows.Where(r => r.Name == name))];
            else if (parse.GetValue(others))
                rows.RemoveAll(r => GpuRows.Headline.Contains(r.Name));
            if (rows.Count == 0)
            {
                Console.Error.WriteLine($"gpu: no row's name contains '{text}', or none is left; --list names them all");
                return 2;
            }
            if (parse.GetValue(list))
            {
                foreach (var row in rows)
                    Console.WriteLine(row.Name);
                return 0;
            }
            try
            {
                string command = $"gpu {string.Join(' ', args.Select(a => a.Contains(' ', StringComparison.Ordinal) ? $"\"{a}\"" : a))}";
                int number = parse.GetValue(seed) ?? Random.Shared.Next(1, 1_000_000);
                string folder = parse.GetValue(output)!;
                var run = parse.GetValue(resume) ? Earlier(folder, RowsFile, GpuRun.Read)
                    : new GpuRun(fast ? GpuInputs.Quick(number) : GpuInputs.Full(number),
                        fast ? GpuTimer.Quick : brief ? GpuTimer.Brief : GpuTimer.Full, rows);
                var known = parse.GetValue(resume) && File.Exists(Path.Combine(folder, OursFile))
                    ? Earlier(folder, OursFile, GpuReport.Read).Rows : [];
                var time = new Countdown(parse.GetValue(budget));
                var fusions = Fusions.Parse(parse.GetValue(fuse)!);
                return parse.GetValue(tune) ? Tune(run, parse.GetValue(device)!, fusions, time)
                    : Measure(run, known, parse.GetValue(device)!, fusions, fast, folder, parse.GetValue(weights) ?? folder, command, time);
            }
            catch (Exception e) when (e is AcceleratorException or DeviceFaultException)
            {
                // The rows before are on disk; what this process still holds of the device is lost to it.
                Console.Error.WriteLine($"gpu: {e.Message}; --resume goes on with the next row");
                return DeviceFault;
            }
            catch (Exception e) when (e is BDenseException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"gpu: {e.Message}");
                return e is UsageException ? 2 : 1;
            }
        });
        return OpsCommand.Invoke("gpu", root, args);
    }

    private static T Earlier<T>(string folder, string file, Func<string, T> read)
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path))
            throw new IOException($"there is no {path} to go on with");
        return read(path);
    }

    private sealed class Countdown(double seconds)
    {
        private readonly long _start = Stopwatch.GetTimestamp();

        public bool IsOver => Stopwatch.GetElapsedTime(_start).TotalSeconds > seconds;
    }

    /// <summary>
    /// Every row once, with tiles timed where a product is met for the first time: what is measured later runs on the fastest.
    /// </summary>
    private static int Tune(GpuRun run, string device, Fusions fusions, Countdown time)
    {
        using var backend = DeviceCatalog.Open(device);
        if (backend is not IlgpuBackend ilgpu)
            throw new BDenseException($"{backend.Name} has no tiles to choose from; tune a cuda or opencl device");
        int skipped = 0;
        var tuned = ilgpu.Tune(() =>
        {
            foreach (var row in run.Rows.Where(
                r => r.Kind is not (GpuRows.Copy or GpuRows.SolverStep or GpuRows.Adam or GpuRows.TrajectoryLoss)))
            {
                if (time.IsOver)
                {
                    skipped++;
                    continue;
                }
                try
                {
                    backend.Pool.Trim();
                    using var work = new GpuWork(backend, row, row.Fuse is { } own ? Fusions.Parse(own) : fusions,
                        run.Inputs with { MostSets = 1 }, scratch: null);
                    work.Run(0);
                    backend.Synchronize();
                }
                catch (Exception e) when (e is BDenseException and not DeviceFaultException or OutOfMemoryException
                    or NotSupportedException)
                {
                    Console.WriteLine($"{row.Name}: {e.Message.Split('\n')[0].Trim()}");
                }
            }
        }, row => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{row.Operation,-16} {row.Precision} {row.M} x {row.N}, {row.Steps} steps: {row.Tile} / {row.Slices} "
                + $"{row.Milliseconds:0.0000} ms; by the rule {row.RuleTile} / {row.RuleSlices} {row.RuleMilliseconds:0.0000} ms")));
        if (skipped > 0)
            Console.WriteLine($"{skipped} rows were not tuned: the time given was spent");
        Console.WriteLine(tuned.Count == 0 ? $"{backend.Name} has no choice of tiles for these rows"
            : $"{tuned.Count} problems, remembered in {ilgpu.TuningFile}");
        return 0;
    }

    private static int Measure(GpuRun run, IReadOnlyList<GpuResult> known, string device, Fusions fusions, bool quick, string folder,
        string weights, string command, Countdown time)
    {
        var backend = DeviceCatalog.Open(device);
        using var clock = new SmClock(device);
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(weights);
        AtomicFile.WriteText(Path.Combine(folder, RowsFile), JsonSerializer.Serialize(run, GpuReport.Json));
        var machine = new Dictionary<string, string>
        {
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture),
            ["device"] = $"{backend.Name}: {backend.Description}",
            ["driver"] = ReadFirstLine("/proc/driver/nvidia/version"),
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["revision"] = ReadFirstLine(Path.Combine(AppContext.BaseDirectory, "revision.txt")),
            ["fusions"] = fusions.ToString(),
            ["tiles"] = backend is IlgpuBackend { TuningFile: var tuned } && File.Exists(tuned) ? $"tuned ({Path.GetFileName(tuned)})"
                : "by the rule",
            ["command"] = command,
            ["rerun"] = $"--device {device} --fuse {fusions} --seed {run.Inputs.Seed}{(quick ? " --quick" : "")}",
        };
        var results = new List<GpuResult>(known);
        foreach (var row in run.Rows.Where(row => !known.Any(k => k.Name == row.Name)))
        {
            if (time.IsOver)
            {
                Keep(Missing(row, "eager", Spent));
                continue;
            }
            Write([.. results, Missing(row, "eager", "the process ended in this row")]);
            try
            {
                Measure(backend, row, fusions, run.Inputs, row.Peer ? run.Timer : run.Timer.Alone(), weights, clock, Keep);
            }
            catch (Exception e) when (e is AcceleratorException or DeviceFaultException)
            {
                // Every later call of this process would fail with the same error, that of giving memory back too.
                Keep(Missing(row, "fault", $"the device failed: {e.Message.Split('\n')[0].Trim()}"));
                return DeviceFault;
            }
        }
        backend.Dispose();
        return results.Any(r => r.Milliseconds is not null) ? 0 : 1;

        // On disk before anything else is tried: what was measured survives whatever the next run does.
        void Keep(GpuResult result)
        {
            results.Add(result);
            Console.WriteLine(result.Milliseconds is { } ms
                ? string.Create(CultureInfo.InvariantCulture,
                    $"{result.Name,-58} {result.Variant,-6} {ms,10:0.0000} ms {result.Flops / ms / 1e9,8:0.00} TFLOP/s "
                        + $"{result.Bytes / ms / 1e6,8:0.0} GB/s {(result.Clock is [_, var median, _] ? median : 0),5} MHz")
                : $"{result.Name,-58} {result.Variant,-6} {result.Note}");
            Write(results);
        }

        // Rows that there was no time for are left to --resume.
        void Write(IReadOnlyList<GpuResult> kept) =>
            AtomicFile.WriteText(Path.Combine(folder, OursFile),
                JsonSerializer.Serialize(new GpuReport(machine, [.. kept.Where(r => r.Note != Spent)]), GpuReport.Json));
    }

    private static GpuResult Missing(GpuRow row, string variant, string why) =>
        new(row.Name, variant, null, null, null, 0, null, null, why);

    /// <summary>
    /// Launch by launch, and then as a graph where the device captures one; after each the results of a run from the starting values.
    /// </summary>
    private static void Measure(Backend backend, GpuRow row, Fusions fusions, GpuInputs inputs, GpuTimer timer, string weights,
        SmClock clock, Action<GpuResult> keep)
    {
        string variant = "eager";
        GpuWork? work = null;
        try
        {
            backend.Pool.Trim();
            backend.Pool.ResetPeak();
            work = new GpuWork(backend, row, row.Fuse is { } own ? Fusions.Parse(own) : fusions, inputs, weights);
            OpCost cost = default;
            backend.OnOp = (_, c) => cost += c;
            work.Run(0);
            backend.OnOp = null;
            Add(work.Run);
            variant = "graph";
            backend.Pool.ResetPeak();
            if (work.Capture() is { } graphs)
                Add(i => graphs[i % graphs.Count].Run());

            void Add(Action<int> run)
            {
                clock.Start();
                double[] samples = timer.Measure(backend, run);
                var megahertz = clock.Stop();
                double? host = row.Network is null ? null : GpuTimer.Host(backend, run);
                long? peak = row.Network is null ? null : backend.Pool.PeakBytes;
                work!.Restore();
                run(0);
                keep(new GpuResult(row.Name, variant, Row.Quantile(samples, 0.5), Row.Quantile(samples, 0.1), Row.Quantile(samples, 0.9),
                    samples.Length,
                    peak, work.Outputs(), null)
                { Bytes = cost.Bytes, Flops = cost.Flops, Clock = megahertz, HostMilliseconds = host });
            }
        }
        catch (Exception e) when (e is BDenseException and not DeviceFaultException or OutOfMemoryException or NotSupportedException)
        {
            keep(Missing(row, variant, e.Message.Split('\n')[0].Trim()));
        }
        catch (Exception e) when (e is AcceleratorException or DeviceFaultException)
        {
            // Giving memory back would fail too, and hide this error.
            work = null;
            throw;
        }
        finally
        {
            backend.OnOp = null;
            work?.Dispose();
        }
    }

    private static string ReadFirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "unknown";
        }
    }
}
