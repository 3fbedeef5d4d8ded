using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using BDense.Benchmarks.Comparison;
using BDense.Kernels;
using BDense.Model;

namespace BDense.Benchmarks.Gpu;

/// <summary>The verb <c>gpu</c>: our side of the comparison with PyTorch. <c>join</c> puts the peer's beside it.</summary>
public static class GpuCommand
{
    private const string RowsFile = "rows.json", OursFile = "ours.json";

    /// <param name="args">After <c>gpu</c>.</param>
    /// <returns>Exit code: 0; 1 if nothing was measured; 2 for a wrong option.</returns>
    public static int Run(string[] args)
    {
        var device = new Option<string>("--device") { Description = $"{Devices.Specs}.", HelpName = "SPEC", DefaultValueFactory = _ => "cuda" };
        var filter = new Option<string?>("--filter") { Description = "Only rows whose name contains this.", HelpName = "TEXT" };
        var fuse = new Option<string>("--fuse") { Description = "Fusions of whole networks: all, none, or names (see bdense fusion).", HelpName = "SET", DefaultValueFactory = _ => "all" };
        var quick = new Option<bool>("--quick") { Description = "Small rows and few samples: that it runs, not how fast." };
        var list = new Option<bool>("--list") { Description = "Prints the names of all rows and measures nothing." };
        var output = new Option<string>("--out") { Description = $"Folder of {RowsFile}, {OursFile} and the weights for the peer.", HelpName = "DIR", DefaultValueFactory = _ => "gpu-results" };
        var root = new RootCommand("Times kernels and whole steps at fixed shapes, for benchmarks/peers/torch_peer.py to time the same.") { device, filter, fuse, quick, list, output };
        root.SetAction(parse =>
        {
            string? text = parse.GetValue(filter);
            var rows = GpuRows.All(parse.GetValue(quick)).Where(r => text is null || r.Name.Contains(text, StringComparison.OrdinalIgnoreCase)).ToList();
            if (rows.Count == 0)
            {
                Console.Error.WriteLine($"gpu: no row's name contains '{text}'; --list names them all");
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
                return Measure(rows, parse.GetValue(device)!, Fusions.Parse(parse.GetValue(fuse)!), parse.GetValue(quick), parse.GetValue(output)!, command);
            }
            catch (Exception e) when (e is BDenseException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"gpu: {e.Message}");
                return e is UsageException ? 2 : 1;
            }
        });
        return root.Parse(args).Invoke();
    }

    private static int Measure(List<GpuRow> rows, string device, Fusions fusions, bool quick, string folder, string command)
    {
        using var backend = Devices.Open(device);
        using var clock = new SmClock();
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(Path.Combine(folder, RowsFile), JsonSerializer.Serialize(rows, GpuReport.Json));
        var machine = new Dictionary<string, string>
        {
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture),
            ["device"] = $"{backend.Name}: {backend.Description}",
            ["driver"] = ReadFirstLine("/proc/driver/nvidia/version"),
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["revision"] = ReadFirstLine(Path.Combine(AppContext.BaseDirectory, "revision.txt")),
            ["fusions"] = fusions.ToString(),
            ["command"] = command,
        };
        var results = new List<GpuResult>();
        foreach (var row in rows)
        {
            foreach (var result in Measure(backend, row, fusions, quick ? GpuTimer.Quick : GpuTimer.Full, folder, clock))
            {
                results.Add(result);
                Console.WriteLine(result.Milliseconds is { } ms
                    ? string.Create(CultureInfo.InvariantCulture, $"{row.Name,-58} {result.Variant,-6} {ms,10:0.0000} ms {result.Flops / ms / 1e9,8:0.00} TFLOP/s {result.Bytes / ms / 1e6,8:0.0} GB/s {result.ClockAfter,5} MHz")
                    : $"{row.Name,-58} {result.Variant,-6} {result.Note}");
            }
            // What was measured survives whatever the next row does.
            AtomicFile.WriteText(Path.Combine(folder, OursFile), JsonSerializer.Serialize(new GpuReport(machine, results), GpuReport.Json));
        }
        return results.Any(r => r.Milliseconds is not null) ? 0 : 1;
    }

    /// <summary>Launch by launch, and then as a graph where the device captures one.</summary>
    private static List<GpuResult> Measure(Backend backend, GpuRow row, Fusions fusions, GpuTimer timer, string folder, SmClock clock)
    {
        var results = new List<GpuResult>();
        string variant = "eager";
        try
        {
            backend.Pool.Trim();
            backend.Pool.ResetPeak();
            using var work = new GpuWork(backend, row, fusions, folder);
            OpCost cost = default;
            backend.OnOp = (_, c) => cost += c;
            work.Run(0);
            backend.OnOp = null;
            Add(work.Run, cost, work.Outputs());
            variant = "graph";
            if (work.Capture() is { } graphs)
                Add(i => graphs[i % graphs.Count].Run(), cost, null);
        }
        catch (Exception e) when (e is BDenseException or OutOfMemoryException or NotSupportedException)
        {
            results.Add(new GpuResult(row.Name, variant, null, null, null, 0, null, 0, 0, null, e.Message.Split('\n')[0].Trim()));
        }
        finally
        {
            backend.OnOp = null;
        }
        return results;

        void Add(Action<int> run, OpCost cost, Dictionary<string, float[]>? outputs)
        {
            int before = clock.Megahertz();
            double[] samples = timer.Measure(backend, run);
            results.Add(new GpuResult(row.Name, variant, Row.Quantile(samples, 0.5), Row.Quantile(samples, 0.1), Row.Quantile(samples, 0.9), samples.Length,
                row.Network is null ? null : backend.Pool.PeakBytes, before, clock.Megahertz(), outputs, null)
            { Bytes = cost.Bytes, Flops = cost.Flops });
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
