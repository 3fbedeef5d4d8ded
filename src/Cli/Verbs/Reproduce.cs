using System.CommandLine;
using System.Globalization;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Cli.Verbs.Measuring;
using BDense.Experiments.Paper;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Metrics;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense reproduce</c>: a table of the paper, from the images to measured figures beside the paper's.</summary>
internal static class Reproduce
{
    public static Verb Verb(Ui ui)
    {
        var table = new Argument<string>("TABLE") { Description = $"{string.Join(", ", PaperTable.All.Select(t => t.Name))}." };
        var scale = new Option<string>("--scale")
        {
            Description = "tiny: two CPU cores, some twenty minutes; small: a GPU, hours; full: the paper's settings, a GPU and the "
                + "published teacher.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "tiny",
        };
        var data = CommonOptions.Data();
        data.Description = data.Description!.Replace(" Without it the built-in one.",
            " Needed unless a teacher is given to a table of SFD.", StringComparison.Ordinal);
        var teacher = new Option<string?>("--teacher")
        {
            Description = "A trained teacher: run folder, checkpoint folder or .safetensors. Needed at full, else one is trained.",
            HelpName = "PATH",
        };
        var only = Numbers.List("--only", "The table's settings to run, as 2,3. Default: all; at small NFE 2 and 3.", "N,N", null, min: 1,
            max: Most.Nfe);
        var seeds = Numbers.Int("--seeds", "Training runs of each student; 0 for the scale's own: 3, at full 1.", 0, min: 0,
            max: Most.Seeds);
        var inception = EvaluateFid.Inception();
        inception.Description = "Inception network for FID, as tools/export_inception_onnx.py writes it. Without it there is no FID.";
        var reference = new Option<string?>("--reference")
        {
            Description = "With --inception: .npz with mu and sigma. Without it they are computed from the images.",
            HelpName = "FILE",
        };
        var output = new Option<string?>("--out")
        {
            Description = "Folder; finished stages found there are not done again. Default: runs/TABLE-SCALE.",
            HelpName = "PATH",
        };
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("reproduce",
            "Runs a table of the paper: teacher, students with and without B-DENSE, the paper's figures beside the measured ones.")
        {
            table, scale, data, teacher, only, seeds, inception, reference, output, seed, device, threads, json,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense reproduce table2-cifar10 --scale tiny --data cifar10.zip",
            "bdense reproduce table2-cifar10 --scale full --teacher edm-cifar10.safetensors --inception inception.onnx --reference "
            + "cifar10-32x32.npz");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            var paper = PaperTable.Find(parse.GetValue(table)!);
            string size = parse.GetValue(scale)!;
            var plan = ReproductionPlan.Of(paper, size, Settings(parse.GetValue(only)), parse.GetValue(seeds), parse.GetValue(seed));
            if (parse.GetValue(reference) is not null && parse.GetValue(inception) is null)
                throw new UsageException("--reference goes with --inception");
            using var backend = parse.Open(device, threads);
            if (size != "tiny" && backend is ReferenceBackend)
                throw new BDenseException($"the scale {size} needs a GPU: on a CPU it would take weeks; give --device, or --scale tiny");
            ui.Note($"device {backend.Name}: {backend.Description}");
            backend.OnNotice = ui.Note;
            string folder = parse.GetValue(output) ?? Path.Combine("runs", $"{paper.Name}-{size}");
            using var features = parse.GetValue(inception) is { } file ? new OnnxFeatures(file, parse.GetValue(threads)) : null;
            var outcome = Reproduction.Run(backend,
                new ReproductionOptions(folder, plan, parse.GetValue(data), parse.GetValue(teacher), parse.GetValue(seed))
                {
                    Features = features,
                    Reference = parse.GetValue(reference),
                }, ui, cancellation);
            ReproduceReport.Write(folder, outcome);
            ui.Json(outcome.Results);
            ReproduceReport.Print(ui, outcome.Results);
            ui.Line($"report: {Path.Combine(folder, ReproduceReport.HtmlFile)}");
            return 0;
        }
    }

    private static int[]? Settings(string? text) =>
        text?.Split(',').Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
}
