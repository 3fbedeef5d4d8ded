using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>What is said of the time that is left, on a clock that the test turns.</summary>
public sealed class WholeProgressTests
{
    private double _seconds;
    private WholeProgress _whole = null!;

    [SetUp]
    public void Make() => (_seconds, _whole) = (0, new WholeProgress(() => TimeSpan.FromSeconds(_seconds)));

    private void At(double seconds, int step)
    {
        _seconds = seconds;
        _whole.Report(step);
    }

    [Test]
    public void Speed_is_measured_from_the_first_report_on()
    {
        _whole.Begin("train", 101);
        // Thirty seconds of compiling, then one step a second.
        At(30, 1);
        Assert.That(_whole.Announcement(), Is.Null);
        At(31, 2);
        Assert.That(_whole.Announcement(), Is.Null, "too early");
        At(32, 3);
        Assert.That(_whole.Announcement(), Is.EqualTo("takes about 1 min 38 s from here"));
        Assert.That(_whole.Announcement(), Is.Null, "once is enough");
        Assert.That(_whole.Remaining!.Value.TotalSeconds, Is.EqualTo(98).Within(1e-9));
    }

    [Test]
    public void A_resumed_stage_counts_only_its_own_steps()
    {
        _whole.Begin("train", 1000);
        At(1, 901);
        At(11, 911);
        Assert.That(_whole.Remaining!.Value.TotalSeconds, Is.EqualTo(89).Within(1e-9));
    }

    [Test]
    public void All_stages_count_and_those_passed_over_do_not()
    {
        _whole.Plan([new("teacher", 100), new("done already", 5000), new("student", 50), new("images", 10)]);
        _whole.Begin("teacher", 10);
        At(1, 1);
        At(3, 2);
        // 10 of work in 2 seconds; 80 + 5000 + 60 are left.
        Assert.That(_whole.Remaining!.Value.TotalSeconds, Is.EqualTo(5140 / 5.0).Within(1e-9));
        Assert.That(_whole.HasMore, Is.True);
        At(19, 10);
        _whole.End();
        _whole.Begin("student", 5);
        Assert.That(_whole.Remaining!.Value.TotalSeconds, Is.EqualTo(60 / 5.0).Within(1e-9));
        At(20, 1);
        At(29, 4);
        _whole.End();
        _whole.Begin("images", 1);
        Assert.That(_whole.HasMore, Is.False);
        Assert.That(_whole.Remaining!.Value.TotalSeconds, Is.EqualTo(10 / ((90.0 + 30) / (18 + 9))).Within(1e-9));
    }

    [Test]
    public void What_is_short_is_not_announced()
    {
        _whole.Begin("sample", 4);
        At(1, 1);
        At(3, 2);
        Assert.That(_whole.Announcement(), Is.Null);
        Assert.That(_whole.Expect([new("roofs", 4), new("steps", 5)]), Is.Null);
        Assert.That(_whole.Expect([new("roofs", 4), new("steps", 150)]), Is.EqualTo("takes about 2 min 34 s"));
    }

    [TestCase(0.2, "0 s")]
    [TestCase(59.6, "1 min 0 s")]
    [TestCase(599, "9 min 59 s")]
    [TestCase(3599, "59 min")]
    [TestCase(3 * 3600 + 125, "3 h 2 min")]
    [TestCase(90000, "1 d 1 h")]
    public void Times_read_as_people_say_them(double seconds, string text) =>
        Assert.That(WholeProgress.Text(TimeSpan.FromSeconds(seconds)), Is.EqualTo(text));
}
