using BDense.Cases;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>Every fused operation equals the composition of plain ones, on each device.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.All))]
internal sealed class FusionTests(string device)
{
    private Backends.Lease? _lease;
    private Backend _backend = null!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [SetUp]
    public void Take() => _backend = _lease!.Backend;

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    private Tensor Normal(uint stream, Shape shape)
    {
        var random = new Random((int)stream);
        var values = new float[shape.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = Values.Normal(random, i);
        return _backend.FromArray(values, shape);
    }

    private static void AssertClose(Tensor got, Tensor expected, string what)
    {
        var (a, b) = (got.ToArray(), expected.ToArray());
        Assert.That(b, Is.Not.All.EqualTo(b[0]), $"{what}: a constant proves nothing");
        for (int i = 0; i < a.Length; i++)
            Assert.That(a[i], Is.EqualTo(b[i]).Within(2e-5 * (1 + Math.Abs(b[i]))), $"{what}[{i}]");
    }

    private static IEnumerable<string> Names => Fusions.Names;

    /// <summary>
    /// The laboratory's cases: forward, and the gradients of inputs and parameters, of the fused run, the composition and the third
    /// variant.
    /// </summary>
    [TestCaseSource(nameof(Names))]
    public void Every_variant_computes_the_same(string fusion)
    {
        var config = TinyRuns.Config with { ModelChannels = 16, AttentionResolutions = [2, 4], Groups = 8 };
        using var network = new Network(_backend, config, seed: 1);
        // Weights of which none is 0, as those of the last convolutions are at the start.
        foreach (var parameter in network.Parameters.All)
        {
            _backend.RandomNormal(new RandomKey(1, 9, (ulong)parameter.Offset), parameter.Value);
            _backend.Scale(parameter.Value, 0.2f, parameter.Value);
        }
        int cases = 0;
        foreach (var make in new FusionCases(network, 2, 1).All([Fusions.Find(fusion)]))
        {
            using var c = make();
            cases++;
            var fused = c.ResultsOf(c.Fused);
            Assert.That(fused, Is.Not.Empty);
            Assert.That(fused.Values.Select(values => values.Distinct().Count()), Has.Some.GreaterThan(2),
                $"{c.Shapes}: a constant proves nothing");
            AssertEqual(c, c.ResultsOf(c.Unfused), fused, "unfused");
            if (c.HasOwnGeometry)
                AssertEqual(c, c.ResultsOf(c.UnfusedSameGeometry!), fused, "same geometry");
            // GroupNorm finds a sample in a processor's cache: the reference composes.
            if (device == "cpu" && fusion != Fusion.ConvMoments.Name)
                Assert.That(FusionLab.Measure(_backend, new DeviceSpeed(1e9, 1e12, 0), c, TimeSpan.Zero).Composed, Is.False,
                    "the reference has a kernel for each");
        }
        Assert.That(cases, Is.EqualTo(fusion switch { "trajectory-loss" => 4, "precondition-step" or "resample-conv" => 2, _ => 1 }));
    }

    private static void AssertEqual(FusionCase c, IReadOnlyDictionary<string, float[]> got, IReadOnlyDictionary<string, float[]> expected,
        string variant)
    {
        Assert.That(got.Keys, Is.EquivalentTo(expected.Keys));
        foreach (var (name, values) in expected)
        {
            // Rounding is that of sums, whose terms are as large as the largest result.
            double scale = values.Max(Math.Abs), error = values.Zip(got[name]).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.That(error, Is.LessThanOrEqualTo(3e-5 * scale), $"{c.Name}, K = {c.Branches}, {c.Shapes}: {name}, {variant}");
            Assert.That(values, Is.All.Matches<float>(float.IsFinite));
        }
    }

    /// <summary>With a learning rate and a norm above the clipping norm, and parameter by parameter.</summary>
    [Test]
    public void An_update_is_clipping_then_Adam_then_the_average([Values] bool oneByOne)
    {
        using var network = new Network(_backend, TinyRuns.Config, seed: 1);
        var p = network.Parameters;
        p.EnableGradients();
        var results = new List<float[][]>();
        using Tensor start = p.CopyValues(), gradients = Random(3), squaredNorm = _backend.Empty(new Shape(1));
        _backend.SumOfSquares(gradients, squaredNorm);
        double squared = squaredNorm.ToArray()[0];
        foreach (bool fused in new[] { true, false })
        {
            using Tensor m = Random(4), v = _backend.Zeros(p.Values.Shape), ema = Random(5);
            foreach (var parameter in p.All)
            {
                using var own = v.View(parameter.Offset, parameter.Shape);
                _backend.Fill(own, 0.5f);
            }
            _backend.Copy(start, p.Values);
            _backend.Copy(gradients, p.Gradients!);
            var step = new AdamStep(1e-2f, 3, WeightDecay: 0.1f, GradientScale: 0.5f, ClipNorm: 2f, EmaDecay: 0.9f);
            if (fused)
                _backend.Adam(step, p.Values, p.Gradients!, m, v, ema, squaredNorm);
            else
                PlainAdam.Run(step, p.All, p.Values, p.Gradients!, m, v, ema, squaredNorm, squared, oneByOne);
            results.Add([p.Values.ToArray(), m.ToArray(), v.ToArray(), ema.ToArray()]);
        }
        for (int i = 0; i < results[0].Length; i++)
            Assert.That(results[1][i], Is.EqualTo(results[0][i]).Within(1e-5), $"{i}");
        Assert.That(results[0][0], Is.Not.EqualTo(start.ToArray()));

        // What lies between parameters is nobody's: a parameter at a time does not visit it.
        Tensor Random(uint stream)
        {
            var flat = _backend.Zeros(p.Values.Shape);
            foreach (var parameter in p.All)
            {
                using var own = flat.View(parameter.Offset, parameter.Shape);
                _backend.RandomNormal(new RandomKey(1, stream, (ulong)parameter.Offset), own);
            }
            return flat;
        }
    }

    [Test]
    public void GroupNorm_with_SiLU_is_GroupNorm_then_SiLU([Values] bool adaptive)
    {
        var fused = new GroupNormShape(2, 12, 8, 2, 1e-5f, true);
        var plain = fused with { Silu = false };
        using Tensor x = Normal(1, fused.Activation), gamma = Normal(2, new(8)), beta = Normal(3, new(8)),
            scaleShift = Normal(4, fused.ScaleShift), dy = Normal(5, fused.Activation);
        using Tensor y1 = _backend.Empty(fused.Activation), stats1 = _backend.Empty(fused.Stats), u = _backend.Empty(fused.Activation),
            y2 = _backend.Empty(fused.Activation), stats2 = _backend.Empty(fused.Stats);
        _backend.GroupNorm(fused, x, gamma, beta, adaptive ? scaleShift : null, y1, stats1);
        _backend.GroupNorm(plain, x, gamma, beta, adaptive ? scaleShift : null, u, stats2);
        _backend.Silu(u, y2);
        AssertClose(y1, y2, "y");
        AssertClose(stats1, stats2, "stats");

        using Tensor dx1 = _backend.Empty(x.Shape), dgamma1 = _backend.Zeros(new(8)), dbeta1 = _backend.Zeros(new(8)),
            dss1 = _backend.Empty(fused.ScaleShift);
        using Tensor du = _backend.Empty(x.Shape), dx2 = _backend.Empty(x.Shape), dgamma2 = _backend.Zeros(new(8)),
            dbeta2 = _backend.Zeros(new(8)), dss2 = _backend.Empty(fused.ScaleShift);
        _backend.GroupNormBackward(fused, dy, x, stats1, gamma, beta, adaptive ? scaleShift : null, dx1, dgamma1, dbeta1, adaptive ? dss1
            : null);
        _backend.SiluBackward(dy, u, du);
        _backend.GroupNormBackward(plain, du, x, stats2, gamma, beta, adaptive ? scaleShift : null, dx2, dgamma2, dbeta2, adaptive ? dss2
            : null);
        AssertClose(dx1, dx2, "dx");
        AssertClose(dgamma1, dgamma2, "dgamma");
        AssertClose(dbeta1, dbeta2, "dbeta");
        if (adaptive)
            AssertClose(dss1, dss2, "dscaleShift");
    }

    [Test]
    public void The_trajectory_loss_is_a_chain_of_plain_operations([Values] Distance rho, [Values(1, 3, 8)] int branches, [Values]
    bool branchByBranch)
    {
        const float Delta = 0.25f;
        var s = new TrajectoryShape(2, 6, 3, branches);
        using Tensor x0 = Normal(1, s.State), heads = Normal(2, s.Heads), targets = Normal(3, s.States), skip = Normal(4, s.PerBranch),
            map = Normal(5, s.Map), weights = Normal(6, s.PerBranch);
        using Tensor dheads = _backend.Empty(s.Heads), losses = _backend.Empty(s.Losses), dheads2 = _backend.Empty(s.Heads),
            losses2 = _backend.Empty(s.Losses);
        OpCost fused = default, plain = default;
        _backend.OnOp = (_, cost) => fused += cost;
        _backend.TrajectoryLoss(s, rho, Delta, x0, heads, targets, skip, map, weights, dheads, losses);
        _backend.OnOp = (_, cost) => plain += cost;
        PlainTrajectoryLoss.Run(s, rho, Delta, x0, heads, targets, skip, map, weights, dheads2, losses2, branchByBranch);
        _backend.OnOp = null;
        AssertClose(dheads2, dheads, "dheads");
        AssertClose(losses2, losses, "losses");
        Assert.That((double)plain.Bytes / fused.Bytes, Is.GreaterThan(branches == 1 ? 3.5 : 4));
    }

    [Test]
    public void Preconditioning_then_a_step_is_the_trajectory_map([Values] BranchLayout layout, [Values(1, 3)] int branches, [Values]
    Prediction prediction)
    {
        var config = TinyRuns.Config with { Prediction = prediction, SigmaData = 0.5 };
        var s = new TrajectoryShape(2, 6, 3, branches);
        double[] nodes =
            [.. Enumerable.Range(0, 2 * (branches + 1)).Select(i => 5.0 * Math.Pow(0.6, i % (branches + 1)) * (1 + i / (branches + 1)))];
        using Tensor x0 = Normal(1, s.State), heads = Normal(2, s.Heads), states = _backend.Empty(s.States),
            plain = _backend.Empty(s.States);
        var (skip, map) = TrajectoryMap.Of(layout, prediction, 0.5, nodes, branches, 2).Upload(_backend);
        using var skipOwner = skip;
        using var mapOwner = map;
        _backend.TrajectoryStates(s, x0, heads, skip, map, states);
        PlainStep.States(layout, config, s, x0, heads, nodes, plain);
        AssertClose(plain, states, "states");
    }

    [Test]
    public void The_trajectory_loss_is_states_then_distance_then_the_gradient_of_states([Values] Distance rho,
        [Values(1, 3, 8)] int branches)
    {
        const float Delta = 0.25f;
        var s = new TrajectoryShape(2, 6, 3, branches);
        using Tensor x0 = Normal(1, s.State), heads = Normal(2, s.Heads), targets = Normal(3, s.States), skip = Normal(4, s.PerBranch),
            map = Normal(5, s.Map), weights = Normal(6, s.PerBranch);
        using Tensor dheads = _backend.Empty(s.Heads), losses = _backend.Empty(s.Losses);
        _backend.TrajectoryLoss(s, rho, Delta, x0, heads, targets, skip, map, weights, dheads, losses);

        using Tensor states = _backend.Empty(s.States), dheads2 = _backend.Empty(s.Heads);
        _backend.TrajectoryStates(s, x0, heads, skip, map, states);
        var (x, y, w) = (states.ToArray(), targets.ToArray(), weights.ToArray());
        var expected = new double[1 + branches];
        int elements = s.Pixels * s.C;
        for (int i = 0; i < x.Length; i++)
        {
            int n = i / elements % s.N, b = i / elements / s.N;
            double d = (double)x[i] - y[i], root = Math.Sqrt(d * d + Delta * Delta);
            var (value, derivative) = rho switch
            {
                Distance.L1 => (Math.Abs(d), Math.Sign(d)),
                Distance.L2 => (d * d, 2 * d),
                _ => (root - Delta, d / root),
            };
            double weight = w[n * branches + b];
            expected[0] += weight * value;
            expected[1 + b] += value;
            x[i] = (float)(weight * derivative);
        }
        using var dstates = _backend.FromArray(x, s.States);
        _backend.TrajectoryStatesBackward(s, dstates, map, dheads2);
        AssertClose(dheads, dheads2, "dheads");
        Assert.That(losses.ToArray(), Is.EqualTo(expected.Select(v => (float)v)).Within(1e-3).Percent);
    }

    [Test]
    public void Attention_is_products_and_softmax([Values(1, 2)] int heads)
    {
        var (y1, g1) = Attend(heads, Fusions.All);
        var (y2, g2) = Attend(heads, Fusions.None);
        Assert.That(y2, Is.EqualTo(y1).Within(2e-5));
        Assert.That(g2, Is.EqualTo(g1).Within(2e-5));
        Assert.That(g1.Max(), Is.GreaterThan(0.01));
    }

    private (float[] Y, float[] Gradient) Attend(int heads, Fusions fusions)
    {
        using Tensor qkv = Normal(1, new Shape(2, 3, 2, 24)), dy = Normal(2, new Shape(2, 3, 2, 8));
        using var tape = new Tape(_backend, recording: true) { Execution = new Execution(fusions) };
        var x = tape.Input(qkv, requiresGradient: true);
        var y = tape.Attention(x, heads);
        var values = y.Data.ToArray();
        tape.Backward(y, dy);
        return (values, x.Gradient!.ToArray());
    }
}
