using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Runs;
using DistillRecord = BDense.Training.Distillation.Distill;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense distill</c>: a few-step student of a teacher, into a run folder.</summary>
internal static class Distill
{
    public static Verb Verb(Ui ui)
    {
        var teacher = new Option<string>("--teacher")
        {
            Description = "The teacher: a run folder, a checkpoint folder or a .safetensors file. The folder of an SFD student asks for "
                + "the second stage.",
            HelpName = "PATH",
            Required = true,
        };
        var preset = new Option<string?>("--preset")
        {
            Description = $"Published settings; other options go before them. "
                + $"{string.Join("; ", DistillPresets.All.Select(p => $"{p.Name}: {p.What}"))}.",
            HelpName = "NAME",
        };
        var compat = new Option<string?>("--compat")
        {
            Description = $"As --preset, for ways of others that are no standard: {DistillPresets.BranchDistillation}.",
            HelpName = "NAME",
        };
        var method = new Option<string>("--method")
        {
            Description = $"{string.Join("; ", DistillationMethods.All.Select(m => $"{string.Join(", ", m.Names)}: {m.Summary} ("
                + $"{m.Source})"))}. With --help: its options alone.",
            HelpName = "NAME",
            DefaultValueFactory = _ => DistillationMethods.All[0].Name,
        };
        var methods = new MethodOptions();
        var fit = new Option<bool>("--fit")
        {
            Description = "At the end, fit the coefficients of the student's steps ('bdense fit', with its defaults and this seed).",
        };
        var init = new Option<string?>("--init")
        {
            Description = "Weights that the student begins with instead of the teacher's: of its own heads, or of one branch.",
            HelpName = "PATH",
        };
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var run = new RunOptions("runs/student", "updates");
        var command = new Command("distill", "Distils a few-step student from a teacher and writes a run folder.")
        {
            teacher, method, preset, compat,
        };
        foreach (var option in methods.All.Concat([init, fit, data, resolution, limit]))
            command.Options.Add(option);
        run.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(run.Execute(ui, parse, cancellation, backend =>
        {
            string given = parse.GetValue(teacher)!, teacherPath = TrainedNetwork.Find(given);
            var first = Student.IsStudent(given) ? Student.OptionsOf(given) : null;
            var options = Options(parse, first);
            if (parse.GetValue(fit))
                StepFitting.RequireGrid(options);
            var teacherNetwork = TrainedNetwork.Load(backend, teacherPath);
            var dataset = !options.Method.NeedsData ? null
                : Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit))
                {
                    Channels = teacherNetwork.Config.ImageChannels,
                    OnNotice = ui.Note,
                });
            if (dataset is not null && RunData.DataOf(given) is var (name, print) && print != RunData.Fingerprint(dataset))
            {
                if (parse.GetValue(data) is null && name != dataset.Name)
                    throw new UsageException(
                        $"{given} was trained on {name}, {print}, not on {dataset.Name}: give its data with --data (and --resolution, "
                            + "--limit), or others that are meant");
                ui.Note($"the teacher was trained on other images: {name}, {print}");
            }
            // Everything that can be refused is, before the run folder appears.
            teacherNetwork.Execution = run.Execution(parse, ui, backend);
            if (options is RoundsDistill { Rounds: > 1 } && run.Watch.Profiles(parse).Count > 0)
                throw new UsageException(
                    "--ema-profiles: an average over several rounds would be of students that take different steps; train the rounds one "
                        + "by one");
            var validation = run.Watch.Validation(parse, ui, teacherNetwork.Config, dataset, parse.GetValue(resolution), options.Batch);
            ITraining Dry(Backend dry, int images)
            {
                var likeIt = new Network(dry, teacherNetwork.Config, seed: null)
                { Execution = teacherNetwork.Execution with { Graph = false } };
                var small = options.ForDryRun() with { Batch = images };
                return DistillationMethods.Create(DistillationMethods.NewStudent(likeIt, small), likeIt, dataset, small);
            }
            // A device with memory of its own does not hold the trajectories.
            long kept = backend.FreeBytes is null ? MemoryNeeds.OfTrajectories(options, teacherNetwork.Config) : 0;
            var plan = MemoryPlan.Of(backend, options.Batch, Dry, teacherNetwork.Config, run.Watch.Profiles(parse).Count,
                run.Watch.IsWatched(parse));
            var need = run.Need(parse, backend, plan with { Trajectories = kept }, $"distilling {options.Batch} images at once",
                $"a smaller --batch{(kept > 0 ? ", fewer --cache-trajectories" : "")} or --recompute");
            using var start = parse.GetValue(init) is { } weights ? TrainedNetwork.Load(backend, weights) : null;
            // A dry run of what does not fit computes nothing either.
            var nowhere = need.Fits ? null : new DryRunBackend();
            var student = nowhere is not null ? null : start is null ? DistillationMethods.NewStudent(teacherNetwork, options)
                : DistillationMethods.NewStudent(teacherNetwork, options, start);
            var training = student is null ? Dry(nowhere!, options.Batch)
                : DistillationMethods.Create(student, teacherNetwork, dataset, options);
            IDisposable?[] owned = [student, teacherNetwork, nowhere];
            var config = new JsonObject
            {
                ["kind"] = "distill",
                [RunFolder.DistillKey] = RunJson.ToNode(options),
            }.WithData(dataset).WithNetwork(first is null ? RunData.TeacherKey : RunData.FirstStageKey, teacherPath,
                TrainedNetwork.Fingerprint(teacherPath, teacherNetwork.Config));
            // Of the second stage the first one's teacher: what a student is measured against.
            if (first is not null)
                config.WithTeacherOf(RunFolder.Existing(given).ReadConfig());
            if (start is not null)
                config.WithNetwork(RunData.InitKey, TrainedNetwork.Find(parse.GetValue(init)!),
                    TrainedNetwork.Fingerprint(parse.GetValue(init)!, start.Config));
            return new RunOptions.Prepared("distill", config, options.Length(), training, need, options.Batch,
                [.. owned.OfType<IDisposable>()])
            {
                Validation = validation,
                Note = $"{options.Title}: {options.Branches} branch{(options.Branches == 1 ? "" : "es")}, weights {options.Weights}"
                    + $"{(options.Projection > 0 ? $", gradients projected every {options.Projection} iterations" : "")}, NFE "
                    + $"{string.Join(", ", options.Choices())}",
                Then = !parse.GetValue(fit) ? null : folder =>
                {
                    foreach (var (evaluations, file, before, after) in Fit.Steps(ui, backend, folder.FullName, null, options.Choices(),
                        new FittingOptions { Seed = options.Seed }, cancellation))
                        ui.Note(string.Create(CultureInfo.InvariantCulture,
                            $"fitted steps, NFE {evaluations}: RMSE to the fine trajectory {before:g4} to {after:g4} over the noises of "
                                + $"the fit; {file}"));
                },
            };
        })));
        return new Verb(command, "bdense distill --teacher runs/teacher --method sfd --branches 4 --nfe 2 --out runs/sfd-k4",
            "bdense distill --teacher runs/teacher --method sfd-v --nfe 2,3,4,5 --out runs/sfd-v",
            "bdense distill --teacher runs/sfd-v --nfe 1 --out runs/one-step",
            "bdense distill --teacher runs/teacher --method pd --teacher-steps 8 --nfe 2 --out runs/pd",
            "bdense distill --teacher edm-cifar10.safetensors --preset sfd-bdense --nfe 3 --out runs/published")
        {
            BeforeHelp = parse =>
            {
                if (parse.GetResult(method) is { Implicit: false })
                    methods.ShowFor(DistillationMethods.Find(parse.GetValue(method)!));
            },
        };

        // The published settings, or the method's own; a teacher that is a student; then what is given.
        DistillRecord Options(ParseResult parse, DistillRecord? first)
        {
            if (parse.GetValue(preset) is not null && parse.GetValue(compat) is not null)
                throw new UsageException("--preset and --compat are two names of one thing; give one");
            if (parse.GetValue(compat) is { } other && other != DistillPresets.BranchDistillation)
                throw new UsageException($"--compat: there is no '{other}'; there is {DistillPresets.BranchDistillation}");
            var published = (parse.GetValue(preset) ?? parse.GetValue(compat)) is { } name ? DistillPresets.Find(name) : null;
            string? asked = parse.GetResult(method) is { Implicit: false } || published is null ? parse.GetValue(method)! : null;
            var kind = asked is null ? published!.Options.Method : DistillationMethods.Find(asked);
            if (published is not null && kind != published.Options.Method)
                throw new UsageException($"the preset {published.Name} is not for --method {asked}");
            var start = published?.Options ?? kind.Defaults;
            if (asked is not null)
                start = kind.Named(start, asked.ToLowerInvariant());
            // A second stage goes to one evaluation, where nothing else is said.
            if (first is not null)
                start = kind.SecondStage(published is null ? start with { Nfe = 1 } : start, first);
            var options = methods.Read(parse, start) with { Seed = parse.GetValue(run.Seed) };
            return (methods.IsGiven(parse, "--updates") || published is null ? options
                : options with { Updates = published.UpdatesOf(options) }).Resolve();
        }
    }
}
