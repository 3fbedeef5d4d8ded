using System.Diagnostics;

namespace BDense.Benchmarks.Comparison;

/// <summary>
/// Builds and runs <c>benchmarks/Peers</c>, the project that has libtorch. It is no part of the solution, so that building and
/// testing need no 180 MB of native code; where it cannot be built, its rows say why and the others run here.
/// </summary>
public static class PeersProject
{
    public static int Run(string[] args)
    {
        bool skipBuild = args.Contains("--no-build");
        args = [.. args.Where(a => a != "--no-build")];
        return Build(skipBuild) is var (assembly, reason) && assembly is not null
            ? Start([assembly, .. args], capture: false).ExitCode
            : PeersCommand.Run(args, _ => new MissingPeer("libtorch", reason));
    }

    private static (string? Assembly, string Reason) Build(bool skip)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Peers", "Peers.csproj")))
            folder = Path.GetDirectoryName(folder);
        if (folder is null)
            return (null, "the project benchmarks/Peers is not beside this program");

        string project = Path.Combine(folder, "Peers"), assembly = Path.Combine(project, "bin", "Release", "net10.0", "BDense.Peers.dll");
        if (skip && File.Exists(assembly))
            return (assembly, "");
        Console.Error.WriteLine("building benchmarks/Peers (the first time fetches libtorch, 180 MB)");
        var (exit, output) = Start(["build", "-c", "Release", "--nologo", "-v", "quiet", project], capture: true);
        if (exit == 0)
            return (assembly, "");
        string? error = output.Split('\n').FirstOrDefault(l => l.Contains(": error ", StringComparison.Ordinal));
        return (null,
            $"benchmarks/Peers does not build: "
                + $"{error?[(error.IndexOf(": error ", StringComparison.Ordinal) + 2)..].Trim() ?? "dotnet build failed"}");
    }

    private static (int ExitCode, string Output) Start(string[] arguments, bool capture)
    {
        using var process =
            Process.Start(
                new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path
                    : "dotnet", arguments)
                {
                    RedirectStandardOutput = capture,
                }) ?? throw new InvalidOperationException("dotnet does not start");
        string output = capture ? process.StandardOutput.ReadToEnd() : "";
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
