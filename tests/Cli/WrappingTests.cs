using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>Lines on a terminal that is narrower than they are.</summary>
public sealed class WrappingTests
{
    private static readonly string[] Texts =
    [
        "opencl: no OpenCL loader (libOpenCL.so); install ocl-icd-opencl-dev and a driver, such as pocl-opencl-icd 5 or newer",
        "  saves    the reads and writes of what lies between, 8 bytes an element in each direction",
        "checkpoint /a/path/that/is/longer/than/any/terminal/of/these/tests/would/have/room/for/in/a/line then more",
        "word", "", "   ",
    ];

    [Test]
    public void No_word_is_broken_and_none_is_lost([ValueSource(nameof(Texts))] string text, [Values(1, 7, 20, 60, 80, 10_000)] int width)
    {
        string[] lines = [.. Wrapping.Lines(text, width)];
        Assert.That(lines.SelectMany(Words), Is.EqualTo(Words(text)));
        Assert.That(lines.Where(line => line.Length > width && Words(line).Length > 1), Is.Empty, "a longer line is one word");
        Assert.That(lines[0], Does.StartWith(text.Length > width ? "" : text));
    }

    [Test]
    public void What_follows_is_indented_further() => Assert.That(Wrapping.Lines("  a line of some words", 12),
        Is.EqualTo(new[] { "  a line of", "    some", "    words" }));

    [Test]
    public void Several_options_stay_one_line_to_be_copied()
    {
        const string Command = "teacher, heun: --solver heun --steps 3 --rho 7";
        Assert.That(Wrapping.Lines(Command, 20), Is.EqualTo(new[] { Command }));
    }

    [TestCase(40, "train  3/6 steps  2 s left  loss 0.5")]
    [TestCase(30, "train  3/6 steps  2 s left")]
    [TestCase(16, "train  3/6 steps")]
    [TestCase(3, "tra")]
    [TestCase(0, "")]
    public void Progress_leaves_out_what_has_no_room(int width, string line) =>
        Assert.That(Wrapping.Fit(width, "train", "3/6 steps", "2 s left", "loss 0.5"), Is.EqualTo(line));

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
