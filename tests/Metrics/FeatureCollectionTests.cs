using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Data;
using BDense.Training.Metrics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Statistics;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class FeatureCollectionTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Clean() => _folder.Dispose();

    private static readonly Dataset Scenes = Dataset.Open(null, new DatasetOptions(16, 300));

    private static FeatureCollection Collect(IImageFeatures features, Dataset data, CollectOptions options, int? count = null) =>
        FeatureCollection.Of(features, data.ToArray, (data.Height, data.Width, data.Channels), count ?? data.Count, options);

    [Test]
    public void The_distance_over_the_built_in_features_is_that_of_an_independent_computation()
    {
        using var backend = new ReferenceBackend(1);
        using var features = new RandomFeatures(backend, 3);
        var others = Dataset.Open(null, new DatasetOptions(16, 200, Seed: 9));
        var (a, b) = (Collect(features, Scenes, new CollectOptions { Batch = 33 }).Statistics,
            Collect(features, others, new CollectOptions { Batch = 64 }).Statistics);
        double distance = FrechetDistance.Between(a, b);

        // MathNet's own covariances, and tr (S1 S2)^(1/2) as the sum of the roots of the eigenvalues of the unsymmetric product.
        var (m1, s1) = Moments(features.Compute(Scenes.ToArray(0, 300), 16, 16, 3));
        var (m2, s2) = Moments(features.Compute(others.ToArray(0, 200), 16, 16, 3));
        double cross = (s1 * s2).Evd(Symmetricity.Asymmetric).EigenValues.Sum(e => Math.Sqrt(Math.Max(0, e.Real)));
        double expected = (m1 - m2).DotProduct(m1 - m2) + s1.Trace() + s2.Trace() - 2 * cross;
        Assert.That(expected, Is.GreaterThan(1e-4));
        Assert.That(distance, Is.EqualTo(expected).Within(1e-6 * expected + 1e-7));

        (Vector<double> Mean, Matrix<double> Covariance) Moments(float[] values)
        {
            int d = RandomFeatures.Dimension;
            double[][] columns =
                [.. Enumerable.Range(0, d).Select(k => values.Where((_, i) => i % d == k).Select(v => (double)v).ToArray())];
            return (Vector<double>.Build.Dense(d, k => columns[k].Mean()),
                Matrix<double>.Build.Dense(d, d, (i, j) => columns[i].Covariance(columns[j])));
        }
    }

    [Test]
    public void An_interrupted_collection_goes_on_to_the_same_bits()
    {
        using var backend = new ReferenceBackend(1);
        using var features = new RandomFeatures(backend, 3);
        var whole = Collect(features, Scenes, new CollectOptions { Batch = 50 });
        using var stop = new CancellationTokenSource();
        var options = new CollectOptions { Subject = "scenes", Batch = 50, StateFile = _folder["state.npz"] };
        int asked = 0;
        Assert.That(() => Collect(features, Scenes, options with
        {
            Cancellation = stop.Token,
            OnDone = done => { if (done >= 150) stop.Cancel(); },
        }),
            Throws.TypeOf<OperationCanceledException>().With.Message.Contains("150 of 300 images are kept"));
        var resumed = FeatureCollection.Of(features, (first, n) =>
        {
            asked += n;
            return Scenes.ToArray(first, n);
        }, (16, 16, 3), 300, options);
        Assert.That(asked, Is.EqualTo(150), "images that were still to do");
        Assert.That(resumed.Statistics.Covariance(), Is.EqualTo(whole.Statistics.Covariance()));
        Assert.That(resumed.Statistics.Mean(), Is.EqualTo(whole.Statistics.Mean()));
        Assert.That(resumed.Sample.ToArray().Values, Is.EqualTo(whole.Sample.ToArray().Values));

        Assert.That(() => Collect(features, Scenes, options with { Subject = "others" }),
            Throws.TypeOf<BDenseException>().With.Message.Contains("belongs to another evaluation (scenes"));
        Assert.That(() => Collect(features, Scenes, options, count: 200),
            Throws.TypeOf<BDenseException>().With.Message.Contains("300 images already, more than the 200"));
    }

    [Test]
    public void Reference_statistics_are_written_and_read_as_EDM_has_them()
    {
        using var backend = new ReferenceBackend(1);
        using var features = new RandomFeatures(backend, 3);
        var collection = Collect(features, Scenes, new CollectOptions());
        string path = _folder["reference.npz"];
        ReferenceStatistics.Write(path, collection, features.Name, Scenes.Name, (16, 16, 3));
        var read = ReferenceStatistics.Read(path);
        Assert.That(read.Mean, Is.EqualTo(collection.Statistics.Mean()));
        Assert.That(read.Covariance, Is.EqualTo(collection.Statistics.Covariance()));
        Assert.That(read.Sample!.Count, Is.EqualTo(300));
        Assert.That(read.Size, Is.EqualTo((16, 16, 3)));
        read.RequireSize(16, 16, 3, "model", path);
        Assert.That(() => read.RequireSize(8, 8, 3, "model", path),
            Throws.TypeOf<BDenseException>().With.Message.Contains("is of images of 16 x 16 x 3, model makes 8 x 8 x 3"));
        Assert.That((read.Features, read.Data), Is.EqualTo((features.Name, Scenes.Name)));
        var arrays = Npz.Read(path);
        Assert.That((arrays["mu"].Descr, arrays["sigma"].Descr), Is.EqualTo(("<f8", "<f8")));
        Assert.That(arrays["sigma"].Shape, Is.EqualTo(new[] { 64, 64 }));

        // EDM's own hold mu and sigma alone.
        Npz.Write(_folder["edm.npz"], ("mu", new NpyArray([2], new[] { 1.0, 2 })),
            ("sigma", new NpyArray([2, 2], new[] { 1, 0.5, 0.5, 2 })));
        var edm = ReferenceStatistics.Read(_folder["edm.npz"]);
        Assert.That(edm.Covariance[0, 1], Is.EqualTo(0.5));
        edm.RequireSize(8, 8, 3, "model", path);
        Npz.Write(_folder["odd.npz"], ("mu", new NpyArray([1], new[] { 1.0 })), ("sigma", new NpyArray([1, 1], new[] { 1.0 })),
            ("size", new NpyArray([2], new long[] { 8, 8 })));
        Assert.That(() => ReferenceStatistics.Read(_folder["odd.npz"]), Throws.TypeOf<BDenseException>().With.Message.Contains("'size'"));
        Assert.That(edm.Sample, Is.Null);
    }

    [Test]
    public void Statistics_that_do_not_fit_are_told_in_one_line()
    {
        using var backend = new ReferenceBackend(1);
        using var features = new RandomFeatures(backend, 3);
        Npz.Write(_folder["other.npz"], ("images", new NpyArray([1], new[] { 1.0 })));
        Npz.Write(_folder["sizes.npz"], ("mu", new NpyArray([2], new double[2])), ("sigma", new NpyArray([3, 3], new double[9])));
        Npz.Write(_folder["skew.npz"], ("mu", new NpyArray([2], new double[2])), ("sigma", new NpyArray([2, 2], new[] { 1, 0.5, 0.4, 1 })));
        Npz.Write(_folder["few.npz"], ("mu", new NpyArray([2], new double[2])), ("sigma", new NpyArray([2, 2], new[] { 1, 0.5, 0.5, 1 })));
        Fails(() => ReferenceStatistics.Read(_folder["other.npz"]), "no reference statistics: it holds images, not mu and sigma");
        Fails(() => ReferenceStatistics.Read(_folder["sizes.npz"]), "mu is [2] and sigma [3, 3]");
        Fails(() => ReferenceStatistics.Read(_folder["skew.npz"]), "sigma is no covariance: it differs from its transpose at [1, 0]");
        Fails(() => ReferenceStatistics.Read(_folder["few.npz"]).RequireFeatures(features, "few.npz"),
            "few.npz holds statistics of 2 features");
        Fails(() => (ReferenceStatistics.Read(_folder["few.npz"]) with
        {
            Mean = Vector<double>.Build.Dense(64),
            Features = "another network",
        }).RequireFeatures(features, "few.npz"),
            "was made with another network, not with random");
        _folder.Write("state.npz", File.ReadAllBytes(_folder["few.npz"]));
        Fails(() => Collect(features, Scenes, new CollectOptions { StateFile = _folder["state.npz"] }), "not the state of an evaluation");

        static void Fails(Action what, string message) =>
            Assert.That(() => what(), Throws.TypeOf<BDenseException>().With.Message.Contains(message).And.Message.Not.Contains("\n"));
    }
}
