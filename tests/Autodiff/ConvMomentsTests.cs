using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Autodiff;

/// <summary>
/// Normalisations that take their statistics from the convolution in front of them: which do, what they come to, and that nothing is
/// kept. On a reference that says it measures what it stores; real devices are in FusionTests and the tensor cores' tests.
/// </summary>
internal sealed class ConvMomentsTests
{
    private sealed class MeasuringBackend() : ReferenceBackend(threads: 1)
    {
        /// <summary>Normalisations, and those that were given moments.</summary>
        public (int All, int Measured) Normalised { get; set; }

        public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) =>
            WithMoments(base.SupportOf(s, resampling), s);

        private protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift,
            Tensor y, Tensor stats, Tensor? moments)
        {
            Count(moments);
            base.GroupNormCore(s, x, gamma, beta, scaleShift, y, stats, moments);
        }

        private protected override void GroupNormFactorsCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift,
            Tensor factors, Tensor stats, Tensor? moments)
        {
            Count(moments);
            base.GroupNormFactorsCore(s, x, gamma, beta, scaleShift, factors, stats, moments);
        }

        private void Count(Tensor? moments) =>
            Normalised = (Normalised.All + 1, Normalised.Measured + (moments is null ? 0 : 1));
    }

    private sealed class MeasuringDryRun : DryRunBackend
    {
        public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) =>
            WithMoments(base.SupportOf(s, resampling), s);
    }

    private static ConvolutionSupport WithMoments(ConvolutionSupport support, in Conv2dShape s) =>
        s.OutputBlocks.IsValid ? support with { Forward = support.Forward | ConvolutionParts.Moments } : support;

    private static IEnumerable<TestCaseData> Families() => TinyNetwork.Families.Keys.Select(family => new TestCaseData(family));

    /// <summary>Whatever is fused besides; blocks that are run again come to the same bits.</summary>
    [TestCaseSource(nameof(Families))]
    public void A_pass_is_the_same_up_to_rounding(string family)
    {
        foreach (var type in new[] { ElementType.Float32, ElementType.BFloat16 })
        {
            foreach (var fusions in new[] { Fusions.All, Fusions.Usual, Fusions.None.With(Fusion.ConvMoments) })
            {
                using var backend = new MeasuringBackend { ActivationType = type };
                using var network = TinyNetwork.Create(backend, TinyNetwork.Families[family], seed: 3);
                network.Parameters.EnableGradients();
                var plain = Pass(network, new Execution(fusions.Without(Fusion.ConvMoments)));
                Assert.That(backend.Normalised.Measured, Is.Zero);
                int normalisations = backend.Normalised.All;
                backend.Normalised = default;
                var measured = Pass(network, new Execution(fusions));
                Assert.That(backend.Normalised.All, Is.EqualTo(normalisations));
                Assert.That(backend.Normalised.Measured, Is.GreaterThan(0));
                Assert.That(Distance(measured.Output, plain.Output), Is.LessThan(type == ElementType.Float32 ? 1e-6 : 1e-2), $"{fusions}");
                Assert.That(Distance(measured.Gradient, plain.Gradient), Is.LessThan(type == ElementType.Float32 ? 1e-5 : 2e-2),
                    $"{fusions}");
                var again = Pass(network, new Execution(fusions, Recompute: true));
                Assert.That(again.Output, Is.EqualTo(measured.Output));
                Assert.That(again.Gradient, Is.EqualTo(measured.Gradient));
                long parameters = network.Parameters.Values.Storage.Bytes + network.Parameters.Gradients!.Storage.Bytes;
                Assert.That(backend.Pool.CurrentBytes, Is.LessThan(1.1 * parameters + 4096), "a tensor was kept");
            }
        }
    }

    /// <summary>
    /// In EDM's networks every normalisation follows a convolution, its residual sum, or a concatenation of two of them: of the first
    /// convolution, of blocks, of attention.
    /// </summary>
    [TestCase("ddpmpp"), TestCase("adm")]
    public void All_normalisations_of_EDMs_networks_are_measured(string family)
    {
        using var backend = new MeasuringBackend();
        using var network = TinyNetwork.Create(backend, TinyNetwork.Families[family], seed: 3);
        Pass(network, Execution.Default, recording: false);
        Assert.That(backend.Normalised.All, Is.GreaterThan(10));
        Assert.That(backend.Normalised.Measured, Is.EqualTo(backend.Normalised.All));
    }

    /// <summary>Behind an epilogue of its own the result is another than what the convolution stored.</summary>
    [Test]
    public void What_is_added_behind_the_launch_is_not_measured_in_front_of_it()
    {
        using var backend = new MeasuringBackend();
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, seed: 3);
        Pass(network, new Execution(Fusions.Usual.Without(Fusion.ConvEpilogue)), recording: false);
        Assert.That(backend.Normalised.Measured, Is.GreaterThan(0).And.LessThan(backend.Normalised.All / 2), "the first convolution's");
    }

    /// <summary>The pool refuses at ever later points of the step.</summary>
    [Test]
    public void A_step_that_fails_anywhere_leaks_nothing([Values] bool recompute)
    {
        using var backend = new MeasuringDryRun();
        using var network = new Network(backend, TinyNetwork.Config, seed: null);
        network.Parameters.EnableGradients();
        long before = backend.Pool.CurrentBytes;
        int failures = 0;
        for (long room = 0; ; room += 4096)
        {
            backend.Pool.Trim();
            backend.Pool.LimitBytes = before + room;
            try
            {
                Pass(network, new Execution(Fusions.All, recompute));
                break;
            }
            catch (BDenseException e)
            {
                failures++;
                Assert.That(e.Message, Does.Contain("out of memory"));
                Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before), $"after a failure with {room} bytes to spare");
            }
        }
        Assert.That(failures, Is.GreaterThan(20));
        Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
    }

    [Test]
    public void Moments_go_when_the_value_is_dropped()
    {
        using var backend = new MeasuringBackend();
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, seed: 3);
        network.Parameters.EnableGradients();
        var weight = network.Parameters.All.First(p => p.Shape is { Rank: 4 } s && s[1] == 3 && s[0] == s[3]);
        using var x = TinyNetwork.Normal(backend, new Shape(2, 4, 4, weight.Shape[3]), 5);
        using var tape = new Tape(backend, recording: true);
        var bias = network.Parameters[weight.Name[..^"weight".Length] + "bias"];
        var y = tape.Conv2d(tape.Input(x, requiresGradient: true), weight, bias, new Surroundings(IsNormalisedNext: true));
        var moments = y.Moments!;
        Assert.That(moments.Shape, Is.EqualTo(new Shape(2, 1, weight.Shape[0])));
        // Saved for the backward pass, which needs no moments.
        tape.Silu(y);
        tape.Drop(y);
        Assert.That((y.IsAlive, y.Moments, moments.IsDisposed), Is.EqualTo((true, (Tensor?)null, true)));
    }

    private static (float[] Output, float[] Gradient) Pass(INetwork network, Execution execution, bool recording = true)
    {
        var (backend, config) = (network.Backend, network.Config);
        using Tensor x = TinyNetwork.Normal(backend, TinyNetwork.Images(config, 2), 11),
            noise = TinyNetwork.Normal(backend, new Shape(2), 14),
            weights = TinyNetwork.Normal(backend, TinyNetwork.Images(config, 2), 15);
        using var step = config.StepCondition ? TinyNetwork.Normal(backend, new Shape(2), 16) : null;
        if (recording)
            network.Parameters.ZeroGradients();
        using var tape = new Tape(backend, recording) { Execution = execution };
        var y = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(new RandomKey(21, 22), Step: step));
        float[] output = y.Data.ToArray();
        if (recording)
            tape.Backward(y, weights);
        return (output, recording ? network.Parameters.Gradients!.ToArray() : []);
    }

    /// <summary>|a - b| / |b|.</summary>
    private static double Distance(float[] a, float[] b) =>
        Math.Sqrt(a.Zip(b, (u, v) => Math.Pow(u - v, 2)).Sum() / b.Sum(v => Math.Pow(v, 2)));
}
