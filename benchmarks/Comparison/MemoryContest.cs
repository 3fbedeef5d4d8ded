using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using BDense.Benchmarks.Workloads;
using BDense.Kernels.Reference;

namespace BDense.Benchmarks.Comparison;

/// <summary>
/// Peak resident memory of a whole process, one side at a time: this program starts itself again with <c>--memory-of SIDE</c>, the child
/// does the work a few times and prints its own peak (VmHWM on Linux). Everything counts: code, runtime, libraries, buffers.
/// </summary>
public static class MemoryContest
{
    /// <summary>The side that is ours; a peer's is <c>its name/number of the variant</c>.</summary>
    private const string Ours = "cpu";

    /// <summary>Enough that pools and allocators are warm.</summary>
    private const int Runs = 4;

    /// <summary>Starts one child for us and one for each of the peer's variants; the variant that needs least counts.</summary>
    public static Row Run(PeakMemory work, IPeer peer, int threads, string rerun)
    {
        Row Failed(string note) => new(work.Name, peer.Name, null, null, null, null, null, null, null, null, 0, null, null, note, rerun);

        var (mine, error) = Child(work, Ours, threads);
        if (mine is null)
            return Failed(error);
        if (peer.Unavailable is { } reason)
            return Failed(reason) with { Mebibytes = mine.Peak };
        Measured? best = null;
        for (int variant = 0; ; variant++)
        {
            var (theirs, why) = Child(work, $"{peer.Name}/{variant}", threads);
            if (theirs is null && best is null)
                return Failed(why) with { Mebibytes = mine.Peak };
            if (theirs is null)
                break;
            if (best is null || theirs.Peak < best.Peak)
                best = theirs;
        }
        return new(work.Name, peer.Name, null, null, mine.Peak / best!.Peak, null, null, null, null, null, 1, best.Variant, null,
            string.Create(CultureInfo.InvariantCulture,
                $"{mine.Peak:0} MiB against {best.Peak:0} ({best.Variant}); before the work {mine.Before:0} and {best.Before:0}"), rerun)
        { Mebibytes = mine.Peak, PeerMebibytes = best.Peak };
    }

    /// <summary>The child's part: does the work and prints the variant and two figures. Exit code 3: there is no such variant.</summary>
    public static int Serve(PeakMemory work, string side, int threads, Func<int, IPeer> makePeer)
    {
        if (side == Ours)
        {
            using var backend = new ReferenceBackend(threads);
            double before = PeakMebibytes();
            using var running = work.Of.Start(backend);
            Print("", before, running);
            return 0;
        }
        using var peer = makePeer(threads);
        int index = int.Parse(side.AsSpan(side.LastIndexOf('/') + 1), CultureInfo.InvariantCulture);
        double loaded = PeakMebibytes();
        foreach (var running in peer.Start(work.Of))
        {
            using (running)
            {
                if (index-- != 0)
                    continue;
                Print(running.Variant, loaded, running);
                return 0;
            }
        }
        return 3;
    }

    private static void Print(string variant, double before, Running running)
    {
        for (int i = 0; i < Runs; i++)
            running.Run();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before:0.0};{PeakMebibytes():0.0};{variant}"));
    }

    private sealed record Measured(double Before, double Peak, string Variant);

    private static (Measured? Figures, string Reason) Child(PeakMemory work, string side, int threads)
    {
        string program = Assembly.GetEntryAssembly()!.Location, host = Environment.ProcessPath!;
        bool byHost = Path.GetFileNameWithoutExtension(host) == "dotnet",
            withVerb = Path.GetFileNameWithoutExtension(program) == "BDense.Benchmarks";
        string[] arguments =
        [
            .. byHost ? new[] { program } : [],
            .. withVerb ? new[] { "peers", "--no-build" } : [],
            "--memory-of", side, "--filter", work.Name, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--fuse",
            work.Fusions.ToString(),
        ];
        using var process = Process.Start(new ProcessStartInfo(host, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("this program does not start again");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string[] parts = output.Trim().Split(';');
        if (process.ExitCode != 0 || parts.Length != 3)
            return (null, $"the child process ended with exit code {process.ExitCode}");
        return (new(double.Parse(parts[0], CultureInfo.InvariantCulture), double.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]),
            "");
    }

    private static double PeakMebibytes()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;
    }
}
