using BDense.Kernels;

namespace BDense.Cases.Ops;

/// <summary>
/// Rows of the case list again with BF16 activations: read exactly, computed in float32, and rounded once where they are stored.
/// </summary>
public static class BFloat16Cases
{
    /// <summary>What may be BF16 of each operation; a * stands for the end of any name.</summary>
    private static readonly Dictionary<string, string[]> Activations = new()
    {
        ["Add"] = ["a", "b", "y"],
        ["Attention"] = ["qkv", "y"],
        ["AttentionBackward"] = ["dy", "qkv", "y", "dqkv"],
        ["BroadcastAdd"] = ["x", "y"],
        ["BroadcastAddBackward"] = ["dy"],
        ["Concat"] = ["a", "b", "y"],
        ["Conv2d"] = ["x", "y"],
        ["Conv2dDgrad"] = ["dy", "dx"],
        ["Conv2dWgrad"] = ["x", "dy"],
        ["Copy"] = ["x", "y"],
        ["Downsample"] = ["x", "y"],
        ["Dropout"] = ["x", "y"],
        ["Fill"] = ["y"],
        ["FusedConv2d"] = ["x", "residual", "y"],
        ["FusedConv2dDgrad"] = ["dy", "dv"],
        ["FusedConv2dWgrad"] = ["x", "dy"],
        ["GroupNorm"] = ["x", "y"],
        ["GroupNormBackward"] = ["dy", "x", "dx"],
        ["GroupNormFactors"] = ["x"],
        ["LinearCombination"] = ["x*", "y"],
        ["LinearCombinationPerSample"] = ["x*", "y"],
        ["Linear"] = ["x", "y"],
        ["LinearDgrad"] = ["dy", "dx"],
        ["LinearWgrad"] = ["x", "dy"],
        ["MatMul"] = ["a", "b", "c"],
        ["Moments"] = ["x"],
        ["Multiply"] = ["a", "b", "y"],
        ["Scale"] = ["x", "y"],
        ["ScaleShift"] = ["x", "y"],
        ["Silu"] = ["x", "y"],
        ["SiluBackward"] = ["dy", "x", "dx"],
        ["Softmax"] = ["x", "y"],
        ["SoftmaxBackward"] = ["dy", "y", "dx"],
        ["Split"] = ["a", "b", "y"],
        ["Sum"] = ["x"],
        ["Transpose"] = ["x", "y"],
        ["Upsample"] = ["x", "y"],
    };

    /// <summary>Operations that have BF16 rows.</summary>
    public static IReadOnlyCollection<string> Ops => Activations.Keys;

    /// <summary>Every row with all its activations in BF16, and one of each operation with each of them alone.</summary>
    /// <param name="largest">Rows up to this size.</param>
    public static IEnumerable<OpCase> Of(CaseSize largest)
    {
        var mixed = new HashSet<string>();
        foreach (var row in CaseList.Of(largest).Where(row => Activations.ContainsKey(row.Op) && !Adds(row) && !Measures(row)))
        {
            var all = row.Operands.Where(o => IsActivation(row.Op, o.Name)).ToList();
            yield return Of(row);
            if (all.Count < 2 || row.Elements < 60 || !mixed.Add(row.Op))
                continue;
            foreach (var one in all)
                yield return With(row, $"BF16 {one.Name}", [one]);
        }
    }

    /// <summary>A row of these operations with all its activations in BF16.</summary>
    public static OpCase Of(OpCase row) => With(row, "BF16", [.. row.Operands.Where(o => IsActivation(row.Op, o.Name))]);

    /// <summary>Where a product is added to what is there, that is float32.</summary>
    private static bool Adds(OpCase row) => row.Op == "MatMul" && row.Operands.Any(o => o.Role == Role.InOut);

    /// <summary>
    /// Whether moments of the result are asked for, which are those of rounded values: where the oracle and a device round one to either
    /// side, they part. Exact rows do not.
    /// </summary>
    private static bool Measures(OpCase row) => row.Op == "FusedConv2d" && row.Operands.Any(o => o.Name == "moments");

    private static bool IsActivation(string op, string name) => Array.Exists(Activations[op],
        known => known[^1] == '*' ? name.StartsWith(known[..^1], StringComparison.Ordinal) : name == known);

    private static OpCase With(OpCase row, string note, List<Operand> rounded) => row with
    {
        Label = $"{row.Label} {note}",
        Operands = [.. row.Operands.Select(o => rounded.Contains(o) ? o with { Type = ElementType.BFloat16 } : o)],
        Oracle = Measures(row) ? d => OfRounded(row, d) : row.Oracle,
    };

    private static void OfRounded(OpCase row, double[][] d)
    {
        row.Oracle(d);
        int y = Array.FindIndex(row.Operands, o => o.Name == "y"), moments = Array.FindIndex(row.Operands, o => o.Name == "moments");
        MomentsCases.Of(((FusedConv2dCases.Setting)row.Setting!).Shape.OutputBlocks,
            Array.ConvertAll(d[y], v => (double)BFloat16.Rounded((float)v)), d[moments]);
    }
}
