using System.CommandLine;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Training;
using DistillRecord = BDense.Training.Distill;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense distill</c>: a few-step student of a teacher, into a run folder.</summary>
internal static class Distill
{
    public static Verb Verb(Ui ui)
    {
        var defaults = new DistillRecord();
        var teacher = new Option<string>("--teacher") { Description = "The teacher: a run folder, a checkpoint folder or a .safetensors file.", HelpName = "PATH", Required = true };
        var method = new Option<string>("--method") { Description = "sfd (along trajectories from noise) or pd (progressive distillation).", HelpName = "NAME", DefaultValueFactory = _ => "sfd" };
        var branches = CommonOptions.Positive("--branches", "K: 1 for the plain method, 2 to 8 for B-DENSE.", defaults.Branches);
        var weights = new Option<string?>("--weights")
        {
            Description = $"Branch weights: {string.Join(", ", BranchWeights.Kinds)}. Default: quadrature for sfd, exponential for pd.",
            HelpName = "KIND",
        };
        var nfe = CommonOptions.Positive("--nfe", "The student's network evaluations a sample.", defaults.Nfe);
        var jump = new Option<int?>("--jump") { Description = "Teacher steps in one student step, a multiple of K. Default: 4 for sfd, 2 for pd, at least K.", HelpName = "N" };
        var rounds = CommonOptions.Positive("--rounds", "pd: rounds; the first teacher takes nfe * jump^rounds steps.", defaults.Rounds);
        var updates = CommonOptions.Positive("--updates", "Optimizer updates, all rounds together.", (int)defaults.Updates);
        var batch = CommonOptions.Positive("--batch", "Images an update.", defaults.Batch);
        var rate = CommonOptions.Real("--lr", "Learning rate.", defaults.LearningRate);
        var ema = CommonOptions.Real("--ema", "Decay of the student's moving average; 0, as published, for none.", defaults.Ema);
        var solver = new Option<string>("--solver") { Description = $"sfd: the teacher's solver: {string.Join(", ", Solvers.All.Select(s => s.Name))}.", HelpName = "NAME", DefaultValueFactory = _ => defaults.Solver };
        var cache = CommonOptions.Positive("--cache-trajectories", "sfd: batches of teacher trajectories computed once and used again; 0, as published, for fresh ones.", 0, least: 0);
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var run = new RunOptions("runs/student");
        var command = new Command("distill", "Distils a few-step student from a teacher and writes a run folder.")
        {
            teacher, method, branches, weights, nfe, jump, rounds, updates, batch, rate, ema, solver, cache, data, resolution, limit,
        };
        run.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(run.Execute(ui, parse, cancellation, backend =>
        {
            var options = new DistillRecord
            {
                Method = Distillation.FindMethod(parse.GetValue(method)!),
                Branches = parse.GetValue(branches),
                Jump = parse.GetValue(jump),
                Weights = parse.GetValue(weights),
                Nfe = parse.GetValue(nfe),
                Rounds = parse.GetValue(rounds),
                Solver = parse.GetValue(solver)!,
                Updates = parse.GetValue(updates),
                Batch = parse.GetValue(batch),
                LearningRate = parse.GetValue(rate),
                Ema = parse.GetValue(ema),
                Seed = parse.GetValue(run.Seed),
                CacheTrajectories = parse.GetValue(cache),
            }.Resolve();
            string teacherPath = TrainedNetwork.Find(parse.GetValue(teacher)!);
            var teacherNetwork = TrainedNetwork.Load(backend, teacherPath);
            // Progressive distillation noises data; SFD starts from noise alone.
            var dataset = options.Method == DistillMethod.Pd
                ? Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit)))
                : null;
            // Everything that can be refused is, before the run folder appears.
            teacherNetwork.Execution = run.Execution(parse, ui, backend);
            var student = Distillation.NewStudent(teacherNetwork, options);
            var training = Distillation.Create(student, teacherNetwork, dataset, options);
            var folder = RunFolder.Open(parse.GetValue(run.Out)!, run.Configuration(parse, new JsonObject
            {
                ["kind"] = "distill",
                ["teacher"] = teacherPath,
                ["data"] = dataset?.Name,
                ["distill"] = RunJson.ToNode(options),
            }), parse.GetValue(run.Resume));
            ui.Note($"{options.Title}: {options.Branches} branch{(options.Branches == 1 ? "" : "es")}, weights {options.Weights}, NFE {options.Nfe}");
            return new RunOptions.Prepared($"distill {Path.GetFileName(folder.FullName)}", folder, training, [student, teacherNetwork]);
        })));
        return new Verb(command, "bdense distill --teacher runs/teacher --method sfd --branches 4 --nfe 2 --out runs/sfd-k4",
            "bdense distill --teacher runs/teacher --method pd --nfe 2 --rounds 2 --out runs/pd");
    }
}
