using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;

namespace BDense.Tests.Processes;

/// <summary>Processes that a system's mpirun starts. Skipped for a library that is not installed.</summary>
[NonParallelizable]
public sealed class MpiTests
{
    /// <summary>Debian's names, so that both can be installed side by side.</summary>
    private static readonly (string Family, string Launcher, string[] Arguments)[] s_launchers =
    [
        ("Open MPI", "mpirun.openmpi", ["--allow-run-as-root", "--oversubscribe"]),
        ("MPICH", "mpirun.mpich", []),
    ];

    private static IEnumerable<TestCaseData> Cases() =>
        from launcher in s_launchers
        from processes in new[] { 1, 2, 4 }
        select new TestCaseData(launcher.Family, processes).SetName($"Sums_are_right({launcher.Family} {processes})");

    private static (int Code, string Output, string Error) Run(string family, int processes, params string[] arguments)
    {
        var (_, launcher, options) = s_launchers.First(one => one.Family == family);
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, launcher))))
            Assert.Ignore($"{family} is not installed: there is no {launcher}");
        using var process = Process.Start(new ProcessStartInfo(launcher,
            [.. options, "-np", $"{processes}", "dotnet", Path.Combine(AppContext.BaseDirectory, "bdense.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        Assert.That(process.WaitForExit(TimeSpan.FromMinutes(3)), Is.True, "the processes do not end");
        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>The verb itself compares each sum with what it should be, and fails where one is wrong.</summary>
    [TestCaseSource(nameof(Cases))]
    public void Sums_are_right(string family, int processes)
    {
        var (code, output, error) = Run(family, processes, "processes", "--engine", "mpi", "--values", "100003", "--json");
        Assert.That(code, Is.Zero, error);
        int from = output.IndexOf('{', StringComparison.Ordinal);
        using var json = JsonDocument.Parse(output[from..(output.LastIndexOf('}') + 1)]);
        Assert.That(json.RootElement.GetProperty("processes").GetArrayLength(), Is.EqualTo(processes));
        Assert.That(json.RootElement.GetProperty("engine").GetString(), Does.Contain(family));
    }

    /// <summary>Fewer values than processes: some have no part of the sum.</summary>
    [Test]
    public void Parts_may_be_empty([Values("Open MPI", "MPICH")] string family)
    {
        var (code, _, error) = Run(family, 4, "processes", "--values", "2");
        Assert.That(code, Is.Zero, error);
    }
}
