using BDense.Kernels;
using BDense.Model.Autodiff;
using NUnit.Framework;

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
}
