using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Averaging;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs.Runs;

/// <summary><c>bdense ema</c>: the average of a run's weights of any width, after the training.</summary>
internal static class EmaVerb
{
    // Above that share the profile is not the one that was asked for.
    private const double Tolerance = 0.05;

    public static Verb Verb(Ui ui)
    {
        var run = new Argument<string>("RUN") { Description = "The folder of a run that was trained with --ema-profiles." };
        var width = Numbers.OptionalReal("--sigma-rel", "The profile's width as a share of the training, as 0.075.",
            PowerProfile.SigmaRels.Min, PowerProfile.SigmaRels.Max, above: true, below: true);
        var step = Numbers.OptionalInt("--step", "When the average ends, in iterations. Default: the newest checkpoint.", 1, Most.Updates);
        var nfe = Numbers.OptionalInt("--nfe", "Of a student of several NFE: the one that the folder is sampled with.", 1, Most.Nfe);
        var output = CommonOptions.Out("Folder to write: a checkpoint, as sample, export, distill and evaluate --fid take it.", "ema");
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("ema", "Makes the average of a run's weights of any width, after the training, from what it has stored.")
        {
            run, width, step, nfe, output, device, threads, json,
        };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            string path = parse.GetValue(run)!, folder = parse.GetValue(output)!;
            double sigmaRel = parse.GetValue(width)
                ?? throw new UsageException("ema makes an average of some width: give --sigma-rel, as 0.075");
            EmaPlace.Require(folder, ui);
            if (!Student.IsStudent(path) && parse.GetValue(nfe) is not null)
                throw new UsageException($"--nfe is for a student; {path} is not one");
            var stored = PostHocEma.Of(RunFolder.Existing(path), ui.Note);
            long end = parse.GetValue(step) ?? stored.Max(one => one.Step);
            var fit = PostHocEma.Fit(stored, sigmaRel, end);
            using var backend = parse.Open(device, threads);
            using var network = ui.Stage("ema", stored.Count,
                report => PostHocEma.Make(backend, fit, done => report(done, "")), "averages");
            // What can be refused is, before anything is written.
            var student = Student.IsStudent(path) ? Student.Of(network, Student.OptionsOf(path), parse.GetValue(nfe)) : null;
            // Of a student that was here before.
            string studentFile = Path.Combine(folder, StudentFile.Name);
            if (File.Exists(studentFile))
                AtomicFile.Delete(studentFile);
            Checkpoint.Save(folder, network, metadata: new Dictionary<string, string>
            {
                [EmaPlace.RunKey] = Path.GetFullPath(path),
                [EmaPlace.WidthKey] = PowerProfile.Text(sigmaRel),
                [EmaPlace.StepKey] = end.ToString(CultureInfo.InvariantCulture),
            });
            if (student is not null)
                AtomicFile.WriteText(studentFile,
                    RunJson.ToText(RunJson.ToNode(StudentFile.Of(student))) + "\n");
            ui.Json(new
            {
                run = path,
                sigmaRel,
                gamma = PowerProfile.OfSigmaRel(sigmaRel).Gamma,
                step = end,
                mismatch = fit.Mismatch,
                averages = fit.Parts.Select(part => new
                {
                    file = part.Average.File,
                    step = part.Average.Step,
                    sigmaRel = part.Average.SigmaRel,
                    factor = part.Factor,
                }),
                folder = Path.GetFullPath(folder),
            });
            ui.Line(string.Create(CultureInfo.InvariantCulture,
                $"{folder}: sigma_rel {PowerProfile.Text(sigmaRel)} at iteration {end}, from {stored.Count} stored averages; the profile "
                    + $"differs by "
                    + $"{100 * fit.Mismatch:0.00}%"));
            if (fit.Mismatch > Tolerance)
                ui.Note("bdense: what was stored does not come near to this profile: a width between those that were kept, or an end at "
                    + "an iteration that was stored, comes nearer");
        });
        return new Verb(command, "bdense ema runs/teacher --sigma-rel 0.075 --out averages/0.075",
            "bdense sample --model averages/0.075 --out samples.png");
    }
}
