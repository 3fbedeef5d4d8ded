using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense fit</c>: numbers that sampling can use without any training; of a student the coefficients of its steps.</summary>
internal static class Fit
{
    public static Verb Verb(Ui ui)
    {
        var defaults = new FittingOptions();
        var model = new Option<string>("--model") { Description = "A student's run folder.", HelpName = "PATH", Required = true };
        var teacher = new Option<string?>("--teacher") { Description = "The teacher; by default the one that the student was distilled from.", HelpName = "PATH" };
        var nfe = new Option<int?>("--nfe") { Description = "For a student of sfd-v: network evaluations; by default each that it was distilled for.", HelpName = "N" };
        var noises = CommonOptions.Positive("--noises", "Noises to fit over, which neither training nor an evaluation of the same seed sees.", defaults.Noises);
        var batch = CommonOptions.Positive("--batch", "Images at once.", defaults.Batch);
        var fine = CommonOptions.Positive("--fine-steps", "The last target is the end of the teacher's trajectory with so many steps of dpmpp3m; 0: its endpoint on the student's own grid.", defaults.FineSteps, least: 0);
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("fit", "Fits coefficients of a student's steps to its teacher, into its newest checkpoint; sample and evaluate use them with --fitted.")
        {
            model, teacher, nfe, noises, batch, fine, seed, device, threads, json,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense fit --model runs/sfd-k4", "bdense fit --model runs/sfd-v --nfe 2 --noises 1024");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            string run = parse.GetValue(model)!;
            int steps = parse.GetValue(fine);
            var options = new FittingOptions
            {
                Noises = parse.GetValue(noises),
                Batch = parse.GetValue(batch),
                Seed = parse.GetValue(seed),
                Fine = steps > 0,
                FineSteps = Math.Max(1, steps),
            };
            using var backend = parse.Open(device, threads);
            var distill = Student.OptionsOf(run);
            var fits = Steps(ui, backend, run, parse.GetValue(teacher), parse.GetValue(nfe) is { } one ? [one] : distill.Choices(), options, cancellation);
            ui.Json(new { model = run, device = backend.Name, noises = options.Noises, fits = fits.Select(f => new { nfe = f.Nfe, file = f.File, before = f.Before, after = f.After }) });
            ui.Table(["NFE", $"RMSE to {(options.Fine ? "the fine trajectory" : "the teacher")}", "fitted", "file"], fits.Select(f => new[] { Text(f.Nfe), Text(f.Before), Text(f.After), f.File }));
            ui.Line("Over the noises of the fit; 'bdense evaluate --fitted' measures on others.");
            return 0;
        }
    }

    /// <summary>Fits the steps of a run's student at each of some NFE.</summary>
    public static IReadOnlyList<(int Nfe, string File, double Before, double After)> Steps(Ui ui, Backend backend, string run, string? teacher, IReadOnlyList<int> evaluations,
        FittingOptions options, CancellationToken cancellation)
    {
        var distill = Student.OptionsOf(run);
        using var network = TrainedNetwork.Load(backend, teacher ?? TeacherOf(run));
        if (network.Config.Branches > 1)
            throw new UsageException($"the teacher has {network.Config.Branches} branches; of a second stage give the first one's teacher with --teacher");
        var fitting = new StepFitting(network, cancellation);
        var fits = new List<(int, string, double, double)>();
        foreach (int nfe in evaluations)
        {
            var student = Student.Load(backend, run, nfe);
            using var owned = student.Network;
            var fit = ui.Stage($"fit, NFE {nfe}", 1, _ => fitting.Fit(student, distill with { Nfe = nfe }, options));
            fits.Add((nfe, StepFitting.Write(run, student, fit, options), fit.Before, fit.After));
        }
        return fits;
    }

    /// <summary>The teacher that a student's run names.</summary>
    public static string TeacherOf(string run)
    {
        var config = RunFolder.Existing(run).ReadConfig();
        return config["teacher"] is System.Text.Json.Nodes.JsonValue value && value.TryGetValue(out string? path)
            ? path
            : throw new BDenseException($"{run} is not a student: its {RunFolder.ConfigFile} names no teacher; give --teacher and a student's run folder");
    }
}
