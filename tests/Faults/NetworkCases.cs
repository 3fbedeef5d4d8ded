using System.Text;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using BDense.Tests.Training;

namespace BDense.Tests.Faults;

/// <summary>Networks: configurations and weights, our own and diffusers'.</summary>
internal static class NetworkCases
{
    private static readonly UNetConfig Ddpm = TinyNetwork.Families["ddpm"] with { Prediction = Prediction.Eps, Branches = 2, Dropout = 0 };

    public static IReadOnlyList<ReaderCase> All { get; } =
    [
        new("network's configuration", SampleFormat.Json, folder =>
        {
            string file = folder.Write("net.json", Encoding.UTF8.GetBytes((TinyNetwork.Families["guided with blocks"]).ToJson()));
            return new Sample(file, () => _ = NetworkCatalog.Find(file));
        }),
        new("configuration beside weights", SampleFormat.Json, folder => Saved(folder, TinyRuns.Config, Checkpoint.ConfigFile)),
        new("network's weights", SampleFormat.SafeTensors, folder =>
        {
            var sample = Saved(folder, TinyRuns.Config, Checkpoint.ModelFile);
            // The file alone: its metadata hold the configuration.
            File.Delete(folder[Checkpoint.ConfigFile]);
            return sample;
        }) { Mutations = 250 },
        new("diffusers' network configuration", SampleFormat.Json, folder => Diffusers(folder, "unet/config.json")) { Mutations = 250 },
        new("diffusers' scheduler", SampleFormat.Json, folder => Diffusers(folder, "scheduler/scheduler_config.json")) { Mutations = 250 },
        new ReaderCase("diffusers' weights", SampleFormat.SafeTensors,
            folder => Diffusers(folder, $"unet/{DiffusersFormat.WeightsFile}")) with { Mutations = 250 },
        new("safetensors", SampleFormat.SafeTensors, folder =>
        {
            string file = folder.Write("x.safetensors", AllTypes());
            SafeTensors.Write(folder["other.safetensors"], [("w", [3], [1, 2, 3]), ("more", [2, 2], [1, 2, 3, 4])]);
            return new Sample(file, () => SafeTensors.Read(file), File.ReadAllBytes(folder["other.safetensors"]));
        }),
    ];

    private static Sample Saved(TemporaryFolder folder, UNetConfig config, string file)
    {
        var backend = new ReferenceBackend(1);
        using (var network = TinyNetwork.Create(backend, config, seed: 1))
            Checkpoint.Save(folder.Path, network);
        return Loaded(backend, folder, file);
    }

    private static Sample Diffusers(TemporaryFolder folder, string file)
    {
        var backend = new ReferenceBackend(1);
        using (var network = TinyNetwork.Create(backend, Ddpm, seed: 1))
            DiffusersFormat.Save(folder.Path, network);
        // Without what this program adds, so that diffusers' own fields count.
        string weights = folder[$"unet/{DiffusersFormat.WeightsFile}"];
        SafeTensors.Write(weights, [.. SafeTensors.Read(weights).Tensors.Select(t => (t.Key, t.Value.Shape, t.Value.Data))]);
        return Loaded(backend, folder, file);
    }

    private static Sample Loaded(ReferenceBackend backend, TemporaryFolder folder, string file) =>
        new(folder[file], () => Checkpoint.Load(backend, folder.Path).Dispose())
        {
            Close = backend.Dispose,
        };

    private static byte[] AllTypes()
    {
        string header = """
            {"__metadata__":{"format":"pt","a":"b"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "h":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},
            "b":{"dtype":"BF16","shape":[2,1,2],"data_offsets":[32,40]},"d":{"dtype":"F64","shape":[],"data_offsets":[40,48]},
            "e":{"dtype":"F32","shape":[0,7],"data_offsets":[48,48]}}
            """;
        return [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header),
            .. Enumerable.Range(0, 48).Select(i => (byte)(i * 5))];
    }
}
