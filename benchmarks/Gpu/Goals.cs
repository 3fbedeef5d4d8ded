using System.Globalization;

namespace BDense.Benchmarks.Gpu;

/// <summary>A figure that is to be reached.</summary>
/// <param name="Name">Of what.</param>
/// <param name="Limit">The most it may be.</param>
/// <param name="Value">What it is.</param>
/// <param name="Of">Rows behind it.</param>
public sealed record Goal(string Name, double Limit, double Value, int Of = 1)
{
    public bool IsMet => Value <= Limit;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}: {Value:0.00}, at most {Limit:0.00}: {(IsMet ? "met" : "missed")}");
}

/// <summary>
/// The ratios to PyTorch (cuDNN, cuBLAS, its attention) that this library sets itself. A row whose results differ meets none.
/// </summary>
public static class Goals
{
    private const double WorstConvolution = 1.6, Attention = 1.2, Eager = 1.0, Compiled = 1.2, Memory = 0.8;

    /// <summary>What a row by itself is to reach; of a training step the time in TF32 against eager PyTorch's.</summary>
    public static Goal? Of(GpuRow row, JoinedRow joined) => Limit(row) is { } limit && Judged(joined) is { } ratio
        ? row.Kind == GpuRows.TrainingStep ? Step(row, joined).FirstOrDefault() : new Goal("ratio", limit, ratio) : null;

    private static double? Limit(GpuRow row) => row.Kind switch
    {
        GpuRows.ConvForward or GpuRows.ConvDgrad or GpuRows.ConvWgrad when row.Precision != "fp32" => WorstConvolution,
        GpuRows.Gemm => Product(row.Precision),
        GpuRows.Attention or GpuRows.AttentionBackward => Attention,
        GpuRows.TrainingStep when row.Precision == "tf32" => Eager,
        _ => null,
    };

    private static double Product(string precision) => precision switch { "fp32" => 1.15, "tf32" => 1.3, _ => 1.4 };

    /// <summary>All goals that these rows allow to judge.</summary>
    public static IReadOnlyList<Goal> Summary(IReadOnlyList<GpuRow> rows, IReadOnlyList<JoinedRow> joined)
    {
        var goals = new List<Goal>();
        foreach (var group in rows.Zip(joined)
            .Where(r => r.First.Network is null && Limit(r.First) is not null && Judged(r.Second) is not null)
            .GroupBy(r => (r.First.Kind, r.First.Precision)))
        {
            double[] ratios = [.. group.Select(r => Judged(r.Second)!.Value)];
            string name = $"{group.Key.Kind} {group.Key.Precision}";
            double mean = Math.Exp(ratios.Average(Math.Log));
            double limit = group.Key.Kind switch { GpuRows.ConvForward => 1.0, GpuRows.Gemm => Product(group.Key.Precision), _ => 1.2 };
            goals.Add(new($"{name}, geometric mean", limit, mean, ratios.Length));
            if (group.Key.Kind.StartsWith("conv", StringComparison.Ordinal))
                goals.Add(new($"{name}, worst shape", WorstConvolution, ratios.Max(), ratios.Length));
        }
        goals.AddRange(rows.Zip(joined).Where(r => r.First is { Kind: GpuRows.TrainingStep, Precision: "tf32" })
            .SelectMany(r => Step(r.First, r.Second)));
        return goals;
    }

    private static IEnumerable<Goal> Step(GpuRow row, JoinedRow joined)
    {
        if (Judged(joined) is null)
            yield break;
        if (joined.RatioOfVariant.TryGetValue("eager", out double eager))
            yield return new($"{row.Name}, time against eager", Eager, eager);
        if (joined.RatioOfVariant.TryGetValue("compile", out double compiled))
            yield return new($"{row.Name}, time against torch.compile", Compiled, compiled);
        if (joined.Step?.MemoryRatio is { } memory)
            yield return new($"{row.Name}, peak memory against eager", Memory, memory);
    }

    /// <summary>The ratio to the peer's fastest variant, where the results are alike.</summary>
    private static double? Judged(JoinedRow row) => row.Verdict == "results differ" ? null : row.Ratio;
}
