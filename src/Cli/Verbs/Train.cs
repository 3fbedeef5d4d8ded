using System.CommandLine;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

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
            Description = $"A network: {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json). Without it a small "
                + "one that fits the images.",
            HelpName = "NAME",
        };
        var steps = Numbers.Int("--steps", "Optimizer updates.", (int)defaults.Steps, min: 1, max: Most.Updates);
        var batch = Numbers.Int("--batch", "Images an update.", defaults.Batch, min: 1, max: Most.Batch);
        var microBatches = Numbers.Int("--micro-batches", "Passes whose gradients are summed for one update; saves memory.", 1, min: 1,
            max: Most.Batch);
        var rate = Numbers.Real("--lr", "Learning rate.", defaults.LearningRate, min: 0, max: Most.LearningRate, above: true);
        var warmup = Numbers.Int("--warmup", "Updates until the learning rate is at its full height.", (int)defaults.Warmup, min: 0,
            max: Most.Updates);
        var decay = CommonOptions.Choice("--decay", "How the learning rate falls.", defaults.Decay);
        var ema = Numbers.Real("--ema", "Decay of the weights' moving average; 0 for none.", defaults.EmaDecay, min: 0, max: 1,
            below: true);
        var flip = new Option<bool>("--flip") { Description = "Mirror half of the images." };
        var prediction = CommonOptions.Choice("--prediction", "What the network predicts.", Prediction.Edm);
        var levels = CommonOptions.Choice("--noise-levels",
            "What noise levels it learns: EDM's log-normal ones, or progressive distillation's.", defaults.NoiseLevels);
        var weighting = CommonOptions.Choice("--weighting", "Weight of an error in the denoised image by its noise level.",
            defaults.Weighting);
        var init = new Option<string?>("--init")
        {
            Description = "Weights to begin with: a run folder, a checkpoint folder or a .safetensors file, of one branch. Without "
                + "--network their network is taken.",
            HelpName = "PATH",
        };
        var run = new RunOptions("runs/teacher", "steps");
        var command = new Command("train", "Trains a diffusion teacher and writes a run folder.")
        {
            data, resolution, limit, network, init, prediction, levels, weighting, steps, batch, microBatches, rate, warmup,
            decay, ema, flip,
        };
        run.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(run.Execute(ui, parse, cancellation, backend =>
        {
            string? name = parse.GetValue(network);
            using var start = parse.GetValue(init) is { } weights ? TrainedNetwork.Load(backend, weights) : null;
            var given = name is null ? start?.Config : NetworkCatalog.Find(name);
            var dataset = Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit))
            {
                Channels = given?.ImageChannels ?? 0,
                OnNotice = ui.Note,
            });
            var config = given ?? Fitting(dataset);
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
            var execution = run.Execution(parse, ui, backend);
            int atOnce = options.Batch / options.MicroBatches;
            var validation = run.Watch.Validation(parse, ui, config, dataset, parse.GetValue(resolution), atOnce);
            TeacherTraining Dry(Backend dry, int images) =>
                new(new Network(dry, config, seed: null) { Execution = execution with { Graph = false } }, dataset,
                    options with { Batch = images, MicroBatches = 1 });
            var need = run.Need(parse, backend,
                MemoryPlan.Of(backend, atOnce, Dry, profiles: run.Watch.Profiles(parse).Count,
                    isWatched: run.Watch.IsWatched(parse)), $"training {atOnce} images at once",
                "a smaller --batch, more --micro-batches or --recompute");
            // A dry run of what does not fit computes nothing either.
            var nowhere = need.Fits ? null : new DryRunBackend();
            var unet = nowhere is not null ? new Network(nowhere, config, seed: null)
                : parse.GetValue(init) is { } from ? TrainedNetwork.LoadAs(backend, config, from)
                : new Network(backend, config, options.Seed);
            unet.Execution = execution;
            var training = new TeacherTraining(unet, dataset, options);
            var asked = new JsonObject
            {
                ["kind"] = "train",
                ["network"] = JsonNode.Parse(config.ToJson()),
                ["teacher"] = RunJson.ToNode(options),
            }.WithData(dataset);
            if (start is not null)
                asked.WithNetwork(RunData.InitKey, TrainedNetwork.Find(parse.GetValue(init)!),
                    TrainedNetwork.Fingerprint(parse.GetValue(init)!, start.Config));
            return new RunOptions.Prepared("train", asked, options.Length(), training, need, atOnce,
                nowhere is null ? [unet] : [unet, nowhere])
            {
                Validation = validation,
                Note = $"{dataset.Count} images of {dataset.Height} x {dataset.Width} x {dataset.Channels} from {dataset.Name}; "
                    + $"{unet.Parameters.Count:N0} parameters",
            };
        })));
        return new Verb(command, "bdense train --out runs/teacher", "bdense train --init runs/teacher --data photos --out runs/photos",
            "bdense train --data cifar10.zip --network small-32 --steps 5000 --flip --out runs/cifar10");
    }

    /// <summary>The catalogue's smallest network of the images' kind, resized to them.</summary>
    private static UNetConfig Fitting(Dataset data)
    {
        var config = NetworkCatalog.FindUNet(data.Height <= 16 ? "demo" : "small-32") with
        {
            Resolution = data.Height,
            ImageChannels = data.Channels,
        };
        // Attention at the lowest level, whatever its size.
        int step = 1 << (config.ChannelMultipliers.Length - 1);
        if (data.Height % step != 0)
            throw new BDenseException(
                $"{data.Name}: images of {data.Height} rows do not halve {config.ChannelMultipliers.Length - 1} times, as the network "
                    + $"does: give --resolution with a multiple of {step}, a --network of your own, or resize the images beforehand");
        config = config with { AttentionResolutions = [data.Height >> (config.ChannelMultipliers.Length - 1)] };
        config.Validate(data.Name);
        return config;
    }
}
