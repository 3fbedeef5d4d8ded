using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Verbs.Measuring;

/// <summary>
/// <c>bdense evaluate</c>: students against their teacher, from the same noises: distance to the teacher's own endpoint and to its fine
/// trajectory, random-feature Fréchet distance, and each student paired with the first.
/// </summary>
internal static class Evaluate
{
    public static Verb Verb(Ui ui)
    {
        var models = new Option<string[]>("--model")
        {
            Description = "A student's run folder; give several to compare them with the first. Needed but for --fid --images.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        var teacher = new Option<string?>("--teacher")
        {
            Description = "The teacher; by default the one that the first student was distilled from.",
            HelpName = "PATH",
        };
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var count = Numbers.Int("--count", "Noises that every model starts from; with --fid images, 50000 where it is left out.", 512,
            min: 1, max: Most.Images);
        var batch = Numbers.Int("--batch", "Images at once.", 64, min: 1, max: Most.Batch);
        var fine = Numbers.Int("--fine-steps", "Steps of dpmpp3m that stand for the teacher's exact solution.", 40, min: 1,
            max: Most.SolverSteps);
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var pictures = new Option<string?>("--pictures")
        {
            Description = "Folder for trajectories, errors against time, branch weights and spectra: PNG and pictures.html.",
            HelpName = "PATH",
        };
        var fid = new EvaluateFid();
        var command = new Command("evaluate", "Measures students against their teacher and against each other, from the same noises.")
        {
            models, teacher, data, resolution, limit, count, batch, fine, pictures, device, threads, precision, json,
        };
        fid.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense evaluate --model runs/sfd-k1 --model runs/sfd-k4",
            "bdense evaluate --model runs/sfd-k4 --data cifar10.zip --json",
            "bdense evaluate --model runs/sfd-k1 --model runs/sfd-k4 --pictures runs/pictures",
            "bdense evaluate --fid --model runs/sfd-k4 --inception inception.onnx --reference cifar10-32x32.npz --count 50000 "
            + "--state runs/fid",
            "bdense evaluate --fid --images samples --reference cifar10.zip --inception inception.onnx");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            string[] paths = parse.GetValue(models) ?? [];
            bool isFid = fid.IsAsked(parse);
            var images = fid.Images(parse, count, limit, resolution, batch, device, threads, json);
            if (paths.Length == 0 && images is null)
                throw new UsageException("evaluate needs --model PATH, a student's run; or --fid --images PATH, images without a model");
            using var backend = parse.Open(device, threads, precision);
            if (images is not null)
            {
                return EvaluateImages.Run(ui, backend, images with
                {
                    Count = parse.GetResult(count) is { Implicit: false } ? parse.GetValue(count) : null,
                    Limit = parse.GetValue(limit),
                    Resolution = parse.GetValue(resolution),
                    Batch = parse.GetValue(batch),
                    Threads = parse.GetValue(threads),
                }, cancellation);
            }
            if (isFid)
            {
                if (parse.GetValue(pictures) is not null)
                    throw new UsageException("--pictures compares students with their teacher; give it without --fid");
                return fid.Run(ui, parse, backend, paths, (count, parse.GetValue(batch), parse.GetValue(threads)), cancellation);
            }
            int n = parse.GetValue(count), atOnce = Math.Min(n, parse.GetValue(batch));
            FrechetDistance.RequireEnough(n, RandomFeatures.Dimension, "--count");
            string teacherPath = parse.GetValue(teacher) ?? Fit.TeacherOf(paths[0]);
            using var teacherNetwork = Fit.LoadTeacher(backend, paths[0], parse.GetValue(teacher));
            var c = teacherNetwork.Config;
            int rows = parse.GetResult(resolution) is { Implicit: false } ? parse.GetValue(resolution) : c.Resolution;
            var dataset = Dataset.Open(parse.GetValue(data), new DatasetOptions(rows, parse.GetValue(limit))
            {
                Channels = c.ImageChannels,
                OnNotice = ui.Note,
            });
            using var evaluation = new Evaluation(teacherNetwork, dataset, new EvaluationOptions
            {
                Count = parse.GetValue(count),
                Batch = parse.GetValue(batch),
                FineSteps = parse.GetValue(fine),
                Seed = parse.GetValue(fid.Draw.Seed),
            });
            MemoryNeeds.Require(backend, MemoryNeeds.OfSampling(c, atOnce, backend),
                $"sampling {atOnce} images at once", "a smaller --batch");
            int[] nfes = [.. paths.Select(path => parse.GetValue(fid.Sampler.Nfe) ?? Student.OptionsOf(path).Nfe)];
            ui.Whole([
                new PlannedStage("teacher's fine trajectories", Work.Sampling(evaluation.FineEvaluations, n)),
                .. paths.SelectMany((path, i) =>
                    new[] { new PlannedStage(TeacherStage(path), Work.Sampling(4 * nfes[i], n)),
                        new PlannedStage(StudentStage(path), Work.Sampling(nfes[i], n)) }),
            ]);
            ui.Stage("teacher's fine trajectories", n,
                report => evaluation.Fine(done => report(done, $"NFE {evaluation.FineEvaluations}"), cancellation));
            var pictured = new List<PicturedStudent>();
            var results = paths.Select(path => Measure(path)).ToList();
            if (parse.GetValue(pictures) is { } folder)
            {
                PicturesReport.Write(folder, teacherNetwork, evaluation, dataset, pictured, parse.GetValue(fid.Draw.Seed), cancellation);
                ui.Note($"pictures: {Path.Combine(folder, PicturesReport.HtmlFile)}");
            }

            var comparisons = results.Skip(1)
                .Select(r => (r.Path, Fine: Bootstrap.Compare([results[0].Measured.Fine.Rmse], [r.Measured.Fine.Rmse]),
                Endpoint: Bootstrap.Compare([results[0].Measured.Endpoint!.Rmse], [r.Measured.Endpoint!.Rmse]))).ToList();
            ui.Json(new
            {
                teacher = teacherPath,
                device = backend.Name,
                data = dataset.Name,
                count = n,
                seed = parse.GetValue(fid.Draw.Seed),
                fineSampler = RunJson.ToNode(evaluation.FineSampler),
                models = results.Select(r => new
                {
                    path = r.Path,
                    method = r.Options.Title,
                    branches = r.Options.Branches,
                    nfe = r.Options.Nfe,
                    teacherSampler = RunJson.ToNode(Evaluation.TeacherSamplerOf(r.Options).Resolve()),
                    fitted = parse.GetValue(fid.Sampler.Fitted),
                    endpointRmse = r.Measured.Endpoint!.Rmse.Average(),
                    endpointRmseInterval = Ends(Bootstrap.Mean([r.Measured.Endpoint.Rmse])),
                    endpointL1 = r.Measured.Endpoint.L1.Average(),
                    endpointRmseFine = r.Measured.Fine.Rmse.Average(),
                    endpointL1Fine = r.Measured.Fine.L1.Average(),
                    frechetDistance = r.Measured.FrechetDistance,
                }),
                comparisons = comparisons.Select(x => new
                {
                    path = x.Path,
                    baseline = results[0].Path,
                    endpointRmse = new
                    {
                        difference = x.Endpoint.Difference.Mean,
                        interval = Ends(x.Endpoint.Difference),
                        verdict = x.Endpoint.Verdict.Text()
                    },
                    endpointRmseFine = new
                    {
                        difference = x.Fine.Difference.Mean,
                        interval = Ends(x.Fine.Difference),
                        verdict = x.Fine.Verdict.Text()
                    },
                }),
            });
            ui.Table(["model", "method", "K", "NFE", "RMSE teacher", "95% interval", "RMSE fine", RandomFeatures.MetricName],
                results.Select(r =>
            {
                var interval = Bootstrap.Mean([r.Measured.Endpoint!.Rmse]);
                return new[]
                {
                    r.Path, r.Options.Title, Text(r.Options.Branches), Text(r.Options.Nfe), Text(interval.Mean), Range(interval),
                    Text(r.Measured.Fine.Rmse.Average()), Text(r.Measured.FrechetDistance),
                };
            }));
            foreach (var x in comparisons)
            {
                ui.Line($"{x.Path} against {results[0].Path}: RMSE to the teacher {x.Endpoint.Verdict.Text()} ("
                    + $"{Range(x.Endpoint.Difference)}), " +
                    $"RMSE to the fine trajectory {x.Fine.Verdict.Text()} ({Range(x.Fine.Difference)})");
            }
            ui.Line($"the fine trajectory: {fid.Sampler.Arguments(evaluation.FineSampler)}");
            foreach (string way in results.Select(r => fid.Sampler.Arguments(Evaluation.TeacherSamplerOf(r.Options).Resolve())).Distinct())
                ui.Line($"the teacher on the student's grid: {way}");
            if (comparisons.Count > 0)
                ui.Line("The intervals cover the noises, not the training seeds: they speak of these runs, not of the methods.");
            return 0;

            static string StudentStage(string path) => Path.GetFileName(path.TrimEnd('/'));

            static string TeacherStage(string path) => $"teacher on the grid of {StudentStage(path)}";

            (string Path, Training.Distillation.Distill Options, Measured Measured) Measure(string path)
            {
                int? nfe = parse.GetValue(fid.Sampler.Nfe);
                var options = Student.OptionsOf(path);
                options = options with { Nfe = nfe ?? options.Nfe };
                float[] endpoint = ui.Stage(TeacherStage(path), n,
                    report => evaluation.TeacherOf(options, done => report(done, ""), cancellation));
                var student = Student.Load(backend, path, nfe, fitted: parse.GetValue(fid.Sampler.Fitted));
                using var network = student.Network;
                float[] images = ui.Stage(StudentStage(path), n,
                    report => evaluation.Student(student, done => report(done, $"NFE {student.Evaluations}"), cancellation));
                string name = string.Create(System.Globalization.CultureInfo.InvariantCulture,
                    $"{Path.GetFileName(path.TrimEnd('/'))} (NFE {student.Evaluations})");
                pictured.Add(new PicturedStudent(name, path, options, images, endpoint) { Fitted = student.Fitted is not null });
                return (path, options, evaluation.Measure(images, endpoint));
            }
        }
    }
}
