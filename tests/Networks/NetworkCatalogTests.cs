using System.Text;
using BDense.Kernels;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class NetworkCatalogTests
{
    private const string Good = """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2] }""";

    [Test]
    public void Every_network_survives_JSON()
    {
        foreach (string name in NetworkCatalog.Names)
        {
            var config = NetworkCatalog.Find(name);
            Assert.That(NetworkConfig.FromJson(config.ToJson(), name), Is.EqualTo(config));
        }
    }

    // Run folders hold this text, and fingerprints are made from it.
    [Test]
    public void The_text_of_a_configuration_stays_as_it_was() =>
        Assert.That((NetworkCatalog.FindUNet("demo") with { ModelChannels = 16 }).ToJson().Split('\n').Select(line => line.Trim()),
            Is.EqualTo("""
            {
            "family": "ddpmpp",
            "resolution": 16,
            "imageChannels": 3,
            "modelChannels": 16,
            "channelMultipliers": [
            1,
            2
            ],
            "blocksPerLevel": 1,
            "attentionResolutions": [
            8
            ],
            "channelsPerHead": 0,
            "embeddingMultiplier": 4,
            "embedding": "positional",
            "dropout": 0,
            "skipScale": 0.70710677,
            "groups": 0,
            "epsilon": 1E-06,
            "labelCount": 0,
            "augmentCount": 0,
            "stepCondition": false,
            "branches": 1,
            "prediction": "edm",
            "noiseInput": "logSigma",
            "sigmaData": 0.5
            }
            """.Split('\n')));

    [Test]
    public void A_file_is_a_network_too()
    {
        using var folder = new TemporaryFolder();
        var config = NetworkCatalog.FindUNet(folder.Write("mine.json", Encoding.UTF8.GetBytes(Good)));
        Assert.That((config.Resolution, config.ChannelMultipliers[1], config.Prediction), Is.EqualTo((8, 2, Prediction.Edm)));
    }

    [Test]
    public void An_unknown_name_lists_the_known() =>
        Assert.That(() => NetworkCatalog.Find("edm-cifar11"), Throws.TypeOf<UsageException>().With.Message.Contains("edm-cifar10-cond"));

    // A file of tensors alone cannot say with which dropout it was trained: both names, so that whoever reads it can say so.
    [Test]
    public void Networks_of_the_same_tensors_are_both_found()
    {
        var shapes = NetworkInfo.Describe(NetworkCatalog.Find("edm-afhqv2-64")).Keys.ToDictionary(k => k.Name, k => k.Shape);
        var found = NetworkCatalog.Identify(shapes);
        Assert.That(found.Select(known => (known.Name, known.Config.Dropout)),
            Is.EqualTo(new[] { ("edm-ffhq64", 0.05f), ("edm-afhqv2-64", 0.25f) }));
        Assert.That(found[0].Config with { Dropout = 0.25f }, Is.EqualTo(found[1].Config));
    }

    [Test]
    public void A_missing_file_is_named() =>
        Assert.That(() => NetworkCatalog.Find("no/such.json"), Throws.TypeOf<BDenseException>().With.Message.Contains("no/such.json"));

    [TestCase("""{ "resolution": 8""", "mine.json")]
    [TestCase("null", "mine.json")]
    [TestCase("[]", "mine.json")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8 }""", "missing: 'channelMultipliers'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2], "chanels": 3 }""",
        "'chanels': there is no such field")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": "2,2" }""",
        "'channelMultipliers': expected a list of whole numbers")]
    [TestCase("""{ "resolution": "big", "modelChannels": 8, "channelMultipliers": [1, 2] }""", "'resolution'")]
    [TestCase("""{ "resolution": 7, "modelChannels": 8, "channelMultipliers": [1, 2] }""", "'resolution'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 9, "channelMultipliers": [1, 2] }""", "'modelChannels'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [] }""", "'channelMultipliers'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": null }""", "'channelMultipliers'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "attentionResolutions": [4] }""",
        "'attentionResolutions'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "prediction": "score" }""",
        "'prediction': expected one of edm, eps, x, v")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "dropout": 1 }""", "'dropout'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "branches": 9 }""", "'branches'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "family": "vit" }""", "'family'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "family": "ddpmp" }""", "did you mean 'ddpmpp'?")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "skipScale": 1e60 }""", "'skipScale'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "resampler": "block" }""", "'resampler'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "adaptiveScale": true }""", "'adaptiveScale'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "qkvByHead": true }""", "'qkvByHead'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "embeddingPeriod": 1000 }""", "'embeddingPeriod'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "family": "guided", "embeddingPeriod": 1 }""",
        "'embeddingPeriod'")]
    [TestCase("""{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "family": "guided", "resampler": "bilinear" }""",
        "'resampler'")]
    public void A_bad_configuration_is_named_with_its_field_in_one_line(string json, string mentioned)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("mine.json", Encoding.UTF8.GetBytes(json));
        var e = Assert.Throws<BDenseException>(() => NetworkCatalog.Find(path));
        Assert.That(e!.Message, Does.Contain("mine.json").And.Contain(mentioned).And.Not.Contain("\n").And.Not.Contain("System."));
    }

    [TestCase(140, 0, "groups")]
    [TestCase(320, 0, "channelsPerHead")]
    [TestCase(64, 48, "channelsPerHead")]
    public void Channels_that_do_not_divide_are_refused(int channels, int perHead, string mentioned)
    {
        var config = new UNetConfig { Resolution = 8, ModelChannels = channels, ChannelMultipliers = [1], ChannelsPerHead = perHead };
        Assert.That(() => NetworkInfo.Describe(config), Throws.TypeOf<BDenseException>().With.Message.Contains(mentioned));
    }
}
