using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Autodiff;

public sealed class GradientTests
{
    private const int Samples = 2;

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void CreateBackend() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void DisposeBackend() => _backend.Dispose();

    // L(p) = <G, F(x; p)>. Along u = g/|g| of one tensor the slope is |g|: the largest signal that float32 can be asked for.
    [TestCase("ddpmpp", true)]
    [TestCase("ddpmpp", false)]
    [TestCase("ddpmpp with a step", true)]
    [TestCase("adm", true)]
    [TestCase("adm with a step", true)]
    [TestCase("ddpm", true)]
    [TestCase("pd", true)]
    [TestCase("guided", true)]
    [TestCase("guided", false)]
    [TestCase("guided with convolutions", true)]
    [TestCase("guided with blocks", true)]
    public void Gradients_of_a_whole_network_are_its_slopes(string family, bool fused)
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Families[family], seed: 3);
        network.Parameters.EnableGradients();
        using var pass = new Pass(network, Samples, fused);
        pass.Run(backward: true);
        float[] values = network.Parameters.Values.ToArray(), gradients = network.Parameters.Gradients!.ToArray();
        double total = Norm(gradients);
        Assert.That(total, Is.GreaterThan(1));

        Assert.Multiple(() =>
        {
            foreach (var p in network.Parameters.All)
            {
                var direction = new double[values.Length];
                double norm = Norm(gradients.AsSpan(p.Offset, p.Shape.Length));
                if (norm < 1e-3 * total)
                    continue;
                for (int i = p.Offset; i < p.Offset + p.Shape.Length; i++)
                    direction[i] = gradients[i] / norm;
                Assert.That(Slope(pass, values, direction), Is.EqualTo(norm).Within(1e-2 * norm + 1e-4 * total), p.Name);
            }
            for (ulong seed = 0; seed < 4; seed++)
            {
                // A random direction, weighted by the gradient's own size so that the slope is not lost in rounding.
                var direction = new double[values.Length];
                double expected = 0, norm = 0;
                for (int i = 0; i < values.Length; i++)
                {
                    direction[i] = gradients[i] * Philox.Uniform(new RandomKey(seed, 5), i) / total;
                    expected += direction[i] * gradients[i];
                    norm += direction[i] * direction[i];
                }
                Assert.That(Slope(pass, values, direction), Is.EqualTo(expected).Within(1e-2 * expected), $"direction {seed}");
            }
        });
    }

    private static readonly string[] Families = [.. TinyNetwork.Families.Keys];

    [TestCaseSource(nameof(Families))]
    public void Every_parameter_has_a_gradient(string family)
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Families[family], seed: 3);
        network.Parameters.EnableGradients();
        using var pass = new Pass(network, Samples, fused: true);
        pass.Run(backward: true);
        var gradients = network.Parameters.Gradients!.ToArray();
        // Attention ignores what is added to all keys of a head: the bias of k alone has no gradient, and q and v have.
        var idle = network.Parameters.All.Where(p => Norm(gradients.AsSpan(p.Offset, p.Shape.Length)) == 0).Select(p => p.Name);
        Assert.That(idle, Is.Empty);
    }

    [Test]
    public void Input_gradients_are_slopes_too()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 4);
        using var pass = new Pass(network, Samples, fused: true);
        var gradient = pass.InputGradient();
        double norm = Norm(gradient);
        var x = pass.X.ToArray();
        const double H = 1e-2;
        double plus = At(H), minus = At(-H);
        Assert.That((plus - minus) / (2 * H), Is.EqualTo(norm).Within(1e-2 * norm));

        double At(double h)
        {
            pass.X.Upload(x.Select((v, i) => (float)(v + h * gradient[i] / norm)).ToArray());
            return pass.Run(backward: false);
        }
    }

    [Test]
    public void Micro_batches_accumulate_to_one_large_batch()
    {
        var config = TinyNetwork.Config with { Dropout = 0, LabelCount = 0, AugmentCount = 0 };
        using var network = TinyNetwork.Create(_backend, config, seed: 5);
        network.Parameters.EnableGradients();
        const int N = 4;
        using var x = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, N), 1);
        using var dy = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, N), 2);
        double[] sigmas = [0.1, 0.5, 2, 20];
        Accumulate(0, N);
        var whole = network.Parameters.Gradients!.ToArray();
        network.Parameters.ZeroGradients();
        Accumulate(0, 1);
        Accumulate(1, 3);
        var parts = network.Parameters.Gradients!.ToArray();
        double difference = Math.Sqrt(whole.Zip(parts, (a, b) => ((double)a - b) * (a - b)).Sum());
        Assert.That(Norm(whole), Is.GreaterThan(1));
        Assert.That(difference, Is.LessThan(1e-5 * Norm(whole)));

        void Accumulate(int first, int count)
        {
            var shape = TinyNetwork.Images(config, count);
            int offset = first * (shape.Length / count);
            using var tape = new Tape(_backend, recording: true);
            using Tensor part = x.View(offset, shape), gradient = dy.View(offset, shape);
            var y = new Denoiser(network).Heads(tape, part, sigmas.AsSpan(first, count));
            tape.Backward(y, gradient);
        }
    }

    [Test]
    public void Gradients_over_several_consumers_are_summed_and_shared_ones_not_overwritten()
    {
        using var x = TinyNetwork.Normal(_backend, new Shape(1, 2, 2, 4), 1);
        using var dy = TinyNetwork.Normal(_backend, new Shape(1, 2, 2, 8), 2);
        using var tape = new Tape(_backend, recording: true);
        var a = tape.Input(x, requiresGradient: true);
        var b = tape.Input(x, requiresGradient: true);
        var sum = tape.Add(a, b, 0.5f);       // (a + b) / 2, its gradient shared by both
        var again = tape.Add(sum, a);         // + a
        var twice = tape.Add(again, again);   // one value as both operands
        var y = tape.Concat(twice, b);
        tape.Backward(y, dy);
        // y = (3a + b | b): da = 3 d1, db = d1 + d2.
        float[] d = dy.ToArray(), da = a.Gradient!.ToArray(), db = b.Gradient!.ToArray();
        for (int pixel = 0; pixel < 4; pixel++)
        {
            for (int c = 0; c < 4; c++)
            {
                float d1 = d[pixel * 8 + c], d2 = d[pixel * 8 + 4 + c];
                Assert.That(da[pixel * 4 + c], Is.EqualTo(3 * d1).Within(1e-5));
                Assert.That(db[pixel * 4 + c], Is.EqualTo(d1 + d2).Within(1e-5));
            }
        }
        Assert.That(dy.ToArray(), Is.EqualTo(d), "the caller's gradient is not changed");
    }

    private static readonly string[] Sets = ["none", .. Fusions.Names.Select(name => $"all,-{name}"), .. Fusions.Names];

    private static readonly string[] DistinctStages = ["ddpmpp", "guided", "guided with convolutions", "guided with blocks"];

    [Test]
    public void Fused_equals_unfused([ValueSource(nameof(DistinctStages))] string family, [ValueSource(nameof(Sets))] string fusions)
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Families[family], seed: 6);
        network.Parameters.EnableGradients();
        using Pass fused = new(network, Samples, fused: true), plain = new(network, Samples, new Execution(Fusions.Parse(fusions)));
        double fusedLoss = fused.Run(backward: true);
        var fusedGradients = network.Parameters.Gradients!.ToArray();
        network.Parameters.ZeroGradients();
        double plainLoss = plain.Run(backward: true);
        var plainGradients = network.Parameters.Gradients!.ToArray();
        Assert.That(fusedLoss, Is.EqualTo(plainLoss).Within(1e-5 * Math.Abs(plainLoss) + 1e-4));
        Assert.That(Norm(fusedGradients.Zip(plainGradients, (a, b) => a - b).ToArray()), Is.LessThan(1e-5 * Norm(plainGradients)));
    }

    [Test]
    public void Recomputed_blocks_give_the_same_bits([ValueSource(nameof(DistinctStages))] string family, [Values("all", "none")]
    string fusions)
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Families[family], seed: 6);
        network.Parameters.EnableGradients();
        var execution = new Execution(Fusions.Parse(fusions));
        using Pass kept = new(network, Samples, execution), recomputed = new(network, Samples, execution with { Recompute = true });
        double loss = kept.Run(backward: true);
        var gradients = network.Parameters.Gradients!.ToArray();
        network.Parameters.ZeroGradients();
        Assert.That(recomputed.Run(backward: true), Is.EqualTo(loss));
        Assert.That(network.Parameters.Gradients!.ToArray(), Is.EqualTo(gradients));
        Assert.That(recomputed.InputGradient(), Is.EqualTo(kept.InputGradient()));
    }

    [Test]
    public void The_same_pass_gives_the_same_bits()
    {
        using var network = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 6);
        network.Parameters.EnableGradients();
        using var pass = new Pass(network, Samples, fused: true);
        double first = pass.Run(backward: true);
        var gradients = network.Parameters.Gradients!.ToArray();
        network.Parameters.ZeroGradients();
        Assert.That(pass.Run(backward: true), Is.EqualTo(first));
        Assert.That(network.Parameters.Gradients!.ToArray(), Is.EqualTo(gradients));
    }

    private static double Slope(Pass pass, float[] values, double[] direction)
    {
        const double H = 4e-3;
        double plus = At(H), minus = At(-H);
        pass.Network.Parameters.Values.Upload(values);
        return (plus - minus) / (2 * H);

        double At(double h)
        {
            pass.Network.Parameters.Values.Upload(values.Select((v, i) => (float)(v + h * direction[i])).ToArray());
            return pass.Run(backward: false);
        }
    }

    private static double Norm(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float v in x)
            sum += (double)v * v;
        return Math.Sqrt(sum);
    }

    /// <summary>One fixed evaluation, dropout included, with the loss &lt;G, F&gt; in double precision.</summary>
    private sealed class Pass : IDisposable
    {
        private readonly Execution _execution;
        private readonly Tensor? _labels, _augment, _step;
        private readonly Tensor _noise, _weights;

        public Pass(INetwork network, int n, bool fused)
            : this(network, n, new Execution(fused ? Fusions.All : Fusions.None))
        {
        }

        public Pass(INetwork network, int n, Execution execution)
        {
            (Network, _execution) = (network, execution);
            var (backend, config) = (network.Backend, network.Config);
            X = TinyNetwork.Normal(backend, TinyNetwork.Images(config, n), 11);
            _labels = config.LabelCount > 0 ? TinyNetwork.Normal(backend, new Shape(n, config.LabelCount), 12) : null;
            _augment = config.AugmentCount > 0 ? TinyNetwork.Normal(backend, new Shape(n, config.AugmentCount), 13) : null;
            _step = config.StepCondition ? TinyNetwork.Normal(backend, new Shape(n), 16) : null;
            _noise = TinyNetwork.Normal(backend, new Shape(n), 14);
            _weights = TinyNetwork.Normal(backend, TinyNetwork.Images(config, n), 15);
        }

        public INetwork Network { get; }

        public Tensor X { get; }

        public double Run(bool backward)
        {
            using var tape = new Tape(Network.Backend, recording: backward) { Execution = _execution };
            var y = Forward(tape, tape.Input(X));
            double loss = y.Data.ToArray().Zip(_weights.ToArray(), (a, b) => (double)a * b).Sum();
            if (backward)
                tape.Backward(y, _weights);
            return loss;
        }

        public float[] InputGradient()
        {
            using var tape = new Tape(Network.Backend, recording: true) { Execution = _execution };
            var x = tape.Input(X, requiresGradient: true);
            tape.Backward(Forward(tape, x), _weights);
            return x.Gradient!.ToArray();
        }

        public void Dispose()
        {
            foreach (var tensor in new[] { X, _labels, _augment, _step, _noise, _weights })
                tensor?.Dispose();
        }

        private Variable Forward(Tape tape, Variable x) =>
            Network.Forward(tape, x, _noise, new ForwardOptions(new RandomKey(21, 22), _labels, _augment, _step));
    }
}
