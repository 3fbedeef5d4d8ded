using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Training.Runs;

/// <summary>The network that a run made, as one samples with it.</summary>
public static class TrainedNetwork
{
    /// <summary>From the run's newest checkpoint: the moving average if there is one, else the weights.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="folder">The run.</param>
    /// <param name="average">Whether the moving average is wanted.</param>
    /// <exception cref="BDenseException">The run has no checkpoint yet, or a damaged or foreign one.</exception>
    public static INetwork Load(Backend backend, RunFolder folder, bool average = true) => Checked(backend, Newest(folder, average));

    /// <summary>A run folder, a checkpoint folder or a safetensors file.</summary>
    /// <exception cref="BDenseException">None of these, or damaged.</exception>
    public static INetwork Load(Backend backend, string path) =>
        Directory.Exists(Path.Combine(path, RunFolder.CheckpointsFolder)) ? Load(backend, RunFolder.Existing(path))
            : Checked(backend, path);

    /// <summary>
    /// The file or checkpoint folder that <see cref="Load(Backend, string)"/> would read now, as a full path: what is to be remembered
    /// of a network that something else depends on, since its run may go on.
    /// </summary>
    /// <exception cref="BDenseException">The run has no checkpoint yet.</exception>
    public static string Find(string path) =>
        Path.GetFullPath(Directory.Exists(Path.Combine(path, RunFolder.CheckpointsFolder)) ? Newest(RunFolder.Existing(path), average: true)
            : path);

    /// <summary>
    /// SHA-256 of the network that <see cref="Load(Backend, string)"/> reads there: equal for equal weights and configuration, wherever
    /// they lie.
    /// </summary>
    /// <param name="path">As there.</param>
    /// <param name="config">The network's, as it was read.</param>
    /// <exception cref="BDenseException">The run has no checkpoint yet.</exception>
    public static string Fingerprint(string path, NetworkConfig config) => Checkpoint.Fingerprint(Find(path), config);

    /// <summary>A network that begins with the weights of another, which may have been trained with other dropout.</summary>
    /// <param name="backend">Where it is to live.</param>
    /// <param name="config">What it is to be.</param>
    /// <param name="path">The other one's, as of <see cref="Load(Backend, string)"/>.</param>
    /// <exception cref="BDenseException">Nothing there, damaged, or built otherwise; the message says in what.</exception>
    public static INetwork LoadAs(Backend backend, NetworkConfig config, string path)
    {
        using (var start = Load(backend, path))
            RequireSame(start.Config, config);
        var network = new Network(backend, config, seed: null);
        try
        {
            Checkpoint.LoadInto(network, Find(path));
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <exception cref="BDenseException">Weights of one do not mean the same in the other.</exception>
    internal static void RequireSame(NetworkConfig start, NetworkConfig config)
    {
        // Dropout is no weight.
        if (RunJson.Difference(Node(start with { Dropout = config.Dropout }), Node(config)) is { } difference)
            throw new BDenseException($"the weights to begin with are of another network: {difference}");

        static JsonNode Node(NetworkConfig c) => JsonNode.Parse(c.ToJson())!;
    }

    private static INetwork Checked(Backend backend, string path)
    {
        CheckpointCheck.Require(path, backend.OnNotice);
        return Checkpoint.Load(backend, path);
    }

    private static string Newest(RunFolder folder, bool average)
    {
        string checkpoint = folder.Latest ?? throw new BDenseException($"{folder.FullName} has no checkpoint yet");
        string ema = Path.Combine(checkpoint, Optimizer.EmaFile);
        return average && File.Exists(ema) ? ema : checkpoint;
    }
}
