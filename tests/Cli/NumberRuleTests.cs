using System.Globalization;
using BDense.Kernels;
using BDense.Training.Distillation;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>How a number that a person wrote is read, and what is said where it is none.</summary>
public sealed class NumberRuleTests
{
    [TestCase("1", 1)]
    [TestCase("1e-3", 0.001)]
    [TestCase("0.5", 0.5)]
    [TestCase(".5", 0.5)]
    [TestCase("+2.5E+1", 25)]
    public void Reads_numbers_in_every_culture(string text, double value)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            // As German has it; the system's own cultures are not there where it runs without them.
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NumberGroupSeparator) = (",", ".");
            CultureInfo.CurrentCulture = comma;
            Assert.That(new NumberRule<double>(0, 100).Read("--x", text), Is.EqualTo(value));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [TestCase("0", false)]
    [TestCase("1e-400", false)]
    [TestCase("1e-300", true)]
    [TestCase("0.999999", true)]
    [TestCase("1", false)]
    public void Ends_of_a_range_count_as_it_says(string text, bool taken) =>
        Assert.That(new NumberRule<double>(0, 1, AboveMin: true, BelowMax: true).Takes(text), Is.EqualTo(taken));

    [TestCase("0,001", "--x must be a number above 0 and at most 10, not '0,001'; decimals come after a point: write 0.001")]
    [TestCase("1,000.5", "--x must be a number above 0 and at most 10, not '1,000.5'")]
    [TestCase("NaN", "--x must be a number above 0 and at most 10, not 'NaN'")]
    public void Tells_how_a_real_number_is_written(string text, string message) =>
        Assert.That(() => new NumberRule<double>(0, 10, AboveMin: true).Read("--x", text),
            Throws.TypeOf<UsageException>().With.Message.EqualTo(message));

    [TestCase("1,000", "; write 1000")]
    [TestCase("1 000", "; write 1000")]
    [TestCase("1.000", "; write 1000")]
    [TestCase("1e3", "; write 1000")]
    [TestCase("64.0", "; write 64")]
    [TestCase("0,001", "")]
    [TestCase("1,000,000", "")]
    [TestCase("2.5", "")]
    public void Tells_how_a_whole_number_is_written(string text, string advice) =>
        Assert.That(new NumberRule<int>(1, 5000).Fault("--n", text),
            Is.EqualTo($"--n must be a whole number from 1 to 5000, not '{text}'{advice}"));

    [TestCase(int.MaxValue, 2, 2)]
    [TestCase(int.MaxValue, 3, 64)]
    [TestCase(int.MaxValue, int.MaxValue, 2)]
    [TestCase(8, 0, 2)]
    [TestCase(8, 2, 1)]
    [TestCase(8, 2, 0)]
    public void Rounds_that_lead_nowhere_end_in_a_message(int steps, int nfe, int jump) =>
        Assert.That(() => RoundsDistill.RoundsFrom(steps, nfe, jump), Throws.TypeOf<UsageException>());

    [TestCase("trian", "train", "; did you mean 'train'?")]
    [TestCase("eval", "evaluate", "; did you mean 'evaluate'?")]
    [TestCase("frobnicate", "train", "")]
    public void Suggests_what_is_near(string word, string known, string suggestion) =>
        Assert.That(Suggestion.For(word, [known]), Is.EqualTo(suggestion));
}
