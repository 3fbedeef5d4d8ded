using System.Diagnostics;
using System.Text;
using BDense.Cli;
using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>What reaches the terminal, and what becomes of it where nobody takes it.</summary>
public sealed class TerminalTests
{
    private const string Escape = "\u001b[31m\a";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public void Every_control_character_is_shown_and_none_is_sent()
    {
        using var inner = new StringWriter();
        using var writer = new PrintableWriter(inner);
        string all = string.Concat(Enumerable.Range(0, 0xA0).Select(c => (char)c)) + "\u200e\u2028\u202e\u2066";
        writer.WriteLine(all);
        writer.Write('\u001b');
        writer.Write("ab\ac".ToCharArray(), 1, 2);
        string text = inner.ToString();
        Assert.That(text.Where(c => c != '\n' && (char.IsControl(c) || c > '\u2000')), Is.Empty);
        Assert.That(text,
            Does.Contain("\\x1b").And.Contain("\\x07").And.Contain("\\x9b").And.Contain("\\u202e").And.EndWith("\\x1bb\\x07"));
        Assert.That(text.Count(c => c == '\n'), Is.EqualTo(2), "a line stays a line");
    }

    private static readonly string[][] Commands =
    [
        [Escape],
        ["train", "--" + Escape],
        ["train", Escape],
        ["train", "--steps", Escape],
        ["train", "--device", Escape],
        ["train", "--fuse", Escape],
        ["train", "--precision", Escape],
        ["train", "--network", Escape],
        ["train", "--network", Escape + ".json"],
        ["train", "--data", "{}/" + Escape],
        ["train", "--data", "{}/images"],
        ["train", "--network", "{}/net.json"],
        ["sample", "--model", "{}/" + Escape],
        ["sample", "--model", "{}/images"],
        ["distill", "--teacher", Escape, "--weights", Escape],
        ["evaluate", "--model", Escape],
        ["info", "--data", "{}/" + Escape],
        ["kernels", Escape],
        ["study", "--teacher", "x", "--variants", Escape],
    ];

    /// <summary>From options, names of files and folders, and what is in them.</summary>
    [TestCaseSource(nameof(Commands))]
    public async Task Nothing_from_outside_reaches_the_terminal_raw(params string[] arguments)
    {
        _folder.Write($"images/{Escape}/x.png", "no image"u8);
        _folder.Write("net.json", Encoding.UTF8.GetBytes("{\"\\u001b[31m\\u0007\": 1}"));
        var run = await CliRun.Of([.. arguments.Select(a => a.Replace("{}", _folder.Path, StringComparison.Ordinal))]);
        Assert.That(run.ExitCode, Is.AnyOf(1, 2), run.Error);
        Assert.That((run.Output + run.Error).Where(c => char.IsControl(c) && c != '\n'), Is.Empty, run.Error);
    }

    [Test]
    public async Task Lost_results_are_a_failure_and_lost_notes_are_none()
    {
        using var taken = new StringWriter();
        Assert.That(await Program.Run(["info", "--network", "demo"], new FullWriter(), taken), Is.EqualTo(1));
        Assert.That(taken.ToString(), Is.EqualTo($"bdense: cannot write to standard output: No space left on device{Environment.NewLine}"));
        Assert.That(await Program.Run(["info", "--network", "demo", "--json"], new FullWriter(), new FullWriter()), Is.EqualTo(1));
        Assert.That(await Program.Run(["info", "--network", "demo"], TextWriter.Null, new FullWriter()), Is.Zero);
        Assert.That(await Program.Run(["--help"], new FullWriter(), TextWriter.Null), Is.EqualTo(1));
        Assert.That(await Program.Run(["train", "--steps", "-1"], TextWriter.Null, new FullWriter()), Is.EqualTo(2));
    }

    /// <summary>Through a shell: the streams as a caller leaves them. A reader that has seen enough is no failure.</summary>
    [TestCase("2>&-", 0, "demo")]
    [TestCase("2>/dev/full", 0, "demo")]
    [TestCase(">/dev/full", 1, "cannot write to standard output")]
    [TestCase(">&-", 1, "cannot write to standard output: it is closed")]
    [TestCase("<&- >&-", 1, "cannot write to standard output: it is closed")]
    [TestCase("| head -n 1", 0, "demo")]
    public void Streams_that_are_closed_or_full_are_survived(string redirection, int code, string said)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("/dev/full and /proc are not there");
        string program = Path.Combine(AppContext.BaseDirectory, "bdense.dll");
        var start = new ProcessStartInfo("bash", ["-c", $"set -o pipefail; dotnet '{program}' info --network demo {redirection}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string all = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(code), all);
        Assert.That(all, Does.Contain(said).And.Not.Contain("   at ").And.Not.Contain("Unhandled"));
    }

    /// <summary>A device without room.</summary>
    private sealed class FullWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("No space left on device");
    }
}
