using System.Runtime.CompilerServices;
using BDense.Kernels;
using BDense.Model.Autodiff;
using NUnit.Framework;

[assembly: DeclaresFusions(typeof(BDense.Tests.Autodiff.OwnFusions))]

namespace BDense.Tests.Autodiff;

public sealed class FusionsTests
{
    [TestCase("all", "all")]
    [TestCase("none", "none")]
    [TestCase("usual", "usual")]
    [TestCase("-conv-prologue", "usual")]
    [TestCase("usual,conv-prologue", "all")]
    [TestCase("adam,attention", "attention,adam")]
    [TestCase("attention, qkv", "attention,qkv")]
    [TestCase("none,dropout", "dropout")]
    [TestCase("all,-all-but", null)]
    [TestCase("attention,-attention", "none")]
    [TestCase("all,-adam",
        "groupnorm-silu,attention,qkv,dropout,trajectory-loss,precondition-step,folded-heads,conv-epilogue,conv-prologue,resample-conv,"
            + "conv-moments")]
    [TestCase("groupnorm", null)]
    [TestCase("", null)]
    [TestCase("adam,", null)]
    [TestCase("-", null)]
    public void Names(string text, string? expected)
    {
        if (expected is null)
            Assert.That(() => Fusions.Parse(text), Throws.TypeOf<UsageException>().With.Message.Contains("groupnorm-silu, attention"));
        else
            Assert.That(Fusions.Parse(text).ToString(), Is.EqualTo(expected));
    }

    [Test]
    public void A_minus_takes_one_from_all()
    {
        foreach (string name in Fusions.Names)
        {
            var without = Fusions.Parse($"-{name}");
            Assert.That(without, Is.EqualTo(Fusions.Parse($"all,-{name}")));
            Assert.That(without, Is.EqualTo(Fusions.All.Without(Fusions.Find(name))).And.Not.EqualTo(Fusions.All));
            Assert.That(Fusions.Parse(without.ToString()), Is.EqualTo(without));
        }
    }

    [Test]
    public void A_name_that_there_is_not_is_refused_with_the_nearest() => Assert.That(() => Fusions.Parse("usual,atention"),
        Throws.TypeOf<UsageException>().With.Message.StartsWith(
            "there is no fusion 'atention'; did you mean 'attention'? There are all, none, usual, groupnorm-silu,"));

    [Test]
    public void Sets_are_equal_by_what_they_hold()
    {
        var set = Fusions.None.With(Fusion.Qkv).With(Fusion.Attention);
        var same = Fusions.Parse("attention,qkv");
        Assert.That(set, Is.EqualTo(same));
        Assert.That(set == same && !(set != same) && set != Fusions.None);
        Assert.That(set.GetHashCode(), Is.EqualTo(same.GetHashCode()));
        Assert.That(set.With(Fusion.Qkv), Is.EqualTo(set));
        Assert.That(Fusions.None.Without(Fusion.Qkv), Is.EqualTo(Fusions.None));
    }

    [Test]
    public void A_fusion_of_another_assembly_is_held_and_parsed_by_its_name()
    {
        var own = FusionCatalog.Of(typeof(FusionsTests).Assembly);
        Assert.That(own, Is.EqualTo(new[] { OwnFusions.Plain, OwnFusions.Rms }));
        var set = Fusions.Parse("qkv,rms-norm", [.. own]);
        Assert.That(set.Has(OwnFusions.Rms) && set.Has(Fusion.Qkv) && !set.Has(OwnFusions.Plain));
        Assert.That(set.ToString(), Is.EqualTo("qkv,rms-norm"));
        Assert.That(Fusions.Parse("usual", [.. own]), Is.EqualTo(Fusions.Usual.With(OwnFusions.Plain)));
        Assert.That(Fusions.Parse("-rms-norm,-plain-norm", [.. own]), Is.EqualTo(Fusions.All));
        // Unless they are given, BDense knows its own alone.
        Assert.That(() => Fusions.Parse("rms-norm"), Throws.TypeOf<UsageException>());
        Assert.That(Fusions.All.Has(OwnFusions.Rms), Is.False);
        Assert.That(() => Fusions.Parse("usual", new Fusion("adam", "a", "b", "c")),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("there are two fusions called 'adam': give one's own another name"));
    }

    [TestCase("")]
    [TestCase("all")]
    [TestCase("usual")]
    [TestCase("-x")]
    [TestCase("a,b")]
    [TestCase("Rms")]
    public void A_name_that_no_text_can_hold_is_refused(string name) =>
        Assert.That(() => new Fusion(name, "a", "b", "c"), Throws.TypeOf<BDenseException>().With.Message.Contains("a letter first"));

    // The chapter's table is what the declarations say.
    [Test]
    public void The_chapter_has_a_row_for_each()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Here(), "..", "..", "docs", "fusion.md"));
        foreach (var fusion in FusionCatalog.All)
            Assert.That(lines, Has.Exactly(1).EqualTo($"| `{fusion.Name}` | {fusion.Does} | {fusion.Instead} | {fusion.Saves} |"));
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

public static class OwnFusions
{
    public static Fusion Rms { get; } = new("rms-norm", "a", "b", "c", notUsual: "is slower");

    public static Fusion Plain { get; } = new("plain-norm", "a", "b", "c");
}
