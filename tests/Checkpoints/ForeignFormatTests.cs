using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class ForeignFormatTests
{
    private static readonly UNetConfig Ddpm = TinyNetwork.Families["ddpm"] with { Prediction = Prediction.Eps, Branches = 2, Dropout = 0 };

    private ReferenceBackend _backend = null!;
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Create() => (_backend, _folder) = (new ReferenceBackend(1), new TemporaryFolder());

    [TearDown]
    public void Dispose()
    {
        _folder.Dispose();
        _backend.Dispose();
    }

    // Without the metadata that this program adds, so that diffusers' own fields must be enough.
    [TestCase(false, false)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    public void A_diffusers_folder_comes_back_as_it_was(bool flat, bool oldNames)
    {
        var values = Save(oldNames);
        if (flat)
        {
            foreach (string file in new[] { "unet/config.json", $"unet/{DiffusersFormat.WeightsFile}", "scheduler/scheduler_config.json" })
                File.Move(_folder[file], _folder[Path.GetFileName(file)]);
        }
        using var loaded = Checkpoint.Load(_backend, _folder.Path);
        Assert.That(loaded.Config, Is.EqualTo(Ddpm));
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(values));
    }

    [Test]
    public void Projections_are_stored_apart()
    {
        Save(oldNames: false);
        var tensors = SafeTensors.Read(_folder[$"unet/{DiffusersFormat.WeightsFile}"]).Tensors;
        Assert.That(tensors["mid_block.attentions.0.to_k.weight"].Shape, Is.EqualTo(new[] { 16, 16 }));
        Assert.That(tensors.Keys.Any(k => k.Contains("qkv", StringComparison.Ordinal)), Is.False);
    }

    [TestCase("flip_sin_to_cos", "true")]
    [TestCase("downsample_padding", "1")]
    [TestCase("_class_name", "\"UNet2DConditionModel\"")]
    [TestCase("block_out_channels", "[8, 12]")]
    public void What_no_network_here_has_is_named(string field, string value)
    {
        Save(oldNames: false);
        Change(_folder["unet/config.json"], field, value);
        var e = Assert.Throws<BDenseException>(() => Checkpoint.Load(_backend, _folder.Path));
        Assert.That(e!.Message, Does.Contain("config.json").And.Contain($"'{field}'").And.Not.Contain("\n"));
    }

    [Test]
    public void Another_noise_schedule_is_named()
    {
        Save(oldNames: false);
        Change(_folder["scheduler/scheduler_config.json"], "beta_schedule", "\"squaredcos_cap_v2\"");
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("'beta_schedule'"));
    }

    [Test]
    public void A_network_that_diffusers_does_not_have_is_refused()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        Assert.That(() => DiffusersFormat.Save(_folder.Path, network), Throws.TypeOf<UsageException>().With.Message.Contains("'ddpmpp'"));
    }

    // A lone file as tools/edm_to_safetensors.py writes it: no configuration at all.
    [TestCase("demo", 1)]
    [TestCase("small-32", 3)]
    public void Tensors_of_a_known_network_name_it(string name, int branches)
    {
        var config = NetworkCatalog.Find(name) with { Branches = branches };
        using var network = TinyNetwork.Create(_backend, config, seed: 2);
        string file = _folder["lone.safetensors"];
        Checkpoint.Save(file, network);
        Strip(file, _ => _);
        using var loaded = Checkpoint.Load(_backend, file);
        Assert.That(loaded.Config, Is.EqualTo(config));
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()));
    }

    // As train_unet.py saves them: its own names for the layers of blocks and attention, and torch.compile's prefix.
    [TestCase("")]
    [TestCase("_orig_mod.")]
    public void Tensors_by_the_names_of_unet_cu_are_its_network(string prefix)
    {
        var config = NetworkCatalog.FindUNet("unet-cu");
        using var network = TinyNetwork.Create(_backend, config, seed: 2);
        string file = _folder["lone.safetensors"];
        Checkpoint.Save(file, network);
        var theirs = new Dictionary<string, string>
        {
            ["in_layers.0"] = "gn1",
            ["in_layers.2"] = "cv3_1",
            ["emb_layers.1"] = "l_emb",
            ["out_layers.0"] = "gn2",
            ["out_layers.3"] = "cv3_2",
            ["norm"] = "gn",
            ["proj_out"] = "proj",
        };
        int renamed = 0;
        Strip(file, name =>
        {
            foreach (var (ours, other) in theirs)
            {
                if (!name.Contains($".{ours}.", StringComparison.Ordinal))
                    continue;
                renamed++;
                name = name.Replace($".{ours}.", $".{other}.", StringComparison.Ordinal);
            }
            return prefix + name;
        });
        // Ten of each of 22 blocks, four of each of 11 attentions.
        Assert.That(renamed, Is.EqualTo(22 * 10 + 11 * 4));
        using var loaded = Checkpoint.Load(_backend, file);
        Assert.That(loaded.Config, Is.EqualTo(config));
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()));
    }

    [Test]
    public void A_tensor_that_is_there_by_both_its_names_is_named()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Families["guided"], seed: 1);
        string file = _folder[Checkpoint.ModelFile];
        Checkpoint.Save(_folder.Path, network);
        var tensors = SafeTensors.Read(file).Tensors;
        var one = tensors["middle_block.1.proj_out.bias"];
        SafeTensors.Write(file,
            [.. tensors.Select(t => (t.Key, t.Value.Shape, t.Value.Data)), ("middle_block.1.proj.bias", one.Shape, one.Data)]);
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("twice").And.Message.Contains("middle_block.1.proj"));
    }

    private float[] Save(bool oldNames)
    {
        using var network = TinyNetwork.Create(_backend, Ddpm, seed: 1);
        DiffusersFormat.Save(_folder.Path, network);
        Strip(_folder[$"unet/{DiffusersFormat.WeightsFile}"],
            name => !oldNames ? name : name.Replace(".to_q.", ".query.", StringComparison.Ordinal)
            .Replace(".to_k.", ".key.", StringComparison.Ordinal).Replace(".to_v.", ".value.", StringComparison.Ordinal)
            .Replace(".to_out.0.", ".proj_attn.", StringComparison.Ordinal));
        return network.Parameters.Values.ToArray();
    }

    private static void Strip(string file, Func<string, string> rename) =>
        SafeTensors.Write(file, [.. SafeTensors.Read(file).Tensors.Select(t => (rename(t.Key), t.Value.Shape, t.Value.Data))]);

    private static void Change(string file, string field, string value)
    {
        var o = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        o[field] = JsonNode.Parse(value);
        File.WriteAllText(file, o.ToJsonString());
    }
}
