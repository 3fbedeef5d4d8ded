using System.Globalization;
using System.Text.RegularExpressions;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>One PTX instruction: <c>@p op a, b, c;</c>. Operands keep their brackets and braces.</summary>
internal sealed record PtxInstruction(string? Predicate, bool Negated, string[] Op, string[] Operands, string Text)
{
    /// <summary>Whether a lane executed it; told of stores.</summary>
    public bool IsReached { get; set; }
}

/// <summary>A kernel's PTX, read into instructions, labels, parameters and register numbers.</summary>
internal sealed partial class PtxProgram
{
    private readonly Dictionary<string, int> _registers = new(StringComparer.Ordinal);

    public List<PtxInstruction> Code { get; } = [];

    public Dictionary<string, int> Labels { get; } = new(StringComparer.Ordinal);

    /// <summary>Names and bytes, in order.</summary>
    public List<(string Name, int Bytes)> Parameters { get; } = [];

    /// <summary>Shared arrays by name: where each begins, and its bytes.</summary>
    /// <remarks>
    /// Each begins at an odd multiple of its declared alignment, so that whoever relies on more than the declaration promises is caught.
    /// </remarks>
    public Dictionary<string, (int Start, int Bytes)> Shared { get; } = new(StringComparer.Ordinal);

    /// <summary>What the launch asked for.</summary>
    public int DynamicShared { get; }

    /// <summary>Whether it has instructions that only a whole warp may execute.</summary>
    public bool NeedsWholeWarps => Code.Exists(i => i.Op[0] is "mma" or "ldmatrix" or "cp" or "shfl");

    public int Registers => _registers.Count;

    /// <param name="ptx">A module with one kernel.</param>
    /// <param name="dynamicShared">Bytes of shared memory that the launch asks for.</param>
    public PtxProgram(string ptx, int dynamicShared = 0)
    {
        DynamicShared = dynamicShared;
        string text = Comment().Replace(ptx.Replace("\r", "", StringComparison.Ordinal), "");
        foreach (Match m in Parameter().Matches(text))
        {
            int size = m.Groups[1].Value == "b64" ? 8 : 4;
            Parameters.Add((m.Groups[2].Value, m.Groups[3].Success ? int.Parse(m.Groups[3].Value, CultureInfo.InvariantCulture) : size));
        }
        if (ExternShared().Match(text) is { Success: true } dynamic)
            Declare(dynamic, dynamicShared);
        string body = text[text.IndexOf('{', StringComparison.Ordinal)..];
        foreach (string raw in Statement().Split(body))
        {
            string statement = raw.Trim(' ', '\t', '\n', ';');
            // Braces that open or close a scope stand alone; those of a vector operand do not.
            while (true)
            {
                var label = LabelStart().Match(statement);
                if (label.Success)
                    Labels[label.Groups[1].Value] = Code.Count;
                else if (!statement.StartsWith('{') && !statement.StartsWith('}'))
                    break;
                statement = statement[(label.Success ? label.Length : 1)..].Trim();
            }
            if (statement.StartsWith(".shared", StringComparison.Ordinal))
            {
                var m = SharedArray().Match(statement);
                Declare(m, int.Parse(m.Groups[3].Value, CultureInfo.InvariantCulture));
            }
            else if (statement.Length > 0 && !statement.StartsWith('.'))
            {
                Code.Add(Read(statement));
            }
        }
    }

    /// <summary>A number for a register's name.</summary>
    public int Register(string name)
    {
        if (!_registers.TryGetValue(name, out int number))
            _registers.Add(name, number = _registers.Count);
        return number;
    }

    /// <summary>Behind the arrays that there are; bytes are aligned to one where nothing else is declared.</summary>
    private void Declare(Match array, int bytes)
    {
        int alignment = array.Groups[1].Success ? int.Parse(array.Groups[1].Value, CultureInfo.InvariantCulture) : 1;
        int end = Shared.Values.Select(a => a.Start + a.Bytes).DefaultIfEmpty().Max();
        int multiple = (end + alignment - 1) / alignment | 1;
        Shared.Add(array.Groups[2].Value, (multiple * alignment, bytes));
    }

    private static PtxInstruction Read(string statement)
    {
        var m = Form().Match(statement);
        string predicate = m.Groups[1].Value;
        string[] operands = [.. OperandSplit().Split(m.Groups[3].Value).Select(o => o.Trim()).Where(o => o.Length > 0)];
        return new(predicate.Length == 0 ? null : predicate.TrimStart('@', '!'), predicate.StartsWith("@!", StringComparison.Ordinal),
            m.Groups[2].Value.Split('.'), operands, statement);
    }

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+(\w+)(?:\[(\d+)\])?")]
    private static partial Regex Parameter();

    [GeneratedRegex(@";")]
    private static partial Regex Statement();

    [GeneratedRegex(@"^(L_\w+):")]
    private static partial Regex LabelStart();

    [GeneratedRegex(@"\.shared\s+(?:\.align\s+(\d+)\s+)?\.b8\s+(\w+)\[(\d+)\]")]
    private static partial Regex SharedArray();

    [GeneratedRegex(@"\.extern\s+\.shared\s+(?:\.align\s+(\d+)\s+)?\.b8\s+(\w+)\[\]")]
    private static partial Regex ExternShared();

    [GeneratedRegex(@"^(@!?[%\w]+)?\s*([\w.]+)\s*(.*)$", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex(@",(?![^{]*\})")]
    private static partial Regex OperandSplit();
}
