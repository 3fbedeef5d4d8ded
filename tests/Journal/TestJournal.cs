using System.Diagnostics;
using System.Globalization;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Tests.Journal;
using BDense.Tests.Ops;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

[assembly: TestJournal]

namespace BDense.Tests.Journal;

/// <summary>
/// Runs one part of the tests (<see cref="TestShard"/>) and writes what became of each to the file that BDENSE_TEST_LOG names, at once, so
/// that a process that dies or is stopped leaves what it did. Without these variables it does nothing but hold CUDA tests back after a
/// fault.
/// </summary>
/// <remarks>
/// A line is outcome, seconds, full name, first line of the message, with tabs between. Outcomes: <c>begin</c> (before the test: the last
/// one without a further line is the test that ended the process), <c>passed</c>, <c>failed</c>, <c>skipped</c>, <c>inconclusive</c>, and
/// <c>notrun</c> for a CUDA test after a fault of the device, to be run again in a new process. Tests of other parts are not there at all:
/// they leave no line here and none of the runner's. Tests whose fixture did not open get theirs at the very end.
/// </remarks>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TestJournalAttribute : Attribute, ITestAction, IApplyToTest
{
    public ActionTargets Targets => ActionTargets.Test | ActionTargets.Suite;

    /// <summary>When the whole assembly's tests have been found, and before any is listed or selected.</summary>
    public void ApplyToTest(Test test) => TestJournal.Shard.Cut(test);

    public void BeforeTest(ITest test)
    {
        if (!test.IsSuite)
            TestJournal.Begin(test);
    }

    public void AfterTest(ITest test)
    {
        if (test.IsSuite)
            TestJournal.Rest(TestExecutionContext.CurrentContext.CurrentResult);
        else
            TestJournal.End(test, TestExecutionContext.CurrentContext.CurrentResult);
    }
}

/// <summary>The state behind <see cref="TestJournalAttribute"/>.</summary>
internal static class TestJournal
{
    private const string AfterFault = "after a device fault in ";

    internal static readonly TestShard Shard = TestShard.Parse(Environment.GetEnvironmentVariable("BDENSE_TEST_SHARD"));
    private static readonly FileStream? Log = Environment.GetEnvironmentVariable("BDENSE_TEST_LOG") is { Length: > 0 } path
        ? new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite) : null;

    /// <summary>Tests that have their last line, by id.</summary>
    private static readonly HashSet<string> Written = [];
    private static readonly Dictionary<string, long> Started = [];
    private static readonly Lock Gate = new();

    /// <summary>Why CUDA tests are held back: the test after which the device was lost to this process; null while it works.</summary>
    public static string? Fault { get; private set; }

    /// <summary>No device opens any more in this process: a fault that no test has shown, under a kernel of one that has ended.</summary>
    public static void Lost(string where) => Fault ??= AfterFault + where;

    public static void Begin(ITest test)
    {
        if (Fault is not null && IsCuda(test))
            Assert.Ignore(Fault);
        lock (Gate)
            Started[test.Id] = Stopwatch.GetTimestamp();
        Write(Line("begin", null, test.FullName, ""));
    }

    public static void End(ITest test, TestResult result)
    {
        double seconds;
        lock (Gate)
        {
            Written.Add(test.Id);
            seconds = Started.Remove(test.Id, out long start) ? Stopwatch.GetElapsedTime(start).TotalSeconds : 0;
        }
        string message = result.Message ?? "";
        // ILGPU's exceptions have the driver's words alone.
        if (result.ResultState.Status == TestStatus.Failed && IsCuda(test) && DeviceCatalog.Finding is { } finding
            && !message.Contains(finding, StringComparison.Ordinal))
        {
            message = $"{finding}: {message}";
            TestContext.Out.WriteLine($"found last: {finding}");
        }
        Write(Line(Outcome(result.ResultState, message), seconds, test.FullName, message));
        if (Fault is null && !DeviceFixtures.SurvivesFaults && result.ResultState.Status == TestStatus.Failed && IsCuda(test)
            && DeviceFault.Tells($"{result.Message}\n{result.StackTrace}"))
            Lost(test.FullName);
    }

    /// <summary>Lines for the tests that never began, at the end of the run.</summary>
    public static void Rest(ITestResult result)
    {
        foreach (var child in result.Children)
            Rest(child);
        bool mine = !result.Test.IsSuite;
        lock (Gate)
            mine = mine && Written.Add(result.Test.Id);
        if (mine)
            Write(Line(Outcome(result.ResultState, result.Message), 0, result.Test.FullName, result.Message));
    }

    internal static string Outcome(ResultState state, string? message) =>
        state.Status == TestStatus.Skipped && message?.Contains(AfterFault, StringComparison.Ordinal) == true ? "notrun"
        : state.Status.ToString().ToLowerInvariant();

    internal static string Line(string outcome, double? seconds, string fullName, string? message)
    {
        string first = (message ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .FirstOrDefault(l => !l.StartsWith("Multiple failures", StringComparison.Ordinal)) ?? "";
        return string.Create(CultureInfo.InvariantCulture, $"{outcome}\t{seconds:0.000}\t{OneField(fullName)}\t{OneField(first)}");
    }

    private static string OneField(string text) => text.Replace('\t', ' ').Replace('\n', ' ').Replace('\r', ' ');

    private static bool IsCuda(ITest test)
    {
        for (ITest? t = test; t is not null; t = t.Parent)
        {
            if (t.Properties["Category"].Contains("CUDA"))
                return true;
        }
        return false;
    }

    private static void Write(string line)
    {
        if (Log is null)
            return;
        lock (Gate)
        {
            // One write a line: two processes may share a file.
            Log.Write(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
            Log.Flush();
        }
    }
}
