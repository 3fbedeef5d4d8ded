using BDense.Benchmarks.Workloads;
using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Peers;
using NUnit.Framework;
using static TorchSharp.torch;
using Tensor = BDense.Kernels.Tensor;

namespace BDense.Parity;

/// <summary>
/// The CPU reference against libtorch: every operation that libtorch has, or that a few of its operators compose; forward and gradient.
/// </summary>
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

    /// <summary>
    /// What the benchmarks time, at shapes that are small and awkward: the benchmarks' own check is this one. They are not the case list's,
    /// since what is checked is the peers' code, which takes square images, half the kernel as padding, and EDM's number of groups.
    /// </summary>
    private static IEnumerable<Workload> Workloads()
    {
        foreach (var (n, c, size, k, kernel) in new[]
        {
            (1, 1, 1, 1, 1), (1, 3, 5, 7, 3), (2, 16, 8, 16, 3), (3, 33, 7, 17, 3), (2, 64, 16, 3, 3), (1, 5, 9, 4, 5), (2, 31, 6, 65, 1),
            (4, 128, 8, 64, 3),
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

    /// <summary>Every row of the case list that libtorch can do.</summary>
    private static IEnumerable<OpCase> Operations() => CaseList.Of(CaseSize.Small).Where(TorchOps.Takes);

    [TestCaseSource(nameof(Operations))]
    public void Operation(OpCase row)
    {
        var start = row.Start();
        using var tensors = new CaseTensors(_backend, row, start);
        row.Run(_backend, tensors.Operands);
        var results = tensors.Results();
        var ours = row.Operands.Select((o, k) => (o, k)).Where(p => p.o.Role != Role.Input).ToDictionary(p => p.o.Name, p => results[p.k]);
        Dictionary<string, float[]> theirs;
        using (NewDisposeScope())
            theirs = TorchOps.All[row.Op](new CaseValues(row, start));
        Assert.That(theirs, Is.Not.Empty);
        // A row that cancels, or rounds its inputs, says so by its tolerance.
        AssertEqual(ours, theirs, Math.Max(1e-5, Math.Sqrt(row.Tolerance.Nmse)));
    }

    [Test]
    public void Every_operation_with_a_counterpart_is_held_to_it() =>
        Assert.That(Operations().Select(row => row.Op).Distinct(), Is.EquivalentTo(TorchOps.All.Keys));

    /// <summary>
    /// Five steps with decoupled weight decay and no clipping. Its states begin at zero in libtorch: no row of the case list does.
    /// </summary>
    [Test]
    public void Adam_with_weight_decay()
    {
        const int Length = 777;
        const float Rate = 1e-2f, Decay = 0.1f;
        var shape = new Shape(Length);
        using Tensor p = _backend.FromArray(Workload.Uniform(Length, 0), shape), m = _backend.Zeros(shape), v = _backend.Zeros(shape),
            norm = _backend.Empty(new(1));
        using var scope = NewDisposeScope();
        using var theirs = new TorchSharp.Modules.Parameter(tensor(Workload.Uniform(Length, 0)));
        using var adam = optim.AdamW([theirs], Rate, weight_decay: Decay);
        for (int step = 1; step <= 5; step++)
        {
            float[] gradient = Workload.Uniform(Length, step);
            using var g = _backend.FromArray(gradient, shape);
            _backend.SumOfSquares(g, norm);
            _backend.Adam(new AdamStep(Rate, step, WeightDecay: Decay), p, g, m, v, null, norm);
            theirs.grad = tensor(gradient);
            adam.step();
        }
        AssertEqual(new() { ["p"] = p.ToArray() }, new() { ["p"] = Layout.Values(theirs) }, 1e-5);
    }

    /// <summary>One pair of scale and shift after another, as one: a composition of the autodiff layer, no operation.</summary>
    [Test]
    public void Composed_scales_and_shifts()
    {
        const int N = 3, C = 16;
        var shape = new Shape(N, 2 * C);
        float[][] values = [.. Enumerable.Range(1, 3).Select(seed => Workload.Uniform(shape.Length, seed))];
        using Tensor p = _backend.FromArray(values[0], shape), q = _backend.FromArray(values[1], shape),
            dy = _backend.FromArray(values[2], shape);
        using var tape = new Tape(_backend, recording: true);
        Variable first = tape.Input(p, requiresGradient: true), second = tape.Input(q, requiresGradient: true);
        var y = tape.ComposeScaleShift(first, second);
        float[] composed = y.Data.ToArray();
        tape.Backward(y, dy);
        using var scope = NewDisposeScope();
        Torch a = CaseValues.Leaf(tensor(values[0], N, 2 * C)), b = CaseValues.Leaf(tensor(values[1], N, 2 * C));
        Torch scale = a.narrow(1, 0, C), shift = a.narrow(1, C, C), scaleAfter = b.narrow(1, 0, C), shiftAfter = b.narrow(1, C, C);
        var whole = cat([(scale + 1f) * (scaleAfter + 1f) - 1f, shift * (scaleAfter + 1f) + shiftAfter], 1);
        var d = autograd.grad([whole], [a, b], [tensor(values[2], N, 2 * C)]);
        AssertEqual(new() { ["y"] = composed, ["dp"] = first.Gradient!.ToArray(), ["dq"] = second.Gradient!.ToArray() },
            new() { ["y"] = Layout.Values(whole), ["dp"] = Layout.Values(d[0]), ["dq"] = Layout.Values(d[1]) }, 1e-5);
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
            Assert.That(Math.Sqrt(difference),
                Is.LessThanOrEqualTo(tolerance * (Math.Sqrt(norm) + 1e-2 * Math.Sqrt(expected.Length))), name);
        }
    }
}
