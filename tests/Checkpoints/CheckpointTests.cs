using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class CheckpointTests
{
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

    [TestCase("")]
    [TestCase("run/ema.safetensors")]
    public void A_network_comes_back_as_it_was(string relative)
    {
        string path = _folder[relative];
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        Checkpoint.Save(path, network, metadata: new Dictionary<string, string> { ["step"] = "7" });
        using var loaded = Checkpoint.Load(_backend, path);
        Assert.That(loaded.Config, Is.EqualTo(network.Config));
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()));
    }

    [Test]
    public void Another_buffer_of_values_can_be_written()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        using var average = network.Parameters.CopyValues();
        _backend.Scale(average, 0.5f, average);
        Checkpoint.Save(_folder.Path, network, average);
        using var loaded = Checkpoint.Load(_backend, _folder.Path);
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(average.ToArray()));
    }

    [Test]
    public void Fourier_frequencies_travel_with_the_checkpoint()
    {
        var config = TinyNetwork.Config with { Embedding = NoiseEmbedding.Fourier };
        using var network = TinyNetwork.Create(_backend, config, seed: 1);
        Checkpoint.Save(_folder.Path, network);
        Rewrite(tensors => tensors["model.map_noise.freqs"].Data[0] = 0.125f);
        using var loaded = Checkpoint.Load(_backend, _folder.Path);
        Assert.That(loaded.Constants.Single(c => c.Name == "model.map_noise.freqs").Values[0], Is.EqualTo(0.125f));
        using var copy = loaded.Clone();
        using var x = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, 1), 1);
        using Tensor before = new Denoiser(network).Denoise(x, 9), after = new Denoiser(loaded).Denoise(x, 9),
            again = new Denoiser(copy).Denoise(x, 9);
        Assert.That(after.ToArray(), Is.Not.EqualTo(before.ToArray()));
        Assert.That(again.ToArray(), Is.EqualTo(after.ToArray()));
    }

    [Test]
    public void A_state_dict_without_the_resampling_filters_is_accepted()
    {
        Save();
        Rewrite(tensors => tensors.Remove("model.enc.4x4_down.conv0.resample_filter"));
        using var loaded = Checkpoint.Load(_backend, _folder.Path);
        Assert.That(loaded.Parameters.Count, Is.GreaterThan(0));
    }

    [Test]
    public void Tensors_that_do_not_fit_are_named_in_one_line()
    {
        Save();
        Rewrite(tensors =>
        {
            tensors.Remove("model.enc.8x8_conv.bias");
            foreach (string name in tensors.Keys.Where(k => k.EndsWith("norm1.weight", StringComparison.Ordinal)).ToArray())
                tensors.Remove(name);
            tensors["model.extra"] = new HostTensor([1], [1f]);
            tensors["model.map_layer0.bias"] = new HostTensor([4, 8], new float[32]);
        });
        var e = Assert.Throws<BDenseException>(() => Checkpoint.Load(_backend, _folder.Path));
        Assert.That(e!.Message, Does.Contain("model.safetensors").And.Contain("missing: model.dec.").And.Contain(", ...")
            .And.Contain("1 surplus: model.extra").And
            .Contain("1 misshapen: model.map_layer0.bias is [4, 8], expected [32]").And.Not.Contain("\n"));
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero);
    }

    [Test]
    public void Another_resampling_filter_is_refused()
    {
        Save();
        Rewrite(tensors => tensors["model.enc.4x4_down.conv0.resample_filter"].Data[0] = 0.5f);
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("resample_filter"));
    }

    [Test]
    public void A_cut_file_is_refused()
    {
        Save();
        string file = _folder[Checkpoint.ModelFile];
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^100]);
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("model.safetensors"));
    }

    [Test]
    public void A_file_without_a_configuration_is_refused()
    {
        SafeTensors.Write(_folder["lone.safetensors"], [("a", [1], [1f])], null);
        Assert.That(() => Checkpoint.Load(_backend, _folder["lone.safetensors"]),
            Throws.TypeOf<BDenseException>().With.Message.Contains("config.json"));
    }

    [Test]
    public void A_place_without_a_checkpoint_is_named()
    {
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("no model.safetensors"));
        Assert.That(() => Checkpoint.Load(_backend, _folder["nothing"]),
            Throws.TypeOf<BDenseException>().With.Message.Contains("there is no checkpoint"));
    }

    [Test]
    public void A_configuration_that_was_broken_by_hand_is_named()
    {
        Save();
        File.WriteAllText(_folder[Checkpoint.ConfigFile], "{ \"resolution\": }");
        Assert.That(() => Checkpoint.Load(_backend, _folder.Path), Throws.TypeOf<BDenseException>().With.Message.Contains("config.json"));
    }

    private void Save()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        Checkpoint.Save(_folder.Path, network);
    }

    private void Rewrite(Action<Dictionary<string, HostTensor>> change)
    {
        string file = _folder[Checkpoint.ModelFile];
        var contents = SafeTensors.Read(file);
        var tensors = new Dictionary<string, HostTensor>(contents.Tensors);
        change(tensors);
        SafeTensors.Write(file, tensors.Select(t => (t.Key, t.Value.Shape, t.Value.Data)).ToList(), contents.Metadata);
    }
}
