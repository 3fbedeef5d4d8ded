using BDense.Cli.Reports;
using NUnit.Framework;

namespace BDense.Tests.Cli;

public sealed class FiguresTests
{
    [TestCase(0.00123, 4, "+0.0012")]
    [TestCase(-0.00123, 4, "-0.0012")]
    [TestCase(-0.00001, 4, "+0.0000")]
    [TestCase(0, 2, "+0.00")]
    [TestCase(-12.34, 1, "-12.3")]
    public void A_difference_has_one_sign(double x, int decimals, string expected) =>
        Assert.That(Figures.Signed(x, decimals), Is.EqualTo(expected));
}
