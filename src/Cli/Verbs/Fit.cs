using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense fit</c>: numbers that sampling can use without any training: of a student the coefficients of its steps, of a teacher a
/// schedule.
/// </summary>
internal static class Fit
{
    public static Verb Verb(Ui ui)
    {
        var (steps, schedules) = (new FittingOptions(), new ScheduleFittingOptions());
        var model = new Option<string>("--model")
        {
            Description = "A student's run folder; or a teacher: a run folder, a checkpoint folder or a .safetensors file.",
            HelpName = "PATH",
            Required = true,
        };
        var teacher = new Option<string?>("--teacher")
        {
            Description = "For a student: the teacher; by default the one that it was distilled from.",
            HelpName = "PATH",
        };
        var nfe = Numbers.OptionalInt("--nfe", "For a student of sfd-v: network evaluations; by default each that it was distilled for.",
            min: 1, max: Most.Nfe);
        var kind = new Option<string>("--kind")
        {
            Description = "For a teacher: gits (noise levels chosen by dynamic programming) or amed-fixed (an intermediate time and a "
                + "scale for each step).",
            HelpName = "NAME",
            DefaultValueFactory = _ => schedules.Kind,
        };
        var count = Numbers.Int("--steps", "For a teacher: steps of the schedule.", schedules.Steps, min: 1, max: Most.SolverSteps);
        var solver = new Option<string>("--solver")
        {
            Description = "For a teacher, gits: the solver that it is for.",
            HelpName = "NAME",
            DefaultValueFactory = _ => schedules.Solver,
        };
        var fineSolver = new Option<string>("--teacher-solver")
        {
            Description = "gits: the solver of the teacher's trajectories.",
            HelpName = "NAME",
            DefaultValueFactory = _ => schedules.TeacherSolver,
        };
        var nodes = Numbers.Int("--nodes", "gits: noise levels to choose among.", schedules.Nodes, min: 2, max: Most.Nodes);
        var memory = Numbers.Real("--memory",
            "gits: what a step's cost counts for, with every step before it; above 1 late steps pay for the errors they inherit.",
            schedules.Memory, min: 0, max: 1000, above: true);
        var schedule = new Option<string>("--schedule")
        {
            Description = $"For a teacher, the schedule to choose from or to step on: {string.Join(", ", ScheduleCatalog.Names)}.",
            HelpName = "NAME",
            DefaultValueFactory = _ => schedules.Schedule,
        };
        var sigmaMin = Numbers.Real("--sigma-min", "For a teacher: the last noise level.", schedules.SigmaMin, min: 0, max: Most.Sigma);
        var sigmaMax = Numbers.Real("--sigma-max", "For a teacher: the first noise level.", schedules.SigmaMax, min: 0, max: Most.Sigma,
            above: true);
        var output = CommonOptions.Out("For a teacher: the schedule's file.", "schedule.json");
        var noises = Numbers.Int("--noises", "Noises to fit over, which neither training nor an evaluation of the same seed sees.",
            steps.Noises, min: 1, max: Most.Noises);
        var batch = Numbers.Int("--batch", "Images at once.", steps.Batch, min: 1, max: Most.Batch);
        var fine = Numbers.Int("--fine-steps",
            "Steps of dpmpp3m that stand for the teacher's exact solution, the target; for a student 0 takes the teacher's endpoint on "
            + "the student's own grid.", steps.FineSteps, min: 0, max: Most.SolverSteps);
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("fit",
            "Fits what sampling can use without training: the coefficients of a student's steps, or a teacher's schedule.")
        {
            model, teacher, nfe, kind, count, solver, fineSolver, nodes, memory, schedule, sigmaMin, sigmaMax, output, noises, batch, fine,
            seed, device, threads, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            using var backend = parse.Open(device, threads);
            bool isStudent = Student.IsStudent(parse.GetValue(model)!);
            foreach (var option in isStudent
                ? new Option[] { kind, count, solver, fineSolver, nodes, memory, schedule, sigmaMin, sigmaMax, output } : [teacher, nfe])
            {
                if (parse.GetResult(option) is { Implicit: false })
                    throw new UsageException(
                        $"{option.Name} is for a {(isStudent ? "teacher" : "student")}; {parse.GetValue(model)} is a "
                            + $"{(isStudent ? "student" : "teacher")}");
            }
            return Task.FromResult(isStudent ? OfStudent(parse, backend, cancellation) : OfTeacher(parse, backend, cancellation));
        });
        return new Verb(command, "bdense fit --model runs/sfd-k4", "bdense fit --model runs/sfd-v --nfe 2 --noises 1024",
            "bdense fit --model runs/teacher --steps 6 --out gits.json",
            "bdense fit --model runs/teacher --kind amed-fixed --steps 3 --out amed.json");

