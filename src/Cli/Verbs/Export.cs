using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense export</c>: a network as other programs read it, a student with all its heads or folded for one interval.</summary>
internal static class Export
{
    public static Verb Verb(Ui ui)
    {
        var model = new Option<string>("--model")
        {
            Description = "A run folder, a checkpoint folder or a .safetensors file.",
            HelpName = "PATH",
            Required = true,
        };
        var output = CommonOptions.Out("Folder to write.", "export");
        var format = new Option<string?>("--format")
        {
            Description = "diffusers (unet/, scheduler/, model_index.json) or edm (model.safetensors and config.json). Default: "
                + "diffusers where the network is diffusers' own.",
            HelpName = "NAME",
        };
        var nfe = Numbers.OptionalInt("--nfe", "For a student of sfd-v: the number of evaluations whose noise levels and fold are wanted.",
            min: 1, max: Most.Nfe);
        var interval = Numbers.OptionalInt("--interval", "For a student: fold the heads into the plain network of this interval, from 0.",
            min: 0, max: Most.Nfe, helpName: "I");
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("export",
            "Writes a network for other programs; a student with its K heads, or folded into a plain network.")
        {
            model, output, format, nfe, interval, device, threads, json,
        };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            using var backend = parse.Open(device, threads);
            string path = parse.GetValue(model)!, folder = parse.GetValue(output)!;
            if (!Student.IsStudent(path) && parse.GetValue(nfe) is not null)
                throw new UsageException($"--nfe is for a student; {path} is not one");
            var student = Student.IsStudent(path) ? Student.Load(backend, path, parse.GetValue(nfe)) : null;
            using var network = student?.Network ?? TrainedNetwork.Load(backend, path);
            int? i = parse.GetValue(interval);
            using var folded = i is { } index ? Fold(student, index, path) : null;
            var written = folded ?? network;
            string name = parse.GetValue(format) ?? (written.Config.Family == "ddpm" ? "diffusers" : "edm");
            switch (name)
            {
                case "diffusers": DiffusersFormat.Save(folder, written); break;
                case "edm": Checkpoint.Save(folder, written); break;
                default: throw new UsageException($"--format: there is no '{name}'; there are diffusers, edm");
            }
            if (student is not null)
                AtomicFile.WriteText(Path.Combine(folder, StudentFile.Name),
                    RunJson.ToText(RunJson.ToNode(StudentFile.Of(student, i))) + "\n");
            ui.Json(new
            {
                model = path,
                folder,
                format = name,
                branches = written.Config.Branches,
                interval = i,
                parameters = written.Parameters.Count
            });
            ui.Line($"{folder}: {name}, {written.Config.Branches} head{(written.Config.Branches == 1 ? "" : "s")}"
                + $"{(i is null ? "" : $", folded for interval {i}")}");
        });
        return new Verb(command, "bdense export --model runs/sfd-k4 --out export/k4",
            "bdense export --model runs/sfd-k4 --out export/first --interval 1");
    }

    private static INetwork Fold(Student? student, int interval, string path)
    {
        if (student is null)
            throw new UsageException($"--interval is for a student; {path} is not one");
        int first = student.Grid.Intervals - student.Evaluations;
        if (interval < first || interval >= student.Grid.Intervals)
        {
            throw new UsageException(
                $"--interval {interval}: this student's network serves the intervals {first} to {student.Grid.Intervals - 1}"
                + (first > 0 ? "; the first is analytical" : ""));
        }
        return student.Fold(interval);
    }
}
