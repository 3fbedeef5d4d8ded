using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense info</c>: a network's parameters, state_dict keys and multiply-adds, and what K branches add.</summary>
internal static class Info
{
    public static Verb Verb(Ui ui)
    {
        var network = new Option<string?>("--network")
        {
            Description = $"A network: {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json).",
            HelpName = "NAME",
        };
        var model = new Option<string?>("--model")
        {
            Description = "Instead: a run folder, a checkpoint folder or a .safetensors file; its fingerprint too.",
            HelpName = "PATH",
        };
        var configuration = new Option<string?>("--config")
        {
            Description = "Print the whole configuration of a network (a name, a .json file) or of a model (a folder, a .safetensors file) "
                + "as JSON: a file to start from, which --network reads.",
            HelpName = "NAME",
        };
        var branches = Numbers.Int("--branches", "K, the heads of the last convolution; 1 to 8.", 1, min: 1, max: Backend.MaxBranches);
        var keys = new Option<bool>("--keys") { Description = "List every state_dict key with its shape." };
        var json = CommonOptions.Json();
        var command = new Command("info", "Prints a network's parameters, state_dict keys and multiply-adds, and what K branches add.")
        {
            network, model, configuration, branches, keys, json,
        };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            string? path = parse.GetValue(model), printed = parse.GetValue(configuration);
            if (new[] { path, printed, parse.GetValue(network) }.Count(given => given is not null) != 1)
                throw new UsageException("info describes one thing: give --network NAME, --model PATH or --config NAME");
            if (printed is not null)
            {
                if (parse.GetValue(keys))
                    throw new UsageException("--config prints the configuration alone; --keys goes with --network or --model");
                Print(ui, printed, parse.GetResult(branches) is { Implicit: false } ? parse.GetValue(branches) : null);
                return;
            }
            if (path is not null && parse.GetResult(branches) is { Implicit: false })
                throw new UsageException("--branches is for --network; a model has its own");
            string name = path ?? parse.GetValue(network)!;
            var (found, fingerprint) = path is null ? (NetworkCatalog.Find(name), null) : Model(ui, path);
            // A configuration file may ask for branches itself; the option counts where it is given.
            var config = parse.GetResult(branches) is { Implicit: false } ? found with { Branches = parse.GetValue(branches) } : found;
            var info = NetworkInfo.Describe(config);
            ui.Json(new
            {
                network = name,
                fingerprint,
                branches = config.Branches,
                parameters = info.Parameters,
                macs = info.Macs,
                addedParameters = info.AddedParameters,
                addedMacs = info.AddedMacs,
                tensors = info.Keys.Count,
                keys = info.Keys.Select(k => new { name = k.Name, shape = k.Shape }),
            });
            ui.Line($"network      {name}: {config.ImageChannels} x {config.Resolution} x {config.Resolution}, {config.Branches} branch"
                + $"{(config.Branches == 1 ? "" : "es")}");
            if (fingerprint is not null)
                ui.Line($"fingerprint  SHA-256 {fingerprint}");
            ui.Line(string.Create(CultureInfo.InvariantCulture, $"parameters   {info.Parameters:N0}"));
            ui.Line(string.Create(CultureInfo.InvariantCulture, $"tensors      {info.Keys.Count} state_dict keys"));
            ui.Line(string.Create(CultureInfo.InvariantCulture, $"MACs         {info.Macs:N0} for one sample"));
            if (config.Branches > 1)
            {
                ui.Line(string.Create(CultureInfo.InvariantCulture,
                    $"{config.Branches} branches add  {info.AddedParameters:N0} parameters ("
                        + $"{Share(info.AddedParameters, info.Parameters)}) and {info.AddedMacs:N0} MACs ("
                        + $"{Share(info.AddedMacs, info.Macs)})"));
            }
            if (parse.GetValue(keys))
                ui.Table(["key", "shape"], info.Keys.Select(k => new[] { k.Name, string.Join(" x ", k.Shape) }));
        });
        return new Verb(command, "bdense info --network edm-cifar10", "bdense info --network edm-cifar10 --branches 4 --json",
            "bdense info --model runs/teacher", "bdense info --config edm-ffhq64 > mine.json");
    }

    /// <summary>A configuration as its file has it: nothing else comes on standard output, with --json and without.</summary>
    private static void Print(Ui ui, string nameOrPath, int? branches)
    {
        bool isModel = !NetworkCatalog.Names.Contains(nameOrPath)
            && (Directory.Exists(nameOrPath) || nameOrPath.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase));
        var config = isModel ? Model(ui, nameOrPath).Config : NetworkCatalog.Find(nameOrPath);
        if (branches is { } k)
        {
            if (isModel && k != config.Branches)
                throw new UsageException($"--branches is for networks; {nameOrPath} has {config.Branches}");
            config = config with { Branches = k };
        }
        foreach (string line in config.ToJson().Split('\n'))
            ui.Output.WriteLine(line.TrimEnd('\r'));
    }

    /// <summary>A model's configuration and fingerprint; it is read whole and checked, as everything that samples it does.</summary>
    private static (NetworkConfig Config, string? Fingerprint) Model(Ui ui, string path)
    {
        using var backend = new ReferenceBackend(1) { OnNotice = ui.Note };
        using var network = TrainedNetwork.Load(backend, path);
        return (network.Config, TrainedNetwork.Fingerprint(path, network.Config));
    }

    /// <summary>What was added, as a share of the network without it.</summary>
    private static string Share(long added, long total) =>
        (100.0 * added / (total - added)).ToString("0.0000", CultureInfo.InvariantCulture) + "%";
}
