using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace BDense.Kernels.MachineCode;

/// <summary>What ptxas says of a kernel.</summary>
internal sealed record Assembled(int Registers, int Stack, int Spills, int SharedBytes, Sass? Sass)
{
    /// <summary>Its remarks on lost speed, (C7515) for example; nothing if it has none.</summary>
    public string Warnings { get; init; } = "";
}

/// <summary>NVIDIA's assembler and disassembler, if they are on PATH: they come with the CUDA toolkit and need no GPU.</summary>
internal static partial class Assembler
{
    /// <summary>ptxas' version, 11.8.89 for example; null where it is not installed.</summary>
    public static string? Version { get; } = Run(default, "ptxas", "--version") is { } text
        && VersionText().Match(text) is { Success: true } m ? m.Groups[1].Value : null;

    /// <param name="ptx">One kernel.</param>
    /// <param name="architecture">For which GPU.</param>
    /// <param name="lines">Whether the SASS is to name lines of PTX; then the PTX must not name lines of anything else.</param>
    /// <param name="cancellation">Ends the assembler too.</param>
    /// <exception cref="BDenseException">ptxas is not there or refuses.</exception>
    public static Assembled Assemble(string ptx, GpuArchitecture architecture, bool lines = false, CancellationToken cancellation = default)
    {
        using var folder = new ScratchFolder("bdense-ptx-");
        // What only Hopper has is in no other architecture's text.
        string name = ptx.Contains(".target sm_90a", StringComparison.Ordinal) ? "sm_90a" : architecture.Name;
        string source = Path.Combine(folder.FullName, "kernel.ptx"), target = Path.Combine(folder.FullName, "kernel.cubin");
        File.WriteAllText(source, ptx);
        string report =
            Run(cancellation, "ptxas",
                ["-v", $"-arch={name}", .. lines ? ["-lineinfo"] : Array.Empty<string>(), source, "-o", target])
            ?? throw new BDenseException("ptxas is not on PATH; it comes with the CUDA toolkit");
        if (!File.Exists(target))
            throw new BDenseException($"ptxas refuses: {report.Trim()}");
        string? listing = Run(cancellation, "nvdisasm", [lines ? "-gp" : "-c", "-c", target]);
        return new Assembled(Number(Registers(), report), Number(Stack(), report), Number(Spills(), report), Number(Shared(), report),
            listing is null ? null : new Sass(listing))
        {
            Warnings = string.Join('\n', report.Split('\n').Where(line => Warning().IsMatch(line))),
        };
    }

    private static int Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } m ? int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    /// <summary>Everything a program printed; null if there is no such program.</summary>
    /// <exception cref="OperationCanceledException">It was stopped, and so was the program.</exception>
    private static string? Run(CancellationToken cancellation, string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            using var stopped = cancellation.Register(() => process.Kill(entireProcessTree: true));
            var errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + errors.Result;
            process.WaitForExit();
            cancellation.ThrowIfCancellationRequested();
            return output;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"V(\d+\.\d+\.\d+)")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"\(C\d+\)|warning", RegexOptions.IgnoreCase)]
    private static partial Regex Warning();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex Spills();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();
}
