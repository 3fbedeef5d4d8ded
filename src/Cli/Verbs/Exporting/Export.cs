using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs.Exporting;

/// <summary>
/// <c>bdense export</c>: a network as other programs read it, a student with all its heads or folded for one interval; or, in ONNX, with
/// its sampler as one graph. A model card goes with it.
/// </summary>
internal static class Export
{
    private const string Diffusers = "diffusers", Edm = "edm", Onnx = "onnx";

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
            Description = "diffusers (unet/, scheduler/, model_index.json), edm (model.safetensors and config.json) or onnx (network.onnx; "
                + "with --sampler sampler.onnx). Default: diffusers where the network is diffusers' own.",
            HelpName = "NAME",
        };
        var interval = Numbers.OptionalInt("--interval", "For a student: fold the heads into the plain network of this interval, from 0.",
            min: 0, max: Most.Nfe, helpName: "I");
        var (sampler, card) = (new ExportSampler(), new CardGroup());
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("export",
            "Writes a network for other programs; a student with its K heads, or folded into a plain network; a whole sampler in ONNX.")
        {
            model, output, format, interval, device, threads, json,
        };
        sampler.AddTo(command);
        card.AddTo(command);
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            string path = parse.GetValue(model)!, folder = parse.GetValue(output)!;
            string? asked = parse.GetValue(format);
            if (asked is not (null or Diffusers or Edm or Onnx))
                throw new UsageException(
                    $"--format: there is no {Printable.Quoted(asked)}{Suggestion.OrAll(asked, [Diffusers, Edm, Onnx])}");
            bool isSampler = sampler.IsAsked(parse, isOnnx: asked == Onnx);
            int? i = parse.GetValue(interval);
            if (isSampler && i is not null)
                throw new UsageException("--interval is one interval's network, and --sampler takes them all; give one");
            var export = isSampler ? sampler.Write(parse, path, folder, parse.GetValue(threads), Begun) : OfNetwork(i);
            string name = export.Format;
            AtomicFile.WriteText(Path.Combine(folder, ModelCard.FileName), export.Card.Text());
            ui.Json(new
            {
                model = path,
                folder,
                format = name,
                branches = export.Branches,
                interval = i,
                nfe = export.Card.Nfe,
                parameters = export.Card.Parameters,
                files = export.Card.Files.Select(file => file.Name),
            });
            ui.Line($"{folder}: {name}, {(isSampler ? $"{export.Card.Nfe} evaluations an image, " : "")}{export.Branches} head"
                + $"{(export.Branches == 1 ? "" : "s")}{(i is null ? "" : $", folded for interval {i}")}");

            // Before anything is written: what is wrong with the figures is said now.
            ModelCard Begun(ModelCard facts)
            {
                var begun = card.Read(parse, facts with { Command = CommandLine(parse) });
                begun.Text();
                return begun;
            }

            Exported OfNetwork(int? i)
            {
                using var backend = parse.Open(device, threads);
                int? nfe = parse.GetValue(sampler.Nfe);
                if (!Student.IsStudent(path) && nfe is not null)
                    throw new UsageException($"--nfe is for a student; {path} is not one");
                var student = Student.IsStudent(path) ? Student.Load(backend, path, nfe) : null;
                using var network = student?.Network ?? TrainedNetwork.Load(backend, path);
                using var folded = i is { } index ? Fold(student, index, path) : null;
                var written = folded ?? network;
                string name = asked ?? (written.Config.Family == "ddpm" ? Diffusers : Edm);
                var begun = Begun(new ModelCard(path, written.Config, written.Parameters.Count)
                {
                    Fingerprint = TrainedNetwork.Fingerprint(path, network.Config),
                    Command = "",
                    Files = [],
                    Interval = i,
                    Nfe = i is null ? student?.Evaluations : 1,
                    Levels = student is null ? null : i is { } one ? student.Grid.Nodes(one) : [.. student.Grid.Teacher],
                });
                var done = name switch
                {
                    Onnx => ExportSampler.WriteNetwork(folder, written, begun),
                    Diffusers => Saved(() => DiffusersFormat.Save(folder, written),
                        ("unet/", "weights and configuration, as diffusers reads them"), ("scheduler/", "diffusers' DDIM scheduler")),
                    _ => Saved(() => Checkpoint.Save(folder, written),
                        (Checkpoint.ModelFile, "weights under PyTorch's names"),
                        (Checkpoint.ConfigFile, "the network's configuration")),
                };
                if (student is not null)
                {
                    AtomicFile.WriteText(Path.Combine(folder, StudentFile.Name),
                        RunJson.ToText(RunJson.ToNode(StudentFile.Of(student, i))) + "\n");
                    done = done with { Files = [.. done.Files, (StudentFile.Name, "the student's noise levels, an interval a row")] };
                }
                return new Exported(name, written.Config.Branches, done);

                ModelCard Saved(Action save, params (string, string)[] files)
                {
                    save();
                    return begun with { Files = files };
                }
            }
        });
        return new Verb(command, "bdense export --model runs/sfd-k4 --out export/k4",
            "bdense export --model runs/sfd-k4 --out export/first --interval 1",
            "bdense export --model runs/sfd-k4 --format onnx --sampler --out export/student --license CC-BY-4.0",
            "bdense export --model runs/teacher --format onnx --sampler dpmpp3m --steps 12 --out export/teacher");
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

    /// <summary>The call as a person would type it.</summary>
    private static string CommandLine(ParseResult parse) =>
        $"bdense {string.Join(' ', parse.Tokens.Select(token => SamplerGroup.Quoted(token.Value)))}";
}

/// <summary>What an export has written.</summary>
/// <param name="Format">Its name.</param>
/// <param name="Branches">Heads of what is in the folder.</param>
/// <param name="Card">What is to be said about it.</param>
internal sealed record Exported(string Format, int Branches, ModelCard Card);
