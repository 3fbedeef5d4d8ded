using BDense.Kernels;
using BDense.Tests.Solvers;
using BDense.Training.Samplers;
using NUnit.Framework;

namespace BDense.Tests.Training;

public sealed class SamplerOptionsTests
{
    [Test]
    public void Nothing_asked_for_is_EDMs_own_sampler()
    {
        var o = new SamplerOptions().Resolve();
        Assert.That(o, Is.EqualTo(SamplerPresets.Find("edm").Options.Resolve()));
        Assert.That(new SamplerOptions().OfTeacher().Grid, Is.EqualTo(EdmSampler.Steps(18, 7, 0.002, 80)).Within(1e-12));
        Assert.That(new SamplerOptions().OfTeacher().Grid[^1], Is.Zero);
    }

    private static readonly object[][] Levels =
    [
        // what is asked for: the first, the last but one and the last level, and how many
        [new SamplerOptions { Solver = "euler", Steps = 4 }, 80.0, 0.2, 0.006, 5],
        [new SamplerOptions { Solver = "heun", Steps = 4, SigmaMin = 0.006 }, 80.0, 0.2, 0.006, 5],
        [new SamplerOptions { Solver = "heun", Steps = 4, SigmaMin = 0.006, ToZero = true }, 80.0, 0.006, 0.0, 5],
        [new SamplerOptions { Solver = "dpmpp2m", Steps = 4, SigmaMin = 0 }, 80.0, 0.002, 0.0, 5],
        [new SamplerOptions { Solver = "lms", Steps = 1, SigmaMin = 0, SigmaMax = 20 }, 20.0, 20.0, 0.0, 2],
        [new SamplerOptions { Schedule = "given:8,2,0.5,0" }, 8.0, 0.5, 0.0, 4],
        [new SamplerOptions { Schedule = "logsnr", SigmaMin = 0.01, SigmaMax = 1, Steps = 2, ToZero = false }, 1.0, 0.1, 0.01, 3],
    ];

    [TestCaseSource(nameof(Levels))]
    public void The_noise_levels_are_those_asked_for(SamplerOptions asked, double first, double before, double last, int count)
    {
        double[] grid = asked.OfTeacher().Grid;
        Assert.That((grid[0], grid[^1], grid.Length), Is.EqualTo((first, last, count)));
        Assert.That(grid[^2], Is.EqualTo(before).Within(before == 0.2 ? 0.2 : 1e-12));
    }

    [TestCaseSource(nameof(Levels))]
    public void Resolved_options_resolve_to_themselves(SamplerOptions asked, double first, double before, double last, int count)
    {
        var resolved = asked.Resolve();
        Assert.That(resolved.Resolve(), Is.EqualTo(resolved));
        Assert.That(resolved.OfTeacher().Grid, Is.EqualTo(asked.OfTeacher().Grid));
    }

    private static readonly object[][] Refused =
    [
        [new SamplerOptions { SigmaMin = 0, ToZero = false }, "--sigma-min 0 is a last step to 0"],
        [new SamplerOptions { Schedule = "cosine", Rho = 5 }, "--rho is of the polynomial schedule"],
        [new SamplerOptions { Order = 2 }, "--order is for multistep solvers, not for heun"],
        [new SamplerOptions { Solver = "dpmpp2m", Order = 3 }, "--order of dpmpp2m is 1 to 2, not 3"],
        [new SamplerOptions { Solver = "ipndm", LowerOrderFinal = false }, "--lower-order-final is for dpmpp2m"],
        [new SamplerOptions { Solver = "euler", Churn = 1 }, "--churn is for --solver heun, not euler"],
        [new SamplerOptions { ChurnMin = 1 }, "go with --churn above 0"],
        [new SamplerOptions { Churn = double.NaN }, "--churn is 0 or more, not NaN"],
        [new SamplerOptions { Churn = -1 }, "--churn is 0 or more, not -1"],
        [new SamplerOptions { Churn = 1, ChurnMin = 2, ChurnMax = 1 }, "--churn-max 1 lies below --churn-min 2"],
        [new SamplerOptions { ThresholdFloor = 2 }, "--threshold-floor goes with --threshold"],
        [new SamplerOptions { Threshold = 0.9, Clip = true }, "two ways for one thing"],
        [new SamplerOptions { Schedule = "given:8,2,0", SigmaMax = 9 }, "--sigma-max: given:8,2,0 has noise levels of its own"],
        [new SamplerOptions { Nfe = 3 }, "for a student"],
        [new SamplerOptions { Steps = 0 }, "1 step or more"],
    ];

    [TestCaseSource(nameof(Refused))]
    public void What_does_not_fit_together_is_refused(SamplerOptions asked, string message) =>
        Assert.That(() => asked.Resolve(), Throws.TypeOf<UsageException>().With.Message.Contains(message));

    [TestCase("0-63", 64, 0ul, 63ul)]
    [TestCase("7", 1, 7ul, 7ul)]
    [TestCase("1,2,5-10", 8, 1ul, 10ul)]
    [TestCase("18446744073709551615,3", 2, 18446744073709551615ul, 3ul)]
    [TestCase("0-999999999", 1_000_000_000, 0ul, 999_999_999ul)]
    public void Seeds_are_numbers_and_ranges(string text, int count, ulong first, ulong last)
    {
        var seeds = SeedList.Parse("--seeds", text, 1_000_000_000);
        Assert.That((seeds.Count, seeds[0], seeds[seeds.Count - 1]), Is.EqualTo((count, first, last)));
        if (text == "1,2,5-10")
            Assert.That(Enumerable.Range(0, count).Select(i => seeds[i]), Is.EqualTo(new ulong[] { 1, 2, 5, 6, 7, 8, 9, 10 }));
    }

    [TestCase("")]
    [TestCase("-1")]
    [TestCase("5-3")]
    [TestCase("1,,2")]
    [TestCase("1-2-3")]
    [TestCase("0-")]
    [TestCase(" 1")]
    [TestCase("1e3")]
    [TestCase("0-1000000000")]
    [TestCase("0-18446744073709551615")]
    [TestCase("0-999999999,7")]
    public void No_other_text_is_a_list_of_seeds(string text) =>
        Assert.That(() => SeedList.Parse("--seeds", text, 1_000_000_000),
            Throws.TypeOf<UsageException>().With.Message.StartsWith("--seeds"));
}
