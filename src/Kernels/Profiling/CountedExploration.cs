using System.Text.RegularExpressions;
using BDense.Kernels.MachineCode;
using BDense.VirtualGpu.Counts;

namespace BDense.Kernels.Profiling;

/// <summary>Counts of a kernel's launches beside the lines of its exploration.</summary>
/// <param name="Sources">By line of C#, over everything that it became.</param>
/// <param name="Ptx">By line of PTX, from 1 on; empty where the PTX that ran is not that of the exploration, instruction by
/// instruction.</param>
public sealed partial record CountedExploration(IReadOnlyDictionary<SourceLine, PlaceCounts> Sources,
    IReadOnlyDictionary<int, PlaceCounts> Ptx)
{
    /// <param name="k">The kernel.</param>
    /// <param name="launches">Of that kernel; at least one.</param>
    public static CountedExploration Of(KernelExploration k, IReadOnlyList<LaunchCounts> launches)
    {
        var sources = new Dictionary<SourceLine, PlaceCounts>();
        foreach (var line in launches.SelectMany(ProfiledLine.Of).Where(line => line.Source.Line > 0))
            sources[line.Source] = sources.GetValueOrDefault(line.Source) + line.Counts;
        return new(sources, Lines(k.Ptx, launches));
    }

    /// <summary>
    /// The n-th instruction of one text is the n-th of the other: the driver's has other directives, and other names of registers.
    /// </summary>
    private static Dictionary<int, PlaceCounts> Lines(IReadOnlyList<PtxLine> ptx, IReadOnlyList<LaunchCounts> launches)
    {
        var lines = new Dictionary<int, PlaceCounts>();
        var instructions = ptx.Select((line, i) => (Opcode: Opcode(line.Text), Line: i + 1)).Where(l => l.Opcode is not null).ToList();
        foreach (var counts in launches)
        {
            var ran = counts.AllPlaces.Where(p => Opcode(p.Place.Text) is not null).ToList();
            if (!ran.Select(p => Opcode(p.Place.Text)).SequenceEqual(instructions.Select(i => i.Opcode)))
                return [];
            for (int i = 0; i < ran.Count; i++)
                lines[instructions[i].Line] = lines.GetValueOrDefault(instructions[i].Line) + ran[i].Counts;
        }
        return lines;
    }

    private static string? Opcode(string text) => Statement().Match(text) is { Success: true } m ? m.Groups[1].Value : null;

    [GeneratedRegex(@"^\s*(?:@!?%\w+\s+)?([a-z][\w.]*)")]
    private static partial Regex Statement();
}
