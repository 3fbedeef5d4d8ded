using BDense.Kernels;
using BDense.Training.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class OnnxFeaturesTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Clean() => _folder.Dispose();

    // A pixel's byte b is b / 127.5 - 1.
    private static float[] Images(int count, int pixels, int channels) =>
        [.. Enumerable.Range(0, count * pixels * channels).Select(i => (float)((i * 37 % 256) / 127.5 - 1))];

    [TestCase(true, 3)]
    [TestCase(false, 3)]
    [TestCase(true, 0)]
    public void A_networks_features_are_those_of_the_images_bytes(bool takesBytes, int declared)
    {
        using var features = new OnnxFeatures(_folder.Write("means.onnx", TinyOnnx.ChannelMeans(takesBytes, declared)));
        float[] images = Images(5, 6 * 4, 3);
        float[] computed = features.Compute(images, 6, 4, 3);
        Assert.That(features.Dimension, Is.EqualTo(3));
        Assert.That(features.Name, Does.StartWith("means.onnx (SHA-256 "));
        for (int i = 0; i < 5; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                double mean = Enumerable.Range(0, 24).Average(p => ((i * 24 + p) * 3 + c) * 37 % 256);
                Assert.That(computed[i * 3 + c], Is.EqualTo(mean).Within(1e-3), $"image {i}, channel {c}");
            }
        }
    }

    [Test]
    public void Images_become_bytes_as_a_picture_file_would_hold_them()
    {
        Assert.That(OnnxFeatures.ToBytes([-1, 1, 0, -3, 3, 254 / 127.5f - 1], 1, 6, 1, 1),
            Is.EqualTo(new byte[] { 0, 255, 128, 0, 255, 254 }));
        Assert.That(OnnxFeatures.ToBytes([-1, 1], 1, 2, 1, 3), Is.EqualTo(new byte[] { 0, 255, 0, 255, 0, 255 }), "grey, repeated");
        Assert.That(OnnxFeatures.ToBytes([-1, 0, 1, 1, 0, -1], 1, 2, 3, 3), Is.EqualTo(new byte[] { 0, 255, 128, 128, 255, 0 }), "planes");
    }

    [Test]
    public void What_does_not_fit_is_told_in_one_line()
    {
        string junk = _folder.Write("junk.onnx", "no network"u8);
        Fails(() => new OnnxFeatures(_folder["none.onnx"]), "none.onnx: no such file");
        Fails(() => new OnnxFeatures(junk), "junk.onnx: not an ONNX network that can be run");
        Fails(() => new OnnxFeatures(_folder.Write("empty.onnx", [])), "empty.onnx: not an ONNX network");
        Fails(() => new OnnxFeatures(_folder.Write("two.onnx", TinyOnnx.ChannelMeans(outputs: 2))),
            "has 2 outputs, none of them named 'features'");
        using var fixedSize = new OnnxFeatures(_folder.Write("fixed.onnx", TinyOnnx.ChannelMeans(side: 8)));
        Fails(() => fixedSize.Compute(Images(1, 16, 3), 4, 4, 3), "takes images of 8 x 8 alone, not 4 x 4");
        Fails(() => fixedSize.Compute(Images(1, 64, 4), 8, 8, 4), "takes images of 3 channels, not 4");

        static void Fails(Func<object> what, string message)
        {
            var e = Assert.Catch<BDenseException>(() => what())!;
            Assert.That(e.Message, Does.Contain(message).And.Not.Contain("\n"));
        }
    }
}
