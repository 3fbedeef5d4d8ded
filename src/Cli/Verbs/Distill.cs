using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using DistillRecord = BDense.Training.Distillation.Distill;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense distill</c>: a few-step student of a teacher, into a run folder.</summary>
internal static class Distill
{
    private const string SfdV = "sfd-v";

    public static Verb Verb(Ui ui)
    {
        var defaults = new DistillRecord();
        var teacher = new Option<string>("--teacher")
        {
            Description = "The teacher: a run folder, a checkpoint folder or a .safetensors file. The folder of an SFD student asks for the second stage.",
            HelpName = "PATH",
            Required = true,
        };
        var preset = new Option<string?>("--preset")
        {
            Description = $"Published settings; other options go before them. {string.Join("; ", DistillPresets.All.Select(p => $"{p.Name}: {p.What}"))}.",
            HelpName = "NAME",
        };
        var compat = new Option<string?>("--compat") { Description = $"As --preset, for ways of others that are no standard: {DistillPresets.BranchDistillation}.", HelpName = "NAME" };
        var method = new Option<string>("--method")
        {
            Description = "sfd (along trajectories from noise), sfd-v (the same for several NFE at once) or pd (progressive distillation).",
            HelpName = "NAME",
            DefaultValueFactory = _ => "sfd",
        };
        var branches = Numbers.Int("--branches", "K: 1 for the plain method, 2 to 8 for B-DENSE.", defaults.Branches, min: 1, max: Backend.MaxBranches);
        var weights = new Option<string?>("--weights")
        {
            Description = $"Branch weights: {string.Join(", ", BranchWeights.Kinds)}. Default: quadrature for chained heads, exponential for parallel ones.",
            HelpName = "KIND",
        };
        var projection = Numbers.Int("--projection", "In every N-th iteration the other branches' gradient is projected off the endpoint's where they conflict; 0 for never. --weights projected:N is short for it.", 0, min: 0, max: Most.Updates);
        var layout = CommonOptions.Choice("--layout", "How states follow from heads. Default: chained for sfd, parallel for pd.", BranchLayout.Chained);
        var nfe = Numbers.List("--nfe", "The student's network evaluations a sample; for sfd-v all of them, as 2,3,4,5.", "N", "2", min: 1, max: Most.Nfe);
        var jump = Numbers.OptionalInt("--jump", "Teacher steps in one student step, a multiple of K. Default: 4 for sfd, 3 for its second stage, 2 for pd, at least K.", min: 1, max: Most.Jump);
        var rounds = Numbers.Int("--rounds", "pd: rounds; the first teacher takes nfe * jump^rounds steps.", defaults.Rounds, min: 1, max: Most.SolverSteps);
        var teacherSteps = Numbers.Int("--teacher-steps", "pd: steps of the first teacher, in place of --rounds: nfe times a power of the jump.", 4, min: 1, max: Most.SolverSteps);
        var updates = Numbers.Int("--updates", "Optimizer updates, all rounds together.", (int)defaults.Updates, min: 1, max: Most.Updates);
        var batch = Numbers.Int("--batch", "Images an update.", defaults.Batch, min: 1, max: Most.Batch);
        var rate = Numbers.Real("--lr", "Learning rate.", defaults.LearningRate, min: 0, max: Most.LearningRate, above: true);
        var ema = Numbers.Real("--ema", "Decay of the student's moving average; 0, as published, for none.", defaults.Ema, min: 0, max: 1, below: true);
        var solver = new Option<string>("--solver") { Description = $"sfd: the teacher's solver: {string.Join(", ", SolverCatalog.All.Select(s => s.Name))}.", HelpName = "NAME", DefaultValueFactory = _ => defaults.Solver };
        var threshold = Numbers.OptionalReal("--teacher-threshold", "sfd: dynamic thresholding of every image that the teacher's solver denoises: the quantile; 0 for none. Presets of sfd with a dpmpp solver: 0.995, as published; otherwise none.", min: 0, max: 1);
        var cache = Numbers.Int("--cache-trajectories", "sfd: batches of teacher trajectories computed once and used again; 0, as published, for fresh ones.", 0, min: 0, max: Most.Trajectories);
        var schedule = new Option<string>("--schedule") { Description = $"Noise levels: {string.Join(", ", ScheduleCatalog.Names)}, or a gits file of 'bdense fit'.", HelpName = "NAME", DefaultValueFactory = _ => defaults.Schedule };
        var weighting = CommonOptions.Choice("--weighting", "pd: weight of an error by its noise level.", defaults.Weighting);
        var perceptual = new Option<string?>("--perceptual") { Description = "sfd: an ONNX file with a perceptual distance for the last interval: student, teacher to loss, gradient (docs/systems.md).", HelpName = "FILE" };
        var fit = new Option<bool>("--fit") { Description = "At the end, fit the coefficients of the student's steps ('bdense fit', with its defaults and this seed)." };
        var flip = new Option<bool>("--flip") { Description = "pd: mirror half of the images." };
        var decay = CommonOptions.Choice("--decay", "How the learning rate falls. Default: half for sfd, linear (in every round) for pd; only constant can be gone on with beyond --updates.", Decay.Constant);
        var init = new Option<string?>("--init") { Description = "Weights that the student begins with instead of the teacher's: of its own heads, or of one branch.", HelpName = "PATH" };
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var run = new RunOptions("runs/student");
        var command = new Command("distill", "Distils a few-step student from a teacher and writes a run folder.")
        {
            teacher, method, preset, compat, branches, layout, weights, projection, nfe, jump, rounds, teacherSteps, updates, batch, rate, decay, ema, init, schedule, solver, threshold, cache, perceptual, weighting, flip, fit,
            data, resolution, limit,
        };
        run.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(run.Execute(ui, parse, cancellation, backend =>
        {
            string given = parse.GetValue(teacher)!, teacherPath = TrainedNetwork.Find(given);
            var first = Student.IsStudent(given) ? Student.OptionsOf(given) : null;
            var options = Options(parse, first);
            if (parse.GetValue(fit) && options.Method == DistillMethod.BranchDistillation)
                throw new UsageException("the authors' own variant of PD samples in its own way; nothing is fitted to it");
            var teacherNetwork = TrainedNetwork.Load(backend, teacherPath);
            // Progressive distillation noises data; SFD starts from noise alone.
            var dataset = options.Method == DistillMethod.Sfd ? null
                : Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit)) { Channels = teacherNetwork.Config.ImageChannels, OnNotice = ui.Note });
            if (dataset is not null && RunData.DataOf(given) is var (name, print) && print != RunData.Fingerprint(dataset))
            {
                if (parse.GetValue(data) is null && name != dataset.Name)
                    throw new UsageException($"{given} was trained on {name}, {print}, not on {dataset.Name}: give its data with --data (and --resolution, --limit), or others that are meant");
                ui.Note($"the teacher was trained on other images: {name}, {print}");
            }
            // Everything that can be refused is, before the run folder appears.
            teacherNetwork.Execution = run.Execution(parse, ui, backend);
            // A device with memory of its own does not hold the trajectories.
            long kept = backend.FreeBytes is null ? MemoryNeeds.OfTrajectories(options, teacherNetwork.Config) : 0;
            MemoryNeeds.Require(backend, kept + MemoryNeeds.OfTraining(options.Batch, (dry, images) =>
            {
                var likeIt = new Network(dry, teacherNetwork.Config, seed: null) { Execution = teacherNetwork.Execution with { Graph = false } };
                var small = options with { Batch = images, CacheTrajectories = 0, Perceptual = null };
                return DistillationMethods.Create(DistillationMethods.NewStudent(likeIt, small), likeIt, dataset, small);
            }), $"distilling {options.Batch} images at once", $"a smaller --batch{(kept > 0 ? ", fewer --cache-trajectories" : "")} or --recompute");
            using var start = parse.GetValue(init) is { } weights ? TrainedNetwork.Load(backend, weights) : null;
            var student = start is null ? DistillationMethods.NewStudent(teacherNetwork, options) : DistillationMethods.NewStudent(teacherNetwork, options, start);
            var training = DistillationMethods.Create(student, teacherNetwork, dataset, options);
            var config = new JsonObject
            {
                ["kind"] = "distill",
                [RunFolder.DistillKey] = RunJson.ToNode(options),
            }.WithData(dataset).WithNetwork(first is null ? RunData.TeacherKey : RunData.FirstStageKey, teacherPath, TrainedNetwork.Fingerprint(teacherPath, teacherNetwork.Config));
            // Of the second stage the first one's teacher: what a student is measured against.
            if (first is not null)
                config.WithTeacherOf(RunFolder.Existing(given).ReadConfig());
            if (start is not null)
                config.WithNetwork(RunData.InitKey, TrainedNetwork.Find(parse.GetValue(init)!), TrainedNetwork.Fingerprint(parse.GetValue(init)!, start.Config));
            var folder = run.Open(ui, parse, backend, config, options.Length());
            ui.Note($"{options.Title}: {options.Branches} branch{(options.Branches == 1 ? "" : "es")}, weights {options.Weights}{(options.Projection > 0 ? $", gradients projected every {options.Projection} iterations" : "")}, NFE {string.Join(", ", options.Choices())}");
            return new RunOptions.Prepared($"distill {Path.GetFileName(folder.FullName)}", folder, training, [student, teacherNetwork])
            {
                Then = !parse.GetValue(fit) ? null : () =>
                {
                    foreach (var (evaluations, file, before, after) in Fit.Steps(ui, backend, folder.FullName, null, options.Choices(), new FittingOptions { Seed = options.Seed }, cancellation))
                        ui.Note(string.Create(CultureInfo.InvariantCulture, $"fitted steps, NFE {evaluations}: RMSE to the fine trajectory {before:g4} to {after:g4} over the noises of the fit; {file}"));
                },
            };
        })));
        return new Verb(command, "bdense distill --teacher runs/teacher --method sfd --branches 4 --nfe 2 --out runs/sfd-k4",
            "bdense distill --teacher runs/teacher --method sfd-v --nfe 2,3,4,5 --out runs/sfd-v",
            "bdense distill --teacher runs/sfd-v --nfe 1 --out runs/one-step",
            "bdense distill --teacher runs/teacher --method pd --teacher-steps 8 --nfe 2 --out runs/pd",
            "bdense distill --teacher edm-cifar10.safetensors --preset sfd-bdense --nfe 3 --out runs/published");

        // The noise levels themselves: a run's configuration depends on no other file.
        static string ScheduleText(string given) => ScheduleFile.IsFile(given) ? ScheduleCatalog.Text(ScheduleFile.Read(given).Sigmas) : given;

        DistillRecord Options(ParseResult parse, DistillRecord? first)
        {
            if (parse.GetValue(preset) is not null && parse.GetValue(compat) is not null)
                throw new UsageException("--preset and --compat are two names of one thing; give one");
            if (parse.GetValue(compat) is { } other && other != DistillPresets.BranchDistillation)
                throw new UsageException($"--compat: there is no '{other}'; there is {DistillPresets.BranchDistillation}");
            var published = (parse.GetValue(preset) ?? parse.GetValue(compat)) is { } name ? DistillPresets.Find(name) : null;
            var start = published?.Options ?? new DistillRecord();
            bool variable = Given(method) ? parse.GetValue(method)!.ToLowerInvariant() == SfdV : start.NfeChoices is not null;
            var kind = !Given(method) ? start.Method : variable ? DistillMethod.Sfd : DistillationMethods.FindMethod(parse.GetValue(method)!);
            if (published is not null && kind != start.Method)
                throw new UsageException($"the preset {published.Name} is not for --method {parse.GetValue(method)}");
            if (first is not null && kind != DistillMethod.Sfd)
                throw new UsageException($"{parse.GetValue(teacher)} is a student; only SFD has a second stage");
            var evaluations = DistillRecord.ParseNfe(parse.GetValue(nfe)!);
            if (!variable && Given(nfe) && evaluations.Count > 1)
                throw new UsageException($"--nfe {parse.GetValue(nfe)}: several at once are for --method {SfdV}");
            int one = Given(nfe) ? evaluations[^1] : first is not null && published is null ? 1 : start.Nfe;
            int step = parse.GetValue(jump) ?? start.Jump ?? Math.Max(2, Or(branches, start.Branches));
            var options = start with
            {
                Method = kind,
                Branches = Or(branches, start.Branches),
                Jump = parse.GetValue(jump) ?? start.Jump,
                Layout = Given(layout) ? parse.GetValue(layout) : start.Layout,
                Weights = parse.GetValue(weights) ?? start.Weights,
                Projection = Or(projection, start.Projection),
                Nfe = one,
                NfeChoices = !variable ? null : Given(nfe) ? parse.GetValue(nfe) : start.NfeChoices ?? "2,3,4,5",
                FirstStage = first,
                Rounds = Given(teacherSteps) ? DistillRecord.RoundsFrom(parse.GetValue(teacherSteps), one, step) : Or(rounds, start.Rounds),
                Solver = Or(solver, start.Solver),
                TeacherThreshold = Threshold(parse.GetValue(threshold), start.TeacherThreshold, first, Or(solver, start.Solver)),
                Batch = Or(batch, start.Batch),
                LearningRate = Or(rate, start.LearningRate),
                Ema = Or(ema, start.Ema),
                Schedule = Given(schedule) ? ScheduleText(parse.GetValue(schedule)!) : start.Schedule,
                Weighting = Or(weighting, start.Weighting),
                Decay = Given(decay) ? parse.GetValue(decay) : start.Decay,
                Perceptual = parse.GetValue(perceptual),
                Flip = parse.GetValue(flip) || start.Flip,
                Seed = parse.GetValue(run.Seed),
                CacheTrajectories = parse.GetValue(cache),
            };
            return (options with { Updates = Given(updates) || published is null ? parse.GetValue(updates) : published.UpdatesOf(options) }).Resolve();

            // The authors threshold where the solver makes its steps of the denoised image, and a second stage's teacher has no such solver.
            static double? Threshold(double? asked, double? published, DistillRecord? first, string solver) =>
                asked is { } quantile ? (quantile > 0 ? quantile : null) : first is null && SolverCatalog.Find(solver).PredictsData ? published : null;

            bool Given(Option option) => parse.GetResult(option) is { Implicit: false };

            T Or<T>(Option<T> option, T otherwise) => Given(option) ? parse.GetValue(option)! : otherwise;
        }
    }
}
