using System.CommandLine;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Model;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense train</c>: a diffusion teacher, into a run folder.</summary>
internal static class Train
{
    public static Verb Verb(Ui ui)
    {
        var defaults = new TeacherOptions();
        var data = CommonOptions.Data();
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var network = new Option<string?>("--network")
        {
            Description = $"A network: {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json). Without it a small one that fits the images.",
            HelpName = "NAME",
        };
        var steps = CommonOptions.Positive("--steps", "Optimizer updates.", (int)defaults.Steps);
        var batch = CommonOptions.Positive("--batch", "Images an update.", defaults.Batch);
        var microBatches = CommonOptions.Positive("--micro-batches", "Passes whose gradients are summed for one update; saves memory.", 1);
        var rate = CommonOptions.Real("--lr", "Learning rate.", defaults.LearningRate);
        var warmup = CommonOptions.Positive("--warmup", "Updates until the learning rate is at its full height.", (int)defaults.Warmup, least: 0);
        var decay = CommonOptions.Choice("--decay", "How the learning rate falls.", defaults.Decay);
        var ema = CommonOptions.Real("--ema", "Decay of the weights' moving average; 0 for none.", defaults.EmaDecay);
        var flip = new Option<bool>("--flip") { Description = "Mirror half of the images." };
        var prediction = CommonOptions.Choice("--prediction", "What the network predicts.", Prediction.Edm);
        var levels = CommonOptions.Choice("--noise-levels", "What noise levels it learns: EDM's log-normal ones, or progressive distillation's.", defaults.NoiseLevels);
        var weighting = CommonOptions.Choice("--weighting", "Weight of an error in the denoised image by its noise level.", defaults.Weighting);
        var run = new RunOptions("runs/teacher");
        var command = new Command("train", "Trains a diffusion teacher and writes a run folder.")
        {
            data, resolution, limit, network, prediction, levels, weighting, steps, batch, microBatches, rate, warmup, decay, ema, flip,
        };
        run.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(run.Execute(ui, parse, cancellation, backend =>
        {
            var dataset = Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit)));
            string? name = parse.GetValue(network);
            var config = name is null ? Fitting(dataset) : NetworkCatalog.Find(name);
            if (parse.GetResult(prediction) is { Implicit: false })
                config = config with { Prediction = parse.GetValue(prediction) };
            var options = new TeacherOptions
            {
                Steps = parse.GetValue(steps),
                Batch = parse.GetValue(batch),
                MicroBatches = parse.GetValue(microBatches),
                LearningRate = parse.GetValue(rate),
                Warmup = parse.GetValue(warmup),
                Decay = parse.GetValue(decay),
                EmaDecay = parse.GetValue(ema),
                Flip = parse.GetValue(flip),
                NoiseLevels = parse.GetValue(levels),
                Weighting = parse.GetValue(weighting),
                Seed = parse.GetValue(run.Seed),
            };
            // Everything that can be refused is, before the run folder appears.
            options.Validate();
            var unet = new UNet(backend, config, options.Seed) { Execution = run.Execution(parse, ui, backend) };
            var training = new TeacherTraining(unet, dataset, options);
            var folder = run.Open(ui, parse, new JsonObject
            {
                ["kind"] = "train",
                ["network"] = JsonNode.Parse(config.ToJson()),
                ["teacher"] = RunJson.ToNode(options),
            }.WithData(dataset));
            ui.Note($"{dataset.Count} images of {dataset.Height} x {dataset.Width} x {dataset.Channels} from {dataset.Name}; {unet.Parameters.Count:N0} parameters");
            return new RunOptions.Prepared($"train {Path.GetFileName(folder.FullName)}", folder, training, [unet]);
        })));
        return new Verb(command, "bdense train --out runs/teacher", "bdense train --data cifar10.zip --network small-32 --steps 5000 --flip --out runs/cifar10");
    }

    /// <summary>The catalogue's smallest network of the images' kind, resized to them.</summary>
    private static UNetConfig Fitting(Dataset data)
    {
        var config = NetworkCatalog.Find(data.Height <= 16 ? "demo" : "small-32") with { Resolution = data.Height, ImageChannels = data.Channels };
        // Attention at the lowest level, whatever its size.
        config = config with { AttentionResolutions = [data.Height >> (config.ChannelMultipliers.Length - 1)] };
        config.Validate(data.Name);
        return config;
    }
}
