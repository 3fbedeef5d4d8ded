using BDense.Cases;
using BDense.Cases.Ops;
using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>
/// Statistics by way of blocks' moments are as exact as those of two passes over the image: far from 0, where sums of squares would lose
/// every digit, and of a constant.
/// </summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.All))]
internal sealed class MomentsTests(string device)
{
    private Backends.Lease? _lease;
    private Backend _backend = null!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [SetUp]
    public void Take() => _backend = _lease!.Backend;

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    /// <summary>A row of the case list weighs all of a tensor's elements together; here each has its own size.</summary>
    [TestCase(0f, 1f), TestCase(1000f, 1f), TestCase(-4096f, 0.25f), TestCase(3f, 0f)]
    public void Means_and_squares_are_each_exact(float mean, float deviation)
    {
        var s = new MomentsShape(2, 32, 6);
        float[] values = Values(s.Activation, mean, deviation);
        using Tensor x = _backend.FromArray(values, s.Activation), moments = _backend.Empty(s.Moments);
        _backend.Moments(s, x, moments);
        var expected = new double[s.Moments.Length];
        MomentsCases.Of(s, OpCase.Widen([values])[0], expected);
        float[] got = moments.ToArray();
        for (int i = 0; i < got.Length; i += 2)
        {
            Assert.That(got[i], Is.EqualTo(expected[i]).Within(1e-6 * (Math.Abs(mean) + deviation)), $"mean of block {i / 2}");
            Assert.That(got[i + 1], Is.EqualTo(expected[i + 1]).Within(3e-5 * expected[i + 1] + 1e-9), $"squares of block {i / 2}");
        }
    }

    [TestCase(0f, 1f), TestCase(1000f, 1f), TestCase(3f, 0f)]
    public void A_normalisation_of_them_is_that_of_the_image(float mean, float deviation)
    {
        // Chunks of several blocks, the last of them shorter; groups of three blocks of channels.
        var s = new GroupNormShape(2, 80, 12, 2, 1e-5f, Silu: false);
        float[] values = Values(s.Activation, mean, deviation);
        using Tensor x = _backend.FromArray(values, s.Activation), gamma = Constant(s.C, 1), beta = Constant(s.C, 0),
            moments = _backend.Empty(s.Moments.Moments), y = _backend.Empty(s.Activation), stats = _backend.Empty(s.Stats),
            factors = _backend.Empty(s.ScaleShift), same = _backend.Empty(s.Stats);
        _backend.Moments(s.Moments, x, moments);
        _backend.GroupNorm(s, x, gamma, beta, null, y, stats, moments);
        _backend.GroupNormFactors(s, x, gamma, beta, null, factors, same, moments);
        double[] ones = [.. Enumerable.Repeat(1.0, s.C)], expected = new double[s.Activation.Length],
            expectedStats = new double[s.Stats.Length];
        GroupNormCases.Forward(s, OpCase.Widen([values])[0], ones, new double[s.C], null, expected, expectedStats);
        float[] got = stats.ToArray(), normalised = y.ToArray();
        for (int i = 0; i < got.Length; i += 2)
        {
            Assert.That(got[i], Is.EqualTo(expectedStats[i]).Within(1.5e-7 * Math.Abs(mean) + 1e-6), $"mean of group {i / 2}");
            Assert.That(got[i + 1], Is.EqualTo(expectedStats[i + 1]).Within(1e-5 * expectedStats[i + 1]),
                $"1 / deviation of group {i / 2}");
        }
        Assert.That(same.ToArray(), Is.EqualTo(got));
        for (int i = 0; i < expected.Length; i++)
            Assert.That(normalised[i], Is.EqualTo(expected[i]).Within(2e-7 * Math.Abs(mean) + 1e-5), $"y[{i}]");
    }

    [Test]
    public void What_is_no_whole_block_is_refused()
    {
        using Tensor x = _backend.Zeros(new Shape(1, 24, 4)), y = _backend.Empty(x.Shape), moments = _backend.Empty(new Shape(1, 1, 4)),
            channels = Constant(4, 1), stats = _backend.Empty(new Shape(1, 4, 2));
        Assert.That(() => _backend.Moments(new MomentsShape(1, 24, 4), x, moments),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("Moments: 24 pixels of 4 channels are not whole blocks of 16 pixels"));
        Assert.That(() => _backend.GroupNorm(new GroupNormShape(1, 24, 4, 4, 1e-5f, false), x, channels, channels, null, y, stats, moments),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("GroupNorm: 24 pixels of groups of 1 channels are not whole blocks"));
        var shape = Conv2dShape.Same(1, 4, 6, 4, 4, 1);
        using var w = _backend.Zeros(shape.Weight);
        Assert.That(() => _backend.FusedConv2d(shape, x, w, default, new ConvolutionEpilogue(null, Moments: moments), y),
            Throws.TypeOf<BDenseException>().With.Message.Contains("not whole blocks of 16 pixels and 2 channels"));
    }

    private static float[] Values(Shape shape, float mean, float deviation)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, shape.Length).Select(i => mean + deviation * Cases.Values.Normal(random, i))];
    }

    private Tensor Constant(int count, float value)
    {
        var x = _backend.Empty(new Shape(count));
        _backend.Fill(x, value);
        return x;
    }
}
