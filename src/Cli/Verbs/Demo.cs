using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Training.Distillation;
using Experiment = BDense.Experiments.Demo;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense demo</c>: the paper at small scale, from nothing to a report.</summary>
internal static class Demo
{
    public static Verb Verb(Ui ui)
    {
        var quick = new Option<bool>("--quick") { Description = "A smaller demo, within a minute." };
        var resume = new Option<bool>("--resume") { Description = "Continue an interrupted demo." };
        var output = CommonOptions.Out("Folder for the report, the pictures, the figures and every checkpoint.", "runs/demo");
        var seed = CommonOptions.Seed();
        var others = DistillationMethods.All.Where(m => m.ForDemo(1, 2) is not null).Select(m => m.Name).Except(["pd", "sfd"]).ToList();
        var with = new Option<string?>("--with")
        {
            Description = $"Rows of other methods too, with commas between: {string.Join(", ", others)}.",
            HelpName = "NAMES",
        };
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("demo", "Trains a teacher, distils it four ways, with and without B-DENSE, and writes a report.")
        {
            quick, with, resume, output, seed, device, threads, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            string folder = parse.GetValue(output)!;
            var scale = parse.GetValue(quick) ? DemoScale.Quick : DemoScale.Full;
            using var backend = parse.Open(device, threads, precision);
            ui.Note($"device {backend.Name}: {backend.Description}");
            var options = new DemoOptions(folder, scale, parse.GetValue(seed),
                parse.GetValue(resume))
            { With = Named(parse.GetValue(with)) };
            var outcome = Experiment.Run(backend, options, ui, cancellation);
            DemoReport.Write(folder, outcome, scale.Network);
            ui.Json(outcome.Results);
            DemoReport.Print(ui, outcome.Results);
            ui.Line($"report: {Path.Combine(folder, DemoReport.HtmlFile)}");
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense demo", "bdense demo --quick --out runs/quick");

        IReadOnlyList<IDistillationMethod> Named(string? names) =>
        [
            .. (names ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct()
                .Select(name => others.Contains(name) ? DistillationMethods.Find(name)
                : throw new UsageException($"--with: there is no '{name}'{Suggestion.OrAll(name, others)}")),
        ];
    }
}
