using System.Globalization;
using System.Text.RegularExpressions;

namespace BDense.Kernels.MachineCode;

/// <summary>One machine instruction.</summary>
/// <param name="Offset">Bytes from the kernel's start.</param>
/// <param name="Opcode">With its modifiers: LDG.E.128.</param>
/// <param name="Text">As nvdisasm prints it, predicate first.</param>
/// <param name="PtxLine">The line of PTX it comes from, from 1 on; 0 where the assembler does not say.</param>
internal sealed record SassInstruction(int Offset, string Opcode, string Text, int PtxLine);

/// <summary>A kernel's disassembly and the loops in it.</summary>
internal sealed partial class Sass
{
    private readonly Dictionary<string, int> _labels = new(StringComparer.Ordinal);

    /// <param name="listing">Output of nvdisasm -c, or -c -gp for lines of PTX.</param>
    public Sass(string listing)
    {
        var code = new List<SassInstruction>();
        int line = 0;
        foreach (string text in listing.Split('\n'))
        {
            if (LineNote().Match(text) is { Success: true } note)
                line = int.Parse(note.Groups[1].Value, CultureInfo.InvariantCulture);
            else if (Label().Match(text) is { Success: true } label)
                _labels[label.Groups[1].Value] = code.Count;
            else if (Instruction().Match(text) is { Success: true } found)
                code.Add(new(int.Parse(found.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture), found.Groups[4].Value,
                    found.Groups[2].Value.Trim(), line));
        }
        // Behind the last EXIT the assembler puts a branch to itself and NOPs up to the next 128 bytes.
        int end = code.Count;
        while (end > 0 && (code[end - 1].Opcode == "NOP" || Target(code[end - 1]) == end - 1))
            end--;
        Code = code[..end];
    }

    public IReadOnlyList<SassInstruction> Code { get; }

    /// <summary>Index of the instruction that a branch goes to; -1 if this is none.</summary>
    private int Target(SassInstruction i) =>
        i.Opcode.StartsWith("BRA", StringComparison.Ordinal) && BranchTarget().Match(i.Text) is { Success: true } m
            && _labels.TryGetValue(m.Groups[1].Value, out int at) ? at : -1;

    /// <summary>First and last instruction of every loop: from a backward branch's target to the branch.</summary>
    public IReadOnlyList<(int First, int Last)> Loops
    {
        get
        {
            var loops = new List<(int First, int Last)>();
            foreach (var (target, i) in Backward)
            {
                // Two branches to one start (a "continue") are one loop.
                int same = loops.FindIndex(l => l.First == target);
                if (same >= 0)
                    loops[same] = (target, i);
                else
                    loops.Add((target, i));
            }
            return loops;
        }
    }

    private IEnumerable<(int First, int Last)> Backward =>
        Enumerable.Range(0, Code.Count).Select(i => (First: Target(Code[i]), Last: i)).Where(l => l.First >= 0 && l.First < l.Last);

    /// <summary>
    /// Loops whose last branch goes forward, to a few instructions behind all else that wait for an mbarrier and then branch back.
    /// </summary>
    private IEnumerable<(int First, int Last)> ThroughWaits
    {
        get
        {
            const int wait = 8;
            for (int i = 0; i < Code.Count; i++)
            {
                int target = Target(Code[i]);
                if (target <= i)
                    continue;
                int back = Code.Skip(target).Take(wait).Where(c => c.Text.StartsWith("BRA", StringComparison.Ordinal)).Select(Target)
                    .FirstOrDefault(-1);
                if (back >= 0 && back < i && Code.Skip(target).Take(wait).Any(c => c.Opcode.StartsWith("SYNCS", StringComparison.Ordinal)))
                    yield return (back, i);
            }
        }
    }

    /// <summary>
    /// The loop where the time goes, by a guess that needs no run: of the innermost loops the one with most tensor-core products, then
    /// most multiply-adds, then most instructions. Where warpgroups multiply, the smallest with most of their products, since a loop within
    /// it waits for an mbarrier. Null if the kernel has no loop.
    /// </summary>
    public (int First, int Last)? MainLoop
    {
        get
        {
            var loops = Loops;
            var warpgroups = Backward.Where(l => !ReturnsFromWait(l.Last)).Concat(ThroughWaits).Where(l => Counts(l).Hgmma > 0).ToList();
            if (warpgroups.Count > 0)
                return warpgroups.MaxBy(l => (Counts(l).Hgmma, -Counts(l).Instructions));
            var innermost = loops.Where(a => !loops.Any(b => b != a && b.First >= a.First && b.Last <= a.Last)).ToList();
            return innermost.Count == 0 ? null : innermost.MaxBy(l =>
            {
                var c = Counts(l);
                return (c.Hmma, c.Ffma, c.Instructions);
            });
        }
    }

    /// <summary>Whether a branch ends such a wait: what lies between is no loop.</summary>
    private bool ReturnsFromWait(int i) => i >= 2 && Code[i].Text.StartsWith("BRA", StringComparison.Ordinal)
        && Code[i - 1].Opcode.StartsWith("BRA", StringComparison.Ordinal)
        && Code[i - 2].Opcode.StartsWith("SYNCS", StringComparison.Ordinal);

    private InstructionCounts Counts((int First, int Last) loop) =>
        InstructionCounts.Of([.. Code.Skip(loop.First).Take(loop.Last - loop.First + 1)]);

    [GeneratedRegex(@"^\s*//## File ""[^""]*"", line (\d+)")]
    private static partial Regex LineNote();

    [GeneratedRegex(@"^(\.L_x_\d+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s*/\*([0-9a-f]{4,})\*/\s+((@!?U?PT?\d*\s+)?([A-Z][A-Z0-9_.]*)[^;]*);")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"`?\((\.L_x_\d+)\)")]
    private static partial Regex BranchTarget();
}
