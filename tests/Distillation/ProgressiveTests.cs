using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

/// <summary>Progressive distillation as published, and the authors' own variant of it.</summary>
public sealed class ProgressiveTests
{
    private static readonly UNetConfig Both = TinyRuns.Config with { Prediction = Prediction.Both, Dropout = 0 };
    private static readonly UNetConfig Ddpm = TinyRuns.Config with
    {
        Prediction = Prediction.Eps,
        NoiseInput = NoiseInput.Timestep,
        Dropout = 0,
    };

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    [Test]
    public void Both_predictions_are_merged_by_their_variances()
    {
        // x^ = sigma_vp^2 x_net + alpha^2 (z - sigma_vp eps_net) / alpha, z = alpha x. Salimans and Ho 2022, section 4.
        const double Sigma = 1.7;
        double alpha = 1 / Math.Sqrt(1 + Sigma * Sigma), sigmaVp = Sigma * alpha;
        using var network = Networks.TinyNetwork.Create(_runs.Backend, Both, seed: 3);
        using var x = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(1, 4, 4, 3), 1);
        using var merged = new Denoiser(network).Denoise(x, Sigma);

        using var scaled = _runs.Backend.FromArray([.. x.ToArray().Select(v => (float)(alpha * v))], x.Shape);
        using var noise = _runs.Backend.FromArray([(float)(Math.Log(Sigma) / 4)], new Shape(1));
        using var tape = new Tape(_runs.Backend, recording: false);
        float[] raw = network.Forward(tape, tape.Input(scaled), noise).Data.ToArray(), z = scaled.ToArray(), got = merged.ToArray();
        Assert.That(raw, Has.Length.EqualTo(2 * z.Length));
        for (int i = 0; i < z.Length; i++)
        {
            double image = raw[i / 3 * 6 + i % 3], eps = raw[i / 3 * 6 + 3 + i % 3];
            double expected = sigmaVp * sigmaVp * image + alpha * alpha * (z[i] - sigmaVp * eps) / alpha;
            Assert.That(got[i], Is.EqualTo(expected).Within(1e-4));
        }
    }

    [Test]
    public void Merging_halves_has_the_gradient_of_its_formula()
    {
        using var x = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(2, 1, 2, 6), 1);
        using var dy = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(2, 1, 2, 3), 2);
        float[] c = [0.5f, -2, 3, 0.25f];
        using var tape = new Tape(_runs.Backend, recording: true);
        var input = tape.Input(x, requiresGradient: true);
        var y = tape.MergeHalves(input, c);
        float[] values = x.ToArray(), merged = y.Data.ToArray(), d = dy.ToArray();
        tape.Backward(y, dy);
        float[] gradient = input.Gradient!.ToArray();
        for (int i = 0; i < merged.Length; i++)
        {
            int n = i / 6, pixel = i / 3, channel = i % 3;
            Assert.That(merged[i],
                Is.EqualTo(c[2 * n] * values[pixel * 6 + channel] + c[2 * n + 1] * values[pixel * 6 + 3 + channel]).Within(1e-6f));
            Assert.That(gradient[pixel * 6 + channel], Is.EqualTo(c[2 * n] * d[i]).Within(1e-6f));
            Assert.That(gradient[pixel * 6 + 3 + channel], Is.EqualTo(c[2 * n + 1] * d[i]).Within(1e-6f));
        }
    }

    [Test]
    public void Heads_of_both_are_widened_and_folded_part_by_part()
    {
        using var teacher = Networks.TinyNetwork.Create(_runs.Backend, Both, seed: 3);
        using var x = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(1, 4, 4, 3), 1);
        using var student = BranchHead.Widen(teacher, 3);
        float[] one = Heads(teacher), many = Heads(student);
        for (int i = 0; i < many.Length; i++)
            Assert.That(many[i], Is.EqualTo(one[i / 9 * 3 + i % 3]).Within(1e-5f));
        using var different = Networks.TinyNetwork.Create(_runs.Backend, Both with { Branches = 3 }, seed: 5);
        using var folded = BranchHead.Fold(different, [0.25, -1, 1.75]);
        float[] heads = Heads(different), sum = Heads(folded);
        for (int i = 0; i < sum.Length; i++)
        {
            int at = i / 3 * 9 + i % 3;
            Assert.That(sum[i], Is.EqualTo(0.25f * heads[at] - heads[at + 3] + 1.75f * heads[at + 6]).Within(1e-4f));
        }

        float[] Heads(INetwork network)
        {
            using var tape = new Tape(_runs.Backend, recording: false);
            return new Denoiser(network).Heads(tape, x, [0.8]).Data.ToArray();
        }
    }

    [Test]
    public void A_student_that_takes_its_teachers_own_steps_has_nothing_to_learn([Values] bool toZero, [Values("polynomial", "cosine")]
    string schedule)
    {
        using var teacher = _runs.Teacher(seed: 3, config: Both);
        var options = new PdOptions { Jump = 1, Nfe = 3, Batch = 8, ToZero = toZero, Schedule = schedule };
        using var student = DistillationMethods.NewStudent(teacher, options);
        using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options);
        Assert.That(training.Step(0).Loss, Is.LessThan(1e-6));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void The_target_of_the_last_step_is_the_teachers_image(bool toZero)
    {
        // One student step over all: x~ = (x_2 - r x_0) / (1 - r), and with the last node at 0 the teacher's last image itself.
        using var teacher = _runs.Teacher(seed: 3);
        var options = new PdOptions { Nfe = 1, Batch = 2, Weighting = LossWeighting.SnrPlusOne, ToZero = toZero, Seed = 6 }.Resolve();
        using var student = DistillationMethods.NewStudent(teacher, options);
        double loss;
        using (var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options))
            loss = training.Step(0).Loss;

        var t = options.Grid(2).Teacher;
        Assert.That(t[2], Is.EqualTo(toZero ? 0 : 0.006));
        var indices = new int[2];
        new Batches(TinyRuns.Data.Count, 2, 6).At(0, indices, new bool[2]);
        using var clean = TinyRuns.Data.Upload(_runs.Backend, indices);
        using var x = _runs.Backend.Empty(clean.Shape);
        _runs.Backend.RandomNormal(RandomStreams.ForNoise(6, 0), x);
        _runs.Backend.LinearCombination([1f, 80f], [clean, x], x);
        var denoiser = new Denoiser(teacher);
        using var first = denoiser.Denoise(x, t[0]);
        using var middle = SolverCatalog.Euler(denoiser.AsDenoise(), x, [t[0], t[1]], SolverOptions.Default);
        using var image = denoiser.Denoise(middle, t[1]);
        using var end = SolverCatalog.Euler(denoiser.AsDenoise(), middle, [t[1], t[2]], SolverOptions.Default);
        double r = t[2] / t[0];
        float[] x0 = x.ToArray(), target = end.ToArray(), own = first.ToArray(), last = image.ToArray();
        double expected = 0;
        for (int i = 0; i < x0.Length; i++)
        {
            double wanted = toZero ? last[i] : (target[i] - r * x0[i]) / (1 - r);
            expected += (1 / (80.0 * 80) + 1) * Math.Pow(own[i] - wanted, 2) / x0.Length;
        }
        Assert.That(loss, Is.EqualTo(expected).Within(1e-3 * expected));
    }

    [TestCase(8192, 1, 2, 13)]
    [TestCase(1024, 4, 4, 4)]
    [TestCase(1000, 125, 2, 3)]
    public void Rounds_follow_from_the_teachers_steps(int steps, int nfe, int jump, int rounds) =>
        Assert.That(RoundsDistill.RoundsFrom(steps, nfe, jump), Is.EqualTo(rounds));

    [TestCase(1000, 1, 2)]
    [TestCase(6, 4, 2)]
    [TestCase(4, 4, 2)]
    public void Steps_that_do_not_nest_are_refused(int steps, int nfe, int jump) =>
        Assert.That(Assert.Throws<UsageException>(() => RoundsDistill.RoundsFrom(steps, nfe, jump))!.Message,
            Does.Contain($"{steps} steps do not become {nfe}"));

    [TestCase(8, 2, 1)]
    [TestCase(8, 0, 2)]
    public void Rounds_that_lead_nowhere_are_refused(int steps, int nfe, int jump) =>
        Assert.That(Assert.Throws<UsageException>(() => RoundsDistill.RoundsFrom(steps, nfe, jump))!.Message,
            Does.EndWith($"not from {steps} to {nfe} by {jump}"));

    [Test]
    public void Presets_are_whole()
    {
        foreach (var preset in DistillPresets.All)
        {
            var o = preset.Options with { Updates = preset.UpdatesOf(preset.Options) };
            if (preset.Name == "sfd-second")
                o = (SfdOptions)o with { FirstStage = new SfdOptions { NfeChoices = "2,3,4,5" } };
            Assert.That(() => o.Resolve(), Throws.Nothing, preset.Name);
        }
        var pd = DistillPresets.Find("pd");
        var rounds = ((PdOptions)(pd.Options with { Updates = pd.UpdatesOf(pd.Options) }).Resolve()).RoundGrids();
        Assert.That(rounds.Select(r => r.Intervals), Is.EqualTo(Enumerable.Range(0, 13).Select(i => 4096 >> i)));
        Assert.That(rounds[0].Teacher, Has.Count.EqualTo(8193));
        Assert.That(rounds[^1].Student, Is.EqualTo(new[] { Math.Exp(10), 0 }));
        // The cosine schedule half-way: log-SNR 0.
        Assert.That(rounds[^1].Teacher[1], Is.EqualTo(1).Within(1e-12));
        Assert.That(Assert.Throws<UsageException>(() => DistillPresets.Find("best"))!.Message, Does.Contain("sfd-v-bdense"));
    }

    // The authors' own variant.

    [TestCase(1000, 4e-5)]
    [TestCase(500, 0.0064)]
    [TestCase(250, 0.080)]
    [TestCase(125, 0.282)]
    public void Its_rebuilt_schedules_end_ever_further_from_noise(int steps, double abar)
    {
        var (alpha, sigma) = LinearBetaDdim.Schedule(steps);
        Assert.That(alpha[^1] * alpha[^1], Is.EqualTo(abar).Within(0.02 * abar));
        Assert.That(alpha.Zip(sigma, (a, s) => a * a + s * s), Is.All.EqualTo(1).Within(1e-12));
    }

    [Test]
    public void Its_sampler_visits_every_tenth_or_every_step()
    {
        Assert.That(LinearBetaDdim.Timesteps(1000, 100), Is.EqualTo(Enumerable.Range(0, 100).Select(i => 990 - 10 * i)));
        Assert.That(LinearBetaDdim.Timesteps(125, 100), Is.EqualTo(Enumerable.Range(0, 100).Select(i => 99 - i)));
    }

    [Test]
    public void Its_loss_has_the_gradient_of_its_slopes()
    {
        const int Branches = 2, Channels = 3;
        float[] z = Numbers(12, 1), heads = Numbers(24, 2), targets = Numbers(24, 3);
        (double, double)[] from = [(0.6, 0.8), (0.8, 0.6)], to = [(0.7, Math.Sqrt(0.51)), (0.9, Math.Sqrt(0.19))];
        var (losses, gradient) = LinearBetaDdim.Loss(z, heads, targets, from, to, Branches, Channels);
        Assert.That(losses.Sum(), Is.GreaterThan(0.1));
        const float H = 1e-3f;
        for (int i = 0; i < heads.Length; i++)
        {
            float[] up = [.. heads], down = [.. heads];
            (up[i], down[i]) = (heads[i] + H, heads[i] - H);
            double slope = (Total(up) - Total(down)) / ((double)up[i] - down[i]);
            Assert.That(gradient[i], Is.EqualTo(slope).Within(2e-3), $"{i}");
        }

        double Total(float[] h) => LinearBetaDdim.Loss(z, h, targets, from, to, Branches, Channels).Losses.Sum();

        static float[] Numbers(int count, ulong seed) =>
            [.. Enumerable.Range(0, count).Select(i => (float)Philox.Normal(new RandomKey(seed, 8), i))];
    }

    [Test]
    public void It_learns_and_samples()
    {
        using var teacher = _runs.Teacher(config: Ddpm);
        using (var learning = new TeacherTraining(teacher, TinyRuns.Data, new TeacherOptions
        {
            Steps = 100,
            Batch = 32,
            LearningRate = 3e-3,
            EmaDecay = 0,
        }))
            TrainingLoop.Run(learning);
        var options = ((BranchDistillationOptions)DistillPresets.Find(DistillPresets.BranchDistillation).Options with
        {
            Nfe = 4,
            Rounds = 2,
            Updates = 200,
            Batch = 16,
            LearningRate = 1e-3,
        }).Resolve();
        using var student = DistillationMethods.NewStudent(teacher, options);
        IReadOnlyList<LogLine> log;
        using (var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options))
            log = TrainingLoop.Run(training).Log;
        Assert.That(log.Skip(80).Take(20).Average(l => l.Loss), Is.LessThan(0.8 * log.Take(20).Average(l => l.Loss)), "the first round");
        using var noise = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(4, 4, 4, 3), 4);
        var sampler = Student.Of(student, options);
        using var images = sampler.Sample(noise);
        using var folded = sampler.SampleFolded(noise);
        Assert.That((sampler.Evaluations, sampler.StartSigma), Is.EqualTo((4, 1.0)));
        Assert.That(images.ToArray(), Is.All.InRange(-1f, 1f), "the last step arrives at a clipped image");
        Assert.That(folded.ToArray(), Is.EqualTo(images.ToArray()).Within(1e-5f), "the last head alone");
    }

    [Test]
    public void It_asks_for_a_network_of_its_kind()
    {
        using var teacher = _runs.Teacher();
        var options = DistillPresets.Find(DistillPresets.BranchDistillation).Options with { Updates = 6 };
        using var student = DistillationMethods.NewStudent(teacher, options);
        Assert.That(Assert.Throws<BDenseException>(() => DistillationMethods.Create(student, teacher, TinyRuns.Data, options))!.Message,
            Does.Contain("ddpm-cifar10"));
    }
}

internal static class DenoiserForTests
{
    public static Denoise AsDenoise(this Denoiser denoiser) => (x, sigma) => denoiser.Denoise(x, sigma);
}
