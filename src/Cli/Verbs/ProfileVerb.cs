using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense profile</c>: an operation on a virtual GPU, with what its launches did: instructions, sectors, bytes by level, bank conflicts, divergence.</summary>
internal static class ProfileVerb
{
    public static Verb Verb(Ui ui)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "An operation, or a kernel: then the first operation that launches it. All operations and their shapes are listed if left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var shape = new Option<string?>("--shape") { Description = "Extents with an x between, as the list of operations has them; left out, the usual ones there.", HelpName = "SHAPE" };
        var device = new Option<string>("--device") { Description = "virtual (an H100) or virtual:a100.", HelpName = "DEVICE", DefaultValueFactory = _ => "virtual" };
        var precision = CommonOptions.Precision();
        var lines = new Option<bool>("--lines") { Description = "The hottest lines of C# too, and all with bank conflicts or scattered sectors." };
        var json = CommonOptions.Json();
        var command = new Command("profile", "Runs an operation on a virtual GPU and counts instructions, sectors, bytes by level, bank conflicts and divergence, by kernel and by line.")
        {
            name, shape, device, precision, lines, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            if (parse.GetValue(name) is not { } wanted)
            {
                Operations(ui);
                return Task.FromResult(0);
            }
            string spec = parse.GetValue(device)!;
            if (spec.Split(':')[0] != "virtual")
                throw new UsageException($"only a virtual GPU counts: --device virtual or virtual:a100, not {Printable.Quoted(spec)}");
            var operation = OperationCatalog.Find(wanted);
            string? kernel = operation is null ? Kernel(wanted) : null;
            using var backend = Devices.Open(spec, precision: parse.GetValue(precision));
            var profiler = Profiler.On(backend);
            operation ??= Launching(profiler, kernel!, parse.GetValue(precision));
            var extents = parse.GetValue(shape) is { } text ? operation.Parse(text) : operation.Usual;
            ui.Note($"device {backend.Name}: {backend.Description}; {operation.Name} {CatalogOperation.Text(extents)}, {parse.GetValue(precision).Text()}");
            var passes = Only(profiler.Run(operation, extents, cancellation), kernel, operation, extents);
            ui.Json(new
            {
                device = backend.Name,
                operation = operation.Name,
                shape = extents,
                precision = parse.GetValue(precision).Text(),
                passes = passes.Select(pass => ProfileJson.Pass(pass, parse.GetValue(lines))),
            });
            ProfileTables.Passes(ui, passes);
            if (parse.GetValue(lines))
                ProfileTables.Lines(ui, passes);
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense profile", "bdense profile conv2d --shape 4x32x64x128x3 --precision tf32", "bdense profile GroupNormApply4 --lines", "bdense profile matmul --device virtual:a100 --json");
    }

    private static void Operations(Ui ui)
    {
        ui.Json(new { operations = OperationCatalog.All.Select(o => new { name = o.Name, extents = o.Extents, usual = o.Usual }) });
        ui.Table(["operation", "--shape", "usual"], OperationCatalog.All.Select(o => new[] { o.Name, o.ExtentsText, CatalogOperation.Text(o.Usual) }));
    }

    private static string Kernel(string name)
    {
        var known = KernelCatalog.Names.Select(n => n[..^"Kernel".Length]).Concat(OperationCatalog.All.Select(o => o.Name));
        return KernelCatalog.Names.FirstOrDefault(n => n.Equals(name, StringComparison.OrdinalIgnoreCase) || n.Equals(name + "Kernel", StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException($"no operation or kernel {Printable.Quoted(name)}{(Suggestion.For(name, known) is { Length: > 0 } near ? near : "; 'bdense profile' and 'bdense kernels' list them")}");
    }

    private static CatalogOperation Launching(Profiler profiler, string kernel, Precision precision) =>
        OperationCatalog.All.FirstOrDefault(o => profiler.Kernels(o, o.Usual).Contains(kernel))
        ?? throw new UsageException($"no operation launches {kernel} at its usual shape in {precision.Text()}; name the operation, with a --shape or --precision at which it does");

    /// <summary>The launches of one kernel, or all.</summary>
    private static IReadOnlyList<ProfiledPass> Only(IReadOnlyList<ProfiledPass> passes, string? kernel, CatalogOperation operation, IReadOnlyList<int> extents)
    {
        if (kernel is null)
            return passes;
        var found = passes.Select(p => p with { Launches = [.. p.Launches.Where(l => l.Kernel == kernel)] }).Where(p => p.Launches.Count > 0).ToList();
        return found.Count > 0 ? found : throw new UsageException($"{operation.Name} {CatalogOperation.Text(extents)} does not launch {kernel}");
    }
}
