using System.Runtime.CompilerServices;
using System.Text.Json;
using BDense.Kernels.MachineCode;

namespace BDense.Tests.Ilgpu;

/// <summary>machine-code.json: what the assembler made of each kernel on each architecture, whose figures may only get better.</summary>
/// <param name="Assembler">The version of ptxas that they belong to.</param>
/// <param name="Kernels">Architecture, then kernel.</param>
internal sealed record MachineCodeRecord(string Assembler, SortedDictionary<string, SortedDictionary<string, KernelRow>> Kernels)
{
    public const string HowTo =
        "Record what is better or meant so: BDENSE_RECORD=1 dotnet test -c Release tests --settings tests/ptxas.runsettings --filter "
        + "Figures_on_record";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    /// <summary>A figure, how to get it, and whether more of it is better (+1) or worse (-1).</summary>
    private static readonly (string Name, Func<KernelRow, double?> Of, int Better)[] Figures =
    [
        ("registers", r => r.Registers, -1),
        ("stack", r => r.Stack, -1),
        ("spills", r => r.Spills, -1),
        ("sharedBytes", r => r.SharedBytes, -1),
        ("occupancy", r => r.Occupancy, 1),
        ("instructions", r => r.Whole?.Instructions, -1),
        ("hmma", r => r.Whole?.Hmma, 1),
        ("ldg128", r => r.Whole?.Ldg128, 1),
        ("stg128", r => r.Whole?.Stg128, 1),
        ("ldsm", r => r.Whole?.Ldsm, 1),
        ("ldgsts", r => r.Whole?.Ldgsts, 1),
        // Multiply-adds among the main loop's instructions: what is left over is addresses, loads and waiting.
        ("mainLoopMath", r => r.MainLoop is { } l ? Math.Round((double)(l.Hmma + l.Ffma) / l.Instructions, 3) : null, 1),
    ];

    private static string Path([CallerFilePath]
    string here = "") => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "machine-code.json");

    public static MachineCodeRecord Read() => File.Exists(Path())
        ? JsonSerializer.Deserialize<MachineCodeRecord>(File.ReadAllText(Path()), Options)!
        : new(KernelCatalog.AssemblerVersion ?? "", []);

    /// <summary>One kernel a line.</summary>
    public static void Write(string architecture, IEnumerable<KernelRow> rows)
    {
        var record = Read() with { Assembler = KernelCatalog.AssemblerVersion! };
        record.Kernels[architecture] = new(rows.ToDictionary(r => r.Name), StringComparer.Ordinal);
        var architectures =
            record.Kernels.Select(
                a => $"    {Json(a.Key)}: {{\n{string.Join(",\n", a.Value.Select(k => $"      {Json(k.Key)}: {Json(k.Value)}"))}\n    }}");
        File.WriteAllText(Path(),
            $"{{\n  \"assembler\": {Json(record.Assembler)},\n  \"kernels\": {{\n{string.Join(",\n", architectures)}\n  }}\n}}\n");

        static string Json<T>(T value) => JsonSerializer.Serialize(value, Options);
    }

    private static string Verdict(double? gain) => gain switch { > 0 => "better: to be recorded", < 0 => "WORSE", _ => "changed" };

    /// <summary>One line for each difference.</summary>
    public static List<string> Compare(MachineCodeRecord record, string architecture, IReadOnlyList<KernelRow> rows)
    {
        var known = record.Kernels.GetValueOrDefault(architecture) ?? [];
        var lines = new List<string>();
        foreach (var row in rows)
        {
            if (!known.TryGetValue(row.Name, out var before))
            {
                lines.Add($"{row.Name} {architecture}: not on record");
                continue;
            }
            foreach (var (name, of, better) in Figures)
            {
                double? now = of(row), then = of(before);
                if (now != then)
                    lines.Add($"{row.Name} {architecture}: {name} {then} -> {now}, {Verdict((now - then) * better)}");
            }
        }
        lines.AddRange(known.Keys.Except(rows.Select(r => r.Name))
            .Select(gone => $"{gone} {architecture}: on record, but there is no such kernel"));
        return lines;
    }
}
