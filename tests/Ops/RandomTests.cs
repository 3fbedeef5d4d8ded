using BDense.Cases;
using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>Philox against its authors' vectors; the moments of the sequences; the mask that dropout never stores.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.CpuAndGpus))]
internal sealed class RandomTests(string device)
{
    private const int Count = 200_000;
    private Backends.Lease? _lease;
    private Backend _backend = null!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [SetUp]
    public void Take() => _backend = _lease!.Backend;

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    // Random123, kat_vectors, philox4x32 with 10 rounds.
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [TestCase(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u,
        0x24126ea1u)]
    public void Philox_gives_the_known_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        var block = Philox.Rounds(c0, c1, c2, c3, k0, k1);
        Assert.That(new[] { block.X, block.Y, block.Z, block.W }, Is.EqualTo(new[] { x, y, z, w }));
    }

    /// <summary>Mean, variance, skewness and kurtosis, each within five of its standard errors.</summary>
    private static void AssertMoments(float[] values, double mean, double variance, double kurtosis, double sixth)
    {
        double m1 = values.Average(v => (double)v);
        double m2 = values.Average(v => Math.Pow(v - mean, 2)), m3 = values.Average(v => Math.Pow(v - mean, 3)),
            m4 = values.Average(v => Math.Pow(v - mean, 4));
        double Error(double moment) => 5 * Math.Sqrt(moment / values.Length);
        Assert.That(m1, Is.EqualTo(mean).Within(Error(variance)), "mean");
        Assert.That(m2, Is.EqualTo(variance).Within(Error(kurtosis)), "variance");
        Assert.That(m3, Is.Zero.Within(Error(sixth)), "third moment");
        Assert.That(m4, Is.EqualTo(kurtosis).Within(Error(105 * Math.Pow(variance, 4))), "fourth moment");
    }

    [Test]
    public void Uniform_numbers_have_the_moments_of_a_uniform_distribution()
    {
        using var y = _backend.Empty(new(Count));
        _backend.RandomUniform(new RandomKey(5, 6), y);
        var values = y.ToArray();
        AssertMoments(values, 0.5, 1 / 12.0, 1 / 80.0, 1 / 448.0);
        Assert.That(values, Has.All.GreaterThan(0f).And.All.LessThan(1f));
    }

    [Test]
    public void Normal_numbers_have_the_moments_of_a_normal_distribution()
    {
        using var y = _backend.Empty(new(Count));
        _backend.RandomNormal(new RandomKey(5, 6), y);
        AssertMoments(y.ToArray(), 0, 1, 3, 15);
    }

    [Test]
    public void A_sequence_goes_on_where_its_offset_says()
    {
        var key = new RandomKey(9, 1);
        using Tensor whole = _backend.Empty(new(400)), rest = _backend.Empty(new(300));
        _backend.RandomNormal(key, whole);
        _backend.RandomNormal(key.Skip(25), rest);
        Assert.That(rest.ToArray(), Is.EqualTo(whole.ToArray()[100..]));
    }

    [Test]
    public void Streams_and_seeds_are_unrelated()
    {
        using Tensor a = _backend.Empty(new(Count)), b = _backend.Empty(new(Count));
        foreach (var other in new[] { new RandomKey(5, 7), new RandomKey(6, 6), new RandomKey(5, 6, Count) })
        {
            _backend.RandomNormal(new RandomKey(5, 6), a);
            _backend.RandomNormal(other, b);
            double correlation = a.ToArray().Zip(b.ToArray(), (x, y) => (double)x * y).Average();
            Assert.That(correlation, Is.Zero.Within(5 / Math.Sqrt(Count)), $"{other}");
        }
    }

    [Test]
    public void Dropout_keeps_the_mean_and_masks_the_gradient_alike([Values(0.1f, 0.5f, 0.9f)] float p)
    {
        var key = new RandomKey(11, 3, 1000);
        using Tensor x = _backend.Empty(new(Count)), y = _backend.Empty(new(Count)), dy = _backend.Empty(new(Count)),
            dx = _backend.Empty(new(Count));
        _backend.Fill(x, 3f);
        _backend.Fill(dy, -1f);
        _backend.Dropout(x, p, key, y);
        _backend.Dropout(dy, p, key, dx);
        var (forward, backward) = (y.ToArray(), dx.ToArray());
        Assert.That(forward.Average(), Is.EqualTo(3).Within(5 * 3 * Math.Sqrt(p / (1 - p) / Count)));
        for (int i = 0; i < Count; i++)
        {
            bool kept = Philox.Uniform(key, i) >= p;
            if (kept != (forward[i] != 0) || kept != (backward[i] != 0))
                Assert.Fail($"element {i}: {(kept ? "kept" : "dropped")} by the host, forward {forward[i]}, backward {backward[i]}");
        }
    }
}
