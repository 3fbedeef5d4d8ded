using System.Diagnostics;
using System.Runtime.InteropServices;
using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// What INT, TERM and HUP do: the first stops with a checkpoint, the second ends at once, and neither leaves a trace of the stack.
/// </summary>
[TestFixture]
public sealed class SignalTests
{
    [Test]
    public void The_first_signal_cancels_and_the_second_ends_with_its_own_code()
    {
        var said = new List<string>();
        var codes = new List<int>();
        using var signals = new Signals(said.Add, codes.Add);
        Assert.That(signals.ExitCode, Is.Null);
        signals.Receive(PosixSignal.SIGTERM);
        Assert.That((signals.ExitCode, codes.Count, said.Count), Is.EqualTo((143, 0, 1)));
        Assert.That(signals.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(10)), "cancelled");
        signals.Receive(PosixSignal.SIGINT);
        Assert.That((signals.ExitCode, codes.Single()), Is.EqualTo((143, 130)));
    }

    /// <summary>A whole training: stopped, its checkpoint goes on with --resume.</summary>
    [TestCase("INT", 130), TestCase("TERM", 143), TestCase("HUP", 129)]
    public void Training_stops_with_a_checkpoint(string signal, int code)
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("kill is not there");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        string[] command = ["train", "--network", "demo", "--batch", "4", "--threads", "1", "--out", run];
        var (exit, error) = Stop([.. command, "--steps", "1000000"], Path.Combine(run, "log.jsonl"), signal);
        Assert.That(exit, Is.EqualTo(code), error);
        Assert.That(error, Does.Contain("--resume").And.Not.Contain("   at "));
        Assert.That(File.Exists(Path.Combine(run, "checkpoints", "latest")), "a checkpoint");
    }

    [Test]
    public void Two_signals_end_at_once_without_a_trace()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("kill is not there");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        var (exit, error) = Stop(["train", "--network", "demo", "--batch", "4", "--threads", "1", "--out", run, "--steps", "1000000"],
            Path.Combine(run, "log.jsonl"), "INT", "INT", "INT");
        Assert.That(exit, Is.EqualTo(130), error);
        Assert.That(error, Does.Not.Contain("   at ").And.Not.Contain("Unhandled"));
    }

    /// <summary>The system's own call waits for a reader of a pipe, and only the process's end ends it: one signal is enough.</summary>
    [Test]
    public void A_pipe_that_nobody_reads_does_not_hold_a_signal()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("kill is not there");
        using var folder = new TemporaryFolder();
        string pipe = Path.Combine(folder.Path, "page.html");
        using (var make = Process.Start("mkfifo", [pipe]))
            make.WaitForExit();
        string program = Path.Combine(AppContext.BaseDirectory, "bdense.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, "kernels", "Fill", "--arch", "sm_80", "--html", pipe])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        // The table is printed before the page is written.
        while (process.StandardOutput.ReadLine() is { } line && !line.Contains("Fill", StringComparison.Ordinal))
        {
        }
        Thread.Sleep(500);
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            kill.WaitForExit();
        bool ended = process.WaitForExit(TimeSpan.FromSeconds(30));
        if (!ended)
            process.Kill();
        Assert.That(ended, "it still waits");
        Assert.That(process.ExitCode, Is.EqualTo(143), error.Result);
    }

    /// <summary>Runs the command in a process of its own, waits until a file is there, and sends signals.</summary>
    private static (int ExitCode, string Error) Stop(string[] arguments, string until, params string[] signals)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "bdense.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        while (!File.Exists(until) && !process.HasExited && clock.Elapsed < TimeSpan.FromMinutes(1))
            Thread.Sleep(20);
        foreach (string signal in signals)
        {
            using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
            kill.WaitForExit();
        }
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
            process.Kill();
        process.WaitForExit();
        _ = output.Result;
        return (process.ExitCode, error.Result);
    }
}
