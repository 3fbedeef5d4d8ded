using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense profile</c>: an operation on a virtual GPU, with what its launches did: instructions, sectors, bytes by level, bank conflicts,
/// divergence.
/// </summary>
internal static class ProfileVerb
{
    public static Verb Verb(Ui ui)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "An operation, or a kernel: then the first operation that launches it. All operations and their shapes are "
                + "listed if left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var shape = ProfileRequest.ShapeOption();
        var kernel = new Option<string?>("--kernel")
        {
            Description = "Of the operation's launches those of this kernel alone.",
            HelpName = "NAME",
        };
        var device = new Option<string>("--device")
        {
            Description = "virtual (an H100) or virtual:a100.",
            HelpName = "DEVICE",
            DefaultValueFactory = _ => "virtual",
        };
        var precision = CommonOptions.Precision();
        var lines = new Option<bool>("--lines")
        {
            Description = "The hottest lines of C# too, and all with bank conflicts or scattered sectors.",
        };
        var html = new Option<string?>("--html")
        {
            Description = "Write one kernel's C#, PTX and SASS with the counts beside each line, as one page.",
            HelpName = "FILE",
        };
        var json = CommonOptions.Json();
        var command = new Command("profile",
            "Runs an operation on a virtual GPU and counts instructions, sectors, bytes by level, bank conflicts and divergence, by "
            + "kernel and by line.")
        {
            name, shape, kernel, device, precision, lines, html, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            if (parse.GetValue(name) is not { } wanted)
            {
                Operations(ui);
                return Task.FromResult(0);
            }
            bool isOperation = OperationCatalog.Find(wanted) is not null;
            string? only = parse.GetValue(kernel) is { } named ? Kernel(named) : isOperation ? null : Kernel(wanted);
            var result =
                new ProfileRequest(parse.GetValue(device)!, isOperation ? wanted : null, only, parse.GetValue(shape),
                    parse.GetValue(precision)).Run(ui, cancellation);
            ui.Json(new
            {
                device = result.Device,
                operation = result.Operation.Name,
                shape = result.Shape,
                precision = parse.GetValue(precision).Text(),
                passes = result.Passes.Select(pass => ProfileJson.Pass(pass, parse.GetValue(lines))),
            });
            ProfileTables.Passes(ui, result.Passes);
            if (parse.GetValue(lines))
                ProfileTables.Lines(ui, result.Passes);
            if (parse.GetValue(html) is { } file)
                ProfileRequest.Write(ui, file, result, Architecture(result));
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense profile", "bdense profile conv2d --shape 4x32x64x128x3 --precision tf32",
            "bdense profile GroupNormApply4 --lines",
            "bdense profile conv2d --precision bf16 --kernel ToBFloat16 --html kernel.html",
            "bdense profile matmul --device virtual:a100 --json");
    }

    private static void Operations(Ui ui)
    {
        ui.Json(new { operations = OperationCatalog.All.Select(o => new { name = o.Name, extents = o.Extents, usual = o.Usual }) });
        ui.Table(["operation", "--shape", "usual"],
            OperationCatalog.All.Select(o => new[] { o.Name, o.ExtentsText, CatalogOperation.Text(o.Usual) }));
    }

    private static string Kernel(string name)
    {
        var known = KernelCatalog.Names.Select(n => n[..^"Kernel".Length]).Concat(OperationCatalog.All.Select(o => o.Name));
        return KernelCatalog.Names.FirstOrDefault(
            n => n.Equals(name, StringComparison.OrdinalIgnoreCase) || n.Equals(name + "Kernel", StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException(
                $"no operation or kernel {Printable.Quoted(name)}"
                    + $"{(Suggestion.For(name, known) is { Length: > 0 } near ? near : "; 'bdense profile' and 'bdense "
                        + "kernels' list them")}");
    }

    private static GpuArchitecture Architecture(ProfileRequest.Result result)
    {
        var model = result.Passes[0].Launches[0].Counts.Model;
        return GpuArchitecture.All.First(a => a.Model.Major == model.Major);
    }
}
