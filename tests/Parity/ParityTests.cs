using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Peers;
using NUnit.Framework;

namespace BDense.Parity;

/// <summary>The CPU reference against libtorch: every operation that libtorch has, or that a few of its operators compose; forward and gradient.</summary>
[TestFixture, Category("Libtorch")]
public sealed class ParityTests
{
    private ReferenceBackend _backend = null!;
    private Libtorch _libtorch = null!;

    [OneTimeSetUp]
    public void Open()
    {
        _libtorch = new Libtorch(Environment.ProcessorCount);
        if (_libtorch.Unavailable is { } reason)
            Assert.Ignore(reason);
        _backend = new ReferenceBackend();
    }

    [OneTimeTearDown]
    public void Close()
    {
        _backend?.Dispose();
        _libtorch.Dispose();
    }

    /// <summary>What the benchmarks time, at shapes that are small and awkward: the benchmarks' own check is this one.</summary>
    private static IEnumerable<Workload> Workloads()
    {
        foreach (var (n, c, size, k, kernel) in new[]
        {
            (1, 1, 1, 1, 1), (1, 3, 5, 7, 3), (2, 16, 8, 16, 3), (3, 33, 7, 17, 3), (2, 64, 16, 3, 3), (1, 5, 9, 4, 5), (2, 31, 6, 65, 1), (4, 128, 8, 64, 3),
        })
        {
            yield return new Convolution(n, c, size, k, kernel, Backward: false);
            yield return new Convolution(n, c, size, k, kernel, Backward: true);
        }
        yield return new GroupNormSilu(1, 4, 3);
        yield return new GroupNormSilu(3, 12, 5);
        yield return new GroupNormSilu(2, 128, 8);
        yield return new SelfAttention(1, 1, 1, 4);
        yield return new SelfAttention(2, 7, 3, 5);
        yield return new SelfAttention(2, 64, 2, 32);
        yield return new SelfAttention(1, 100, 1, 128);
        yield return new AdamEma(1);
        yield return new AdamEma(1001);
        foreach (var distance in Enum.GetValues<Distance>())
        {
            for (int branches = 1; branches <= Backend.MaxBranches; branches++)
                yield return new DenseTrajectoryLoss(3, 3, 5, branches, distance);
        }
        yield return new MatrixProduct(1, 1, 1);
        yield return new MatrixProduct(5, 7, 3);
        yield return new MatrixProduct(65, 33, 129);
    }

    [TestCaseSource(nameof(Workloads))]
    public void Benchmarked(Workload work)
    {
        using var mine = work.Start(_backend);
        mine.Run();
        var ours = mine.Results();
        foreach (var variant in _libtorch.Start(work))
        {
            using (variant)
            {
                variant.Run();
                AssertEqual(ours, variant.Results(), work.Tolerance);
            }
        }
    }

    private static IEnumerable<OpCase> Operations() => OpCases.All;

    [TestCaseSource(nameof(Operations))]
    public void Operation(OpCase @case)
    {
        var ours = @case.Ours(_backend);
        AssertEqual(ours, @case.Theirs(), 1e-5);
        Assert.That(ours, Is.Not.Empty);
    }

    [TearDown]
    public void NothingLeaks() => Assert.That(_backend.Pool.CurrentBytes, Is.Zero);

    private static void AssertEqual(Dictionary<string, float[]> ours, Dictionary<string, float[]> theirs, double tolerance)
    {
        foreach (var (name, expected) in theirs)
        {
            Assert.That(ours, Does.ContainKey(name));
            Assert.That(ours[name], Has.Length.EqualTo(expected.Length), name);
            double difference = 0, norm = 0;
            for (int i = 0; i < expected.Length; i++)
            {
                difference += Math.Pow((double)ours[name][i] - expected[i], 2);
                norm += Math.Pow(expected[i], 2);
            }
            // The constant lets results that are zero in exact arithmetic (a gradient through one pixel's norm) be rounding noise.
            Assert.That(Math.Sqrt(difference), Is.LessThanOrEqualTo(tolerance * (Math.Sqrt(norm) + 1e-2 * Math.Sqrt(expected.Length))), name);
        }
    }
}
