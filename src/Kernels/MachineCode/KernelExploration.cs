using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels.Ilgpu;

namespace BDense.Kernels.MachineCode;

/// <summary>A line of C# in a file under Ilgpu/ or Ptx/; line 0 where debug information does not reach.</summary>
public readonly record struct SourceLine(string File, int Line);

/// <summary>A line of PTX and the C# that it comes from.</summary>
public sealed record PtxLine(string Text, SourceLine Source);

/// <summary>A machine instruction and its line of PTX, from 1 on; 0 where the assembler names none.</summary>
public sealed record SassLine(int Offset, string Text, int PtxLine);

/// <summary>One kernel on one architecture, from C# to machine code.</summary>
/// <param name="Row">Its figures.</param>
/// <param name="File">The file that holds it; empty where its text is not to be had.</param>
/// <param name="Files">The text of that file and of all others that its code comes from.</param>
/// <param name="Ptx">What ILGPU made of it, or what was written.</param>
/// <param name="Sass">What ptxas made of that; empty without ptxas and nvdisasm.</param>
/// <param name="MainLoop">First and last instruction of the main loop; null if there is none.</param>
/// <param name="Notes">Where the links do not reach, and why.</param>
public sealed partial record KernelExploration(KernelRow Row, string File, IReadOnlyDictionary<string, string> Files,
    IReadOnlyList<PtxLine> Ptx,
    IReadOnlyList<SassLine> Sass, (int First, int Last)? MainLoop, IReadOnlyList<string> Notes)
{
    /// <summary>Compiles a kernel once more, with its lines.</summary>
    /// <exception cref="UsageException">No such kernel.</exception>
    public static KernelExploration Of(string name, GpuArchitecture architecture)
    {
        string exact = KernelCatalog.Find(name) is [var one] ? one
            : throw new UsageException($"'{name}' names more than one kernel: {string.Join(", ", KernelCatalog.Find(name))}");
        var kernel = KernelRegistry.All.Single(k => k.Name == exact);
        var ptx = Link(WithLines(kernel, architecture));
        var notes = new List<string>();
        if (ptx.All(line => line.Source.Line == 0))
            notes.Add("PTX is not linked to C#: the assembly's debug symbols (.pdb) are not beside it.");

        var sources = KernelSources.All;
        string declaration = kernel.Written is { } written ? $"record {written.GetType().Name}(" : $"void {exact}(";
        // Of another assembly's kernel the text is where it was compiled, or nowhere.
        string file = sources.FirstOrDefault(s => s.Value.Contains(declaration, StringComparison.Ordinal)).Key
            ?? ptx.Select(line => line.Source.File)
                .FirstOrDefault(f => KernelSources.Text(f)?.Contains(declaration, StringComparison.Ordinal) == true) ?? "";
        var files = ptx.Where(line => line.Source.Line > 0).Select(line => line.Source.File).Append(file).OfType<string>().Distinct()
            .Select(f => (File: f, Text: KernelSources.Text(f))).Where(f => f.Text is not null).ToDictionary(f => f.File, f => f.Text!);
        if (KernelCatalog.AssemblerVersion is null)
        {
            notes.Add("No SASS: ptxas is not on PATH; it comes with the CUDA toolkit.");
            return new(KernelCatalog.Row(kernel, architecture, ""), file, files, ptx, [], null, notes);
        }
        var assembled = Assembler.Assemble(string.Join('\n', ptx.Select(line => line.Text)), architecture, lines: true);
        if (assembled.Sass is null)
            notes.Add("No SASS: nvdisasm is not on PATH; it comes with the CUDA toolkit.");
        var sass = assembled.Sass?.Code.Select(i => new SassLine(i.Offset, i.Text, i.PtxLine)).ToList() ?? [];
        if (sass.Any(i => i.PtxLine == 0))
            notes.Add("Instructions without a link are the assembler's own: it names no line of PTX for them.");
        return new(KernelCatalog.Row(kernel, architecture, assembled), file, files, ptx, sass, assembled.Sass?.MainLoop, notes);
    }

    /// <summary>A written kernel always has its lines.</summary>
    private static string WithLines(KernelEntry kernel, GpuArchitecture architecture)
    {
        if (kernel.Written is { } written)
            return written.Write().Text;
        using var compiler = new PtxCompiler(architecture, lines: true);
        return compiler.Compile(kernel);
    }

    /// <summary>
    /// Takes the line directives out of the text and keeps what they say beside it: the assembler then links SASS to lines of PTX,
    /// not past them to C#.
    /// </summary>
    private static List<PtxLine> Link(string ptx)
    {
        var lines = ptx.Replace("\r", "", StringComparison.Ordinal).Split('\n');
        var files = new Dictionary<string, string>();
        foreach (string line in lines)
        {
            if (FileDirective().Match(line) is { Success: true } m)
                files[m.Groups[1].Value] = KernelSources.Relative(m.Groups[2].Value);
        }
        var linked = new List<PtxLine>();
        SourceLine source = default;
        foreach (string line in lines)
        {
            if (LocDirective().Match(line) is { Success: true } m)
                source = new(files.GetValueOrDefault(m.Groups[1].Value, ""), int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
            else if (line.TrimStart().StartsWith("//", StringComparison.Ordinal) || line.Contains(".section", StringComparison.Ordinal)
                || FileDirective().IsMatch(line))
                continue;
            else if (line.Contains(".target", StringComparison.Ordinal))
                linked.Add(new(line.Replace(", debug", "", StringComparison.Ordinal), default));
            else if (linked.Count > 0 || line.Length > 0)
                linked.Add(new(line.Replace("\t", "  ", StringComparison.Ordinal),
                    line.Contains(';', StringComparison.Ordinal) ? source : default));
        }
        return linked;
    }

    [GeneratedRegex(@"^\s*\.file\s+(\d+)\s+""([^""]*)""")]
    private static partial Regex FileDirective();

    [GeneratedRegex(@"^\s*\.loc\s+(\d+)\s+(\d+)")]
    private static partial Regex LocDirective();
}
