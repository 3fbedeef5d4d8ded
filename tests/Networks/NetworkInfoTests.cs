using System.Security.Cryptography;
using System.Text;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class NetworkInfoTests
{
    // Their authors' own counts of parameters and state_dict keys; that of pd-cifar10 is worked out beside the network. That of unet-cu
    // is what the class in its train_unet.py has in PyTorch, and is worked out beside the network too.
    [TestCase("edm-cifar10", 1, 55_733_891, 425)]
    [TestCase("edm-cifar10-cond", 1, 55_735_299, 427)]
    [TestCase("sfd-cifar10", 1, 60_396_419, 495)]
    [TestCase("sfd-cifar10", 4, 60_417_164, 495)]
    [TestCase("edm-ffhq64", 1, 61_805_571, 553)]
    [TestCase("edm-afhqv2-64", 1, 61_805_571, 553)]
    [TestCase("edm-imagenet64", 1, 295_899_267, 553)]
    [TestCase("sfd-imagenet64", 1, 324_100_611, 629)]
    [TestCase("ddpm-cifar10", 1, 35_746_307, 328)]
    [TestCase("ddpm-cifar10", 2, 35_749_766, 328)]
    [TestCase("ddpm-cifar10", 4, 35_756_684, 328)]
    [TestCase("pd-cifar10", 1, 60_004_099, 454)]
    [TestCase("unet-cu", 1, 20_494_211, 326)]
    public void Counts_are_those_of_the_originals(string name, int branches, long parameters, int keys)
    {
        var info = NetworkInfo.Describe(NetworkCatalog.Find(name) with { Branches = branches });
        Assert.Multiple(() =>
        {
            Assert.That(info.Parameters, Is.EqualTo(parameters));
            Assert.That(info.Keys, Has.Count.EqualTo(keys));
            Assert.That(info.Keys.Select(k => k.Name).Distinct().Count(), Is.EqualTo(keys));
        });
    }

    // SHA-256 of the keys, one a line, as PyTorch lists them: EDM's ImageNet-64 network (from SADD's model_keys_dhariwal.txt), and
    // google/ddpm-cifar10-32 as "name [shape]"; likewise guided-diffusion's own class with unet.cu's options, and EDM's EDMPrecond of a
    // SongUNet as its train.py makes it for CIFAR-10 and for FFHQ and AFHQv2 (--cres=1,2,2,2).
    [TestCase("edm-imagenet64", false, "020422410b6bcb84a0301b7dfc0b81cdc809acc6659a067b927c4fd695b9e5f9")]
    [TestCase("edm-cifar10", true, "c1a36d4b71068313f8e5055f4f7e53cd136a24710724e9a357573b31bac216cc")]
    [TestCase("edm-ffhq64", true, "6e97d5efb3dadefe2138a0bdf7cdeffdd71b2e8b5d1834e1098e135af0b4d2e1")]
    [TestCase("edm-afhqv2-64", true, "6e97d5efb3dadefe2138a0bdf7cdeffdd71b2e8b5d1834e1098e135af0b4d2e1")]
    [TestCase("ddpm-cifar10", true, "36ec2fb0b1839ddfcef926ad630889bc9741069f392c5e265e766472973b70a0")]
    [TestCase("unet-cu", true, "1a398a3d6774c4c14ef6479f9ee2f3b03692141ee615530587bbd2eee7d2645a")]
    public void The_list_of_keys_is_the_published_one(string name, bool shapes, string hash) =>
        CheckKeys(NetworkCatalog.Find(name), shapes, hash);

    // guided-diffusion's class again: its ImageNet-64 network without the variances (learn_sigma), and unet.cu's with conv_resample True.
    [Test]
    public void The_list_of_keys_is_that_of_guided_diffusion()
    {
        var small = NetworkCatalog.FindUNet("unet-cu");
        var imageNet = small with
        {
            ModelChannels = 192,
            BlocksPerLevel = 3,
            AttentionResolutions = [32, 16, 8],
            ChannelsPerHead = 64,
            LabelCount = 1000,
            Resampler = Resampler.Block,
            AdaptiveScale = true,
        };
        CheckKeys(imageNet, true, "90baee12a02ec77a7c4c24989d4ac7a2c7b87b5844a342346b1c4fd22d6cdb29");
        CheckKeys(small with { Resampler = Resampler.Convolution }, true,
            "74f81e14982cdc8055fb6cd9e52be720b1ece2a07921690f06080915ce17a600");
    }

    private static void CheckKeys(NetworkConfig config, bool shapes, string hash)
    {
        var lines = NetworkInfo.Describe(config).Keys.Select(k => shapes ? $"{k.Name} [{string.Join(", ", k.Shape)}]\n" : $"{k.Name}\n");
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines)));
        Assert.That(Convert.ToHexStringLower(digest), Is.EqualTo(hash));
    }

    [TestCase("model.map_augment.weight", new[] { 128, 9 })]
    [TestCase("model.map_layer0.weight", new[] { 512, 128 })]
    [TestCase("model.enc.32x32_conv.weight", new[] { 128, 3, 3, 3 })]
    [TestCase("model.enc.32x32_block0.skip.weight", new[] { 256, 128, 1, 1 })]
    [TestCase("model.enc.16x16_block3.qkv.weight", new[] { 768, 256, 1, 1 })]
    [TestCase("model.enc.8x8_down.conv0.resample_filter", new[] { 1, 1, 2, 2 })]
    [TestCase("model.enc.8x8_down.skip.weight", new[] { 256, 256, 1, 1 })]
    [TestCase("model.dec.8x8_in0.proj.bias", new[] { 256 })]
    [TestCase("model.dec.16x16_up.skip.resample_filter", new[] { 1, 1, 2, 2 })]
    [TestCase("model.dec.16x16_block4.norm2.weight", new[] { 256 })]
    [TestCase("model.dec.32x32_block4.conv0.weight", new[] { 256, 384, 3, 3 })]
    [TestCase("model.dec.32x32_aux_conv.weight", new[] { 3, 256, 3, 3 })]
    public void Keys_have_the_names_and_shapes_of_EDM(string key, int[] shape)
    {
        var keys = NetworkInfo.Describe(NetworkCatalog.FindUNet("edm-cifar10")).Keys.ToDictionary(k => k.Name, k => k.Shape);
        Assert.That(keys, Does.ContainKey(key));
        Assert.That(keys[key], Is.EqualTo(shape));
    }

    [Test]
    public void Attention_in_the_decoder_is_in_the_last_block_of_a_level_alone()
    {
        var keys = NetworkInfo.Describe(NetworkCatalog.FindUNet("edm-cifar10")).Keys;
        string[] expected = ["enc.16x16_block0", "enc.16x16_block1", "enc.16x16_block2", "enc.16x16_block3", "dec.8x8_in0",
            "dec.16x16_block4"];
        Assert.That(keys.Where(k => k.Name.EndsWith("qkv.weight", StringComparison.Ordinal)).Select(k => k.Name.Split('.', 2)[1][..^11]),
            Is.EqualTo(expected));
    }

    // One more head is a 3x3 convolution 256 -> 3 at 32x32.
    [TestCase(2)]
    [TestCase(4)]
    public void Added_cost_of_branches_is_the_wider_last_convolution(int branches)
    {
        var info = NetworkInfo.Describe(NetworkCatalog.FindUNet("edm-cifar10") with { Branches = branches });
        Assert.Multiple(() =>
        {
            Assert.That(info.AddedParameters, Is.EqualTo((branches - 1) * (256 * 9 * 3 + 3)));
            Assert.That(info.AddedMacs, Is.EqualTo((branches - 1) * 32L * 32 * 256 * 9 * 3));
            Assert.That(info.AddedMacs / (double)info.Macs, Is.LessThan(0.002));
        });
    }

    [Test]
    public void Macs_of_a_network_counted_by_hand()
    {
        // One level at 4x4, 8 channels, one block: conv in; block0; in0 with attention, in1; block0 and block1 on 16 channels; conv out.
        var config = new UNetConfig { Resolution = 4, ModelChannels = 8, ChannelMultipliers = [1], BlocksPerLevel = 1 };
        const long Pixels = 16, C = 8, Emb = 32;
        long conv = Pixels * 9 * C * C, affine = Emb * C;
        long plain = 2 * conv + affine, concat = 3 * conv + affine + Pixels * 2 * C * C;
        long attention = Pixels * 4 * C * C + 2 * Pixels * Pixels * C;
        long mapping = C * Emb + Emb * Emb;
        long ends = 2 * Pixels * 9 * 3 * C;
        Assert.That(NetworkInfo.Describe(config).Macs, Is.EqualTo(mapping + ends + 3 * plain + attention + 2 * concat));
    }

    [Test]
    public void Peak_memory_grows_with_batch_and_with_training()
    {
        var config = NetworkCatalog.FindUNet("edm-cifar10");
        long parameters = 4 * NetworkInfo.Describe(config).Parameters;
        long sampling = NetworkInfo.PeakBytes(config, 1, training: false), training = NetworkInfo.PeakBytes(config, 1, training: true);
        Assert.Multiple(() =>
        {
            Assert.That(sampling, Is.GreaterThan(parameters));
            Assert.That(training, Is.GreaterThan(5 * parameters));
            Assert.That(NetworkInfo.PeakBytes(config, 8, training: true), Is.GreaterThan(training));
        });
    }
}
