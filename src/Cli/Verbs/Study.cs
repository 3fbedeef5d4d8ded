using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Training.Data;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense study</c>: branch weights and uses of the heads against the plain method, paired, with intervals.</summary>
internal static class Study
{
    public static Verb Verb(Ui ui)
    {
        var defaults = new BranchStudyOptions { Folder = "runs/study", Variants = [] };
        var teacher = new Option<string>("--teacher")
        {
            Description = "The teacher: a run folder, a checkpoint folder or a .safetensors file.",
            HelpName = "PATH",
            Required = true,
        };
        var variants = new Option<string>("--variants")
        {
            Description = $"Names with commas between: all, sfd, pd, {string.Join(", ", StudyVariant.All.Select(v => v.Name))}. Their "
                + "baselines come with them.",
            HelpName = "NAMES",
            DefaultValueFactory = _ => "sfd",
        };
        var seeds = Numbers.Int("--seeds", "Training seeds a variant; more can be added later.", defaults.Seeds, min: 1, max: Most.Seeds);
        var nfe = Numbers.Int("--nfe", "The students' network evaluations a sample.", defaults.Distill.Nfe, min: 1, max: Most.Nfe);
        var updates = Numbers.Int("--updates", "Optimizer updates of every student.", (int)defaults.Distill.Updates, min: 1,
            max: Most.Updates);
        var batch = Numbers.Int("--batch", "Images an update.", defaults.Distill.Batch, min: 1, max: Most.Batch);
        var rate = Numbers.Real("--lr", "Learning rate.", defaults.Distill.LearningRate, min: 0, max: Most.LearningRate, above: true);
        var count = Numbers.Int("--count", "Evaluation noises.", defaults.Evaluation.Count, min: 1, max: Most.Images);
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var @out = CommonOptions.Out("Folder of the study: a folder a student, results.json, results.md.", defaults.Folder);
        var resume = new Option<bool>("--resume") { Description = "Keep the students in the folder and train those that are missing." };
        var table = new Option<bool>("--table") { Description = "Train nothing; tabulate the students in the folder." };
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("study",
            "Compares branch weights and uses of the heads with the plain method: paired seeds, equal updates, intervals.")
        {
            teacher, variants, seeds, nfe, updates, batch, rate, count, data, resolution, limit, @out, resume, table, device, threads, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            var options = new BranchStudyOptions
            {
                Folder = parse.GetValue(@out)!,
                Variants = StudyVariant.Parse(parse.GetValue(variants)!),
                Seeds = parse.GetValue(seeds),
                Distill = new SfdOptions
                {
                    Nfe = parse.GetValue(nfe),
                    Updates = parse.GetValue(updates),
                    Batch = parse.GetValue(batch),
                    LearningRate = parse.GetValue(rate),
                },
                Evaluation = defaults.Evaluation with { Count = parse.GetValue(count) },
                Resume = parse.GetValue(resume),
                TableOnly = parse.GetValue(table),
            };
            using var backend = parse.Open(device, threads);
            ui.Note($"device {backend.Name}: {backend.Description}");
            string path = TrainedNetwork.Find(parse.GetValue(teacher)!);
            using var network = TrainedNetwork.Load(backend, path);
            // SFD starts from noise alone; with data there is a Frechet distance too, and progressive distillation.
            var dataset = parse.GetValue(data) is { } source
                ? Dataset.Open(source, new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit))
                {
                    Channels = network.Config.ImageChannels,
                    OnNotice = ui.Note,
                }) : null;
            var results = BranchStudy.Run(network, path, dataset, options with
            {
                TeacherFingerprint = TrainedNetwork.Fingerprint(path, network.Config),
            }, ui, cancellation);
            ui.Json(results);
            Table(ui, results);
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense study --teacher runs/teacher --seeds 6 --threads 1",
            "bdense study --teacher runs/teacher --variants quadrature,annealed,projected --seeds 3 --out runs/weights",
            "bdense study --teacher runs/teacher --variants all --data cifar-10-binary.tar.gz --resolution 16 --resume");
    }

    private static void Table(Ui ui, BranchStudyResults results)
    {
        ui.Table(["variant", "passes", "seeds", "RMSE teacher", "to baseline", "verdict", "RMSE fine", "to baseline", "verdict",
            "RMSE fitted", "to baseline as trained", "verdict"], results.Rows.Select(r => new[]
        {
            r.Name, Text(r.Passes, "0.##"), Text(r.Seeds.Count, "0"), Text(r.Endpoint, "0.0000"), Text(r.EndpointEffect),
            r.EndpointEffect?.Verdict ?? "baseline",
            Text(r.Fine, "0.0000"), Text(r.FineEffect), r.FineEffect?.Verdict ?? "baseline", Text(r.Fitted, "0.0000"), Text(r.FittedEffect),
            r.FittedEffect?.Verdict ?? "",
        }));
        ui.Line(string.Create(CultureInfo.InvariantCulture,
            $"the teacher's own endpoint is {results.TeacherFine:0.0000} from its fine trajectory"));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(StudyEffect? e) => e is null ? ""
        : string.Create(CultureInfo.InvariantCulture,
            $"{100 * e.Mean:+0.0;-0.0;0.0}% [{100 * e.Low:+0.0;-0.0;0.0}, {100 * e.High:+0.0;-0.0;0.0}]");
}
