using System.CommandLine;
using BDense.Cases.Checking;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Profiling;
using ILGPU.Runtime;

namespace BDense.Cases.Timing;

/// <summary>
/// The verb <c>ops</c>: one operation at the rows of the case list, its time, GB/s, GFLOP/s and share of the measured roof; with
/// <c>--check</c>, whether it is right. A project with operations of its own calls <see cref="Run"/> with its own rows.
/// </summary>
public static class OpsCommand
{
    /// <summary>Elements of the copy that bandwidth is measured by: 64 MB a tensor on a device, more than caches hold.</summary>
    private const int RoofElements = 1 << 24;

    /// <summary>How long a roof must not have risen, in seconds: less where rows are timed briefly.</summary>
    private const double LeastRoofPatience = 0.02, MostRoofPatience = 0.15;

    /// <summary>Parses, runs and prints.</summary>
    /// <param name="args">Behind the verb.</param>
    /// <param name="sets">Whose operations can be named: <see cref="CaseSet.Library"/>, or a project's own.</param>
    /// <returns>Exit code: 0; 1 if a check found something or the device is not there or failed; 2 for a wrong option or name.</returns>
    public static int Run(string[] args, params CaseSet[] sets)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Operations; 'GroupNorm*' means all that begin so. None: lists them.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var device = new Option<string>("--device")
        {
            Description = $"{DeviceCatalog.Specs}.",
            HelpName = "DEVICE",
            DefaultValueFactory = _ => "auto",
        };
        var size = new Option<string?>("--size")
        {
            Description = $"{OpsOptions.SizeText}; by default large, and tiny where a device is simulated.",
            HelpName = "SIZE",
        };
        var only = new Option<string?>("--only") { Description = "Only rows whose label contains this.", HelpName = "LABEL" };
        var precision = new Option<Precision>("--precision")
        {
            Description = "fp32, tf32 or bf16: what products and convolutions multiply in.",
            HelpName = "P",
            CustomParser = result => PrecisionOf(result.Tokens is [var token, ..] ? token.Value : "", result.AddError),
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "Timing of a row, at least.",
            HelpName = "S",
            DefaultValueFactory = _ => 0.5,
            CustomParser = result => new NumberRule<double>(0, 1e6).Read("--seconds", result.Tokens, result.AddError),
        };
        var list = new Option<bool>("--list") { Description = "Names the rows and runs nothing." };
        var check = new Option<bool>("--check")
        {
            Description = "Whether they are right: oracle, NaN, finite differences; without a NAME everything, kernels too.",
        };
        var root = new RootCommand("Times operations at the rows of the case list, or checks them.")
        {
            names, device, size, only, precision, seconds, list, check,
        };
        root.SetAction((parse, cancellation) =>
        {
            var options = new OpsOptions(parse.GetValue(names) ?? [], parse.GetValue(device)!, parse.GetValue(size)?.ToLowerInvariant(),
                parse.GetValue(only), parse.GetValue(precision), parse.GetValue(seconds), parse.GetValue(list), parse.GetValue(check));
            return Task.FromResult(Guarded("ops", () => Serve(CaseSet.Join(sets), options, cancellation)));
        });
        return Invoke("ops", root, args);
    }

    /// <summary>Runs a command of a program that has several; what does not parse is one line on standard error.</summary>
    /// <param name="verb">What the user typed for it.</param>
    /// <param name="root">The command.</param>
    /// <param name="args">Behind the verb.</param>
    /// <returns>Its exit code; 2 for what does not parse.</returns>
    public static int Invoke(string verb, RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count == 0)
            return parsed.Invoke();
        Console.Error.WriteLine(
            $"{verb}: {Printable.Text(parsed.Errors[0].Message.ReplaceLineEndings(" "))} ({verb} --help lists the options)");
        return 2;
    }

    private static Precision PrecisionOf(string text, Action<string> fault)
    {
        if (text.ToLowerInvariant() is "fp32" or "tf32" or "bf16")
            return Enum.Parse<Precision>(text, ignoreCase: true);
        fault($"--precision must be fp32, tf32 or bf16, not {Printable.Quoted(text)}");
        return default;
    }

    /// <summary>An error in one line, and its exit code.</summary>
    internal static int Guarded(string verb, Func<int> run)
    {
        try
        {
            return run();
        }
        catch (BDenseException e)
        {
            Console.Error.WriteLine($"{verb}: {e.Message}");
            return e is UsageException ? 2 : 1;
        }
        catch (AcceleratorException e)
        {
            Console.Error.WriteLine($"{verb}: the device failed: {e.Message}");
            return 1;
        }
    }

    private static int Serve(CaseSet cases, OpsOptions options, CancellationToken cancellation)
    {
        if (options.Names.FirstOrDefault(name => name.StartsWith('-')) is { } unknown)
            throw new UsageException($"no option {Printable.Quoted(unknown)}; --help lists them");
        bool none = options.Names.Count == 0;
        if (none && options is { List: false, Check: false })
        {
            foreach (string op in cases.Ops)
                Console.WriteLine(op);
            return 0;
        }
        var chosen = none ? cases : cases.Of(options.Ops(cases.Ops)) with { Kernels = [] };
        // What cannot be is said before a device is opened.
        var rows = options.Rows(chosen);
        if (options.List)
        {
            foreach (var row in rows)
                Console.WriteLine(row.Name);
            return 0;
        }
        using var backend = DeviceCatalog.Open(options.Device, precision: options.Precision);
        Console.WriteLine($"{backend.Name}: {backend.Description}");
        if (options.Check)
            return Report(backend, chosen, options);
        if (Profiler.IsOn(backend))
            Count(backend, rows, cancellation);
        else
            Time(backend, rows, options.Seconds, cancellation);
        return 0;
    }

    private static void Time(Backend backend, IReadOnlyList<OpCase> rows, double seconds, CancellationToken cancellation)
    {
        // ILGPU's simulation runs a thread for each lane: what it reaches is no roof.
        var patience = TimeSpan.FromSeconds(Math.Clamp(seconds / 3, LeastRoofPatience, MostRoofPatience));
        var roof = backend.Name == "ilgpu-cpu" ? null : DeviceSpeed.Measure(backend, RoofElements, patience, cancellation);
        backend.Pool.Trim();
        if (roof is not null)
            Console.WriteLine(OpTable.Roof(roof));
        Console.WriteLine(OpTable.Columns);
        foreach (var row in rows)
        {
            cancellation.ThrowIfCancellationRequested();
            Console.WriteLine(OpTable.Line(OpTime.Measure(backend, row, seconds), roof));
            backend.Pool.Trim();
        }
    }

    private static void Count(Backend backend, IReadOnlyList<OpCase> rows, CancellationToken cancellation)
    {
        Console.WriteLine("a GPU in software: counted, not timed");
        Console.WriteLine(OpTable.CountedColumns);
        var profiler = Profiler.On(backend);
        foreach (var row in rows)
        {
            cancellation.ThrowIfCancellationRequested();
            using var tensors = new CaseTensors(backend, row, row.Start());
            Console.WriteLine(OpTable.Line(row, profiler.Run(row.Op, () => row.Run(backend, tensors.Operands))));
        }
    }

    private static int Report(Backend backend, CaseSet chosen, OpsOptions options)
    {
        var cases = chosen with { Rows = options.Labelled(chosen.Rows) };
        var findings = Checker.All(backend, cases, options.LargestToCheck);
        foreach (var finding in findings)
            Console.WriteLine(finding);
        int rows = cases.Rows.Count(row => row.Size <= options.LargestToCheck);
        string outcome = findings.Count == 0 ? "all right" : $"{findings.Count} findings";
        Console.WriteLine($"{rows} rows, {cases.Gradients.Count} gradients, {cases.Kernels.Count} kernels: {outcome}");
        return findings.Count == 0 ? 0 : 1;
    }
}