        int OfStudent(ParseResult parse, Backend backend, CancellationToken cancellation)
        {
            string run = parse.GetValue(model)!;
            int to = parse.GetValue(fine);
            var options = new FittingOptions
            {
                Noises = parse.GetValue(noises),
                Batch = parse.GetValue(batch),
                Seed = parse.GetValue(seed),
                Fine = to > 0,
                FineSteps = Math.Max(1, to),
            };
            var fits = Steps(ui, backend, run, parse.GetValue(teacher),
                parse.GetValue(nfe) is { } one ? [one] : Student.OptionsOf(run).Choices(), options, cancellation);
            ui.Json(new
            {
                model = run,
                device = backend.Name,
                noises = options.Noises,
                fits = fits.Select(f => new { nfe = f.Nfe, file = f.File, before = f.Before, after = f.After })
            });
            ui.Table(["NFE", $"RMSE to {(options.Fine ? "the fine trajectory" : "the teacher")}", "RMSE fitted", "file"],
                fits.Select(f => new[] { Text(f.Nfe), Text(f.Before), Text(f.After), f.File }));
            ui.Line("Over the noises of the fit; 'bdense evaluate --fitted' measures on others.");
            return 0;
        }

        int OfTeacher(ParseResult parse, Backend backend, CancellationToken cancellation)
        {
            if (parse.GetValue(fine) < 1)
                throw new UsageException("--fine-steps 0 is for a student; a schedule is fitted to a fine trajectory");
            using var network = TrainedNetwork.Load(backend, parse.GetValue(model)!);
            var options = schedules with
            {
                Kind = parse.GetValue(kind)!,
                Steps = parse.GetValue(count),
                Solver = parse.GetValue(solver)!,
                TeacherSolver = parse.GetValue(fineSolver)!,
                Nodes = parse.GetValue(nodes),
                Memory = parse.GetValue(memory),
                Schedule = parse.GetValue(schedule)!,
                SigmaMin = parse.GetValue(sigmaMin),
                SigmaMax = parse.GetValue(sigmaMax),
                Noises = parse.GetValue(noises),
                Batch = parse.GetValue(batch),
                Seed = parse.GetValue(seed),
                FineSteps = parse.GetValue(fine),
            };
            RequireMemory(backend, network, options.Noises, options.Batch);
            var fit = ui.Stage($"fit {options.Kind}", ScheduleFitting.Passes(options),
                report => ScheduleFitting.Fit(network, options, cancellation, done => report(done, "")), "passes");
            string file = parse.GetValue(output)!;
            fit.File.Write(file);
            ui.Json(new
            {
                model = parse.GetValue(model),
                device = backend.Name,
                file,
                nfe = fit.Evaluations,
                plain = fit.Plain,
                fitted = fit.Fitted,
                schedule = fit.File
            });
            string[] columns = ["step", "from sigma", "to", .. fit.File.Ratios is null ? Array.Empty<string>() : ["r", "c"]];
            ui.Table(columns,
                Enumerable.Range(0, options.Steps).Select(i => new[] { Text(i + 1), Text(fit.File.Sigmas[i]), Text(fit.File.Sigmas[i + 1]) }
                .Concat(fit.File.Ratios is null ? [] : [Text(fit.File.Ratios[i]), Text(fit.File.Scales![i])]).ToArray()));
            ui.Line($"NFE {fit.Evaluations}: RMSE to the fine trajectory {Text(fit.Fitted)}; "
                + $"{(fit.File.Ratios is null ? fit.File.Solver : "dpm2")} on the {options.Schedule} schedule {Text(fit.Plain)}; over "
                + $"noises that the fit has not seen");
            ui.Line($"schedule: {file}; 'bdense sample --schedule {file}'");
            return 0;
        }
    }

    /// <summary>Fits the steps of a run's student at each of some NFE.</summary>
    public static IReadOnlyList<(int Nfe, string File, double Before, double After)> Steps(Ui ui, Backend backend, string run,
        string? teacher, IReadOnlyList<int> evaluations,
        FittingOptions options, CancellationToken cancellation)
    {
        var distill = Student.OptionsOf(run);
        using var alone = RunFolder.Existing(run).Lock();
        using var network = LoadTeacher(backend, run, teacher);
        RequireMemory(backend, network, options.Noises, options.Batch);
        if (network.Config.Branches > 1)
            throw new UsageException(
                $"the teacher has {network.Config.Branches} branches; of a second stage give the first one's teacher with --teacher");
        var fitting = new StepFitting(network, cancellation);
        var fits = new List<(int, string, double, double)>();
        // The teacher's fine steps outweigh the student's.
        ui.Whole(evaluations.Select(nfe => new PlannedStage($"fit, NFE {nfe}", options.FineSteps + 3 * nfe)));
        foreach (int nfe in evaluations)
        {
            var student = Student.Load(backend, run, nfe);
            using var owned = student.Network;
            var of = distill with { Nfe = nfe };
            var fit = ui.Stage($"fit, NFE {nfe}", StepFitting.Passes(student, of, options),
                report => fitting.Fit(student, of, options, done => report(done, "")), "passes");
            fits.Add((nfe, StepFitting.Write(run, student, fit, options), fit.Before, fit.After));
        }
        return fits;
    }

    /// <summary>All noises are kept on the device; the passes over them are a batch at a time.</summary>
    private static void RequireMemory(Backend backend, INetwork network, int noises, int batch)
    {
        var c = network.Config;
        int atOnce = Math.Min(noises, batch);
        MemoryNeeds.Require(backend,
            MemoryNeeds.OfSampling(c, atOnce, backend)
                + sizeof(float) * (long)noises * c.Resolution * c.Resolution * c.ImageChannels,
            $"a fit over {noises} noises, {atOnce} at once,", "a smaller --batch or fewer --noises");
    }

    /// <summary>A student's teacher: the one that is given, or the one that its run names, which must be what it was.</summary>
    /// <exception cref="BDenseException">Neither, or another network lies there now.</exception>
    public static INetwork LoadTeacher(Backend backend, string run, string? given)
    {
        string path = given ?? TeacherOf(run);
        var network = TrainedNetwork.Load(backend, path);
        if (given is not null || RunData.FingerprintOf(RunFolder.Existing(run).ReadConfig(), RunData.TeacherKey) is not { } was
            || was == TrainedNetwork.Fingerprint(path, network.Config))
            return network;
        network.Dispose();
        throw new BDenseException(
            $"{run} was distilled from another teacher than lies at {path} now (SHA-256 {was[..Math.Min(12, was.Length)]} by its "
                + $"{RunFolder.ConfigFile}); give --teacher");
    }

    /// <summary>The teacher that a student's run names.</summary>
    public static string TeacherOf(string run)
    {
        var config = RunFolder.Existing(run).ReadConfig();
        return config["teacher"] is System.Text.Json.Nodes.JsonValue value && value.TryGetValue(out string? path)
            ? path
            : throw new BDenseException(
                $"{run} is not a student: its {RunFolder.ConfigFile} names no teacher; give --teacher and a student's run folder");
    }
}
