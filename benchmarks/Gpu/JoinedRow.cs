namespace BDense.Benchmarks.Gpu;

/// <summary>Our time beside the peer's for one row.</summary>
/// <param name="Name">Of the row.</param>
/// <param name="Milliseconds">Ours, the median of our fastest variant.</param>
/// <param name="PeerMilliseconds">The peer's fastest variant.</param>
/// <param name="PeerVariant">Which that is.</param>
/// <param name="Ratio">Ours over the peer's.</param>
/// <param name="RatioLow">Our 10th percentile over the peer's 90th.</param>
/// <param name="RatioHigh">Our 90th percentile over the peer's 10th.</param>
/// <param name="Verdict">faster, slower, same (within 2%), cannot tell; or results differ.</param>
/// <param name="RatioOfVariant">Ours over each variant of the peer.</param>
/// <param name="Teraflops">Declared arithmetic over our time.</param>
/// <param name="GigabytesPerSecond">Declared traffic over our time.</param>
/// <param name="ShareOfRoof">The least time by the measured roofs over ours.</param>
/// <param name="Limiter">Which roof that is: memory or arithmetic.</param>
/// <param name="Spread">(p90 - p10) / median of ours.</param>
/// <param name="PeerSpread">Of the peer's.</param>
/// <param name="Clock">Least, median and most SM clock while our fastest variant ran, then the peer's, MHz.</param>
/// <param name="Difference">Largest relative difference ||a - b|| / ||b|| of any result's samples: each variant of both sides against the
/// peer's first.</param>
/// <param name="Note">What is missing and why.</param>
/// <param name="Rerun">Arguments that measure this row again.</param>
public sealed record JoinedRow(string Name, double? Milliseconds, double? PeerMilliseconds, string? PeerVariant, double? Ratio,
    double? RatioLow, double? RatioHigh,
    string Verdict, IReadOnlyDictionary<string, double> RatioOfVariant, double? Teraflops, double? GigabytesPerSecond, double? ShareOfRoof,
    string? Limiter,
    double? Spread, double? PeerSpread, string? Clock, double? Difference, string? Note, string Rerun)
{
    /// <summary>Less than this apart is the same.</summary>
    private const double Same = 0.02;

    /// <summary>Below this ratio a row is suspect until the results behind both times have been compared.</summary>
    private const double Suspect = 0.9;

    /// <summary>Which of our variants is the fastest.</summary>
    public string? Variant { get; init; }

    /// <summary>For whole networks; null for kernels.</summary>
    public StepFigures? Step { get; init; }

    /// <summary>What this row by itself is to reach, and whether it did; null where there is no goal or nothing to judge.</summary>
    public Goal? Goal { get; init; }

    /// <param name="row">The row.</param>
    /// <param name="ours">Our results of it, one or more variants.</param>
    /// <param name="theirs">The peer's.</param>
    /// <param name="roofs">Of the device.</param>
    /// <param name="rerun">Options that give our side the same device, fusions and inputs again.</param>
    public static JoinedRow Of(GpuRow row, IReadOnlyList<GpuResult> ours, IReadOnlyList<GpuResult> theirs, Roofs roofs, string rerun = "")
    {
        var (a, b) = (Fastest(ours), Fastest(theirs));
        double? difference = Compare(ours, theirs);
        double? ratio = a?.Milliseconds / b?.Milliseconds, low = a?.P10 / b?.P90, high = a?.P90 / b?.P10;
        bool differs = difference is { } d && !(d <= Tolerance(row));
        string verdict = differs ? "results differ" : ratio is null ? "no comparison" : Judge(low!.Value, high!.Value, ratio.Value);
        var (seconds, limiter) = a is null ? (null, null) : roofs.Least(row.Precision, a.Bytes, a.Flops);
        string? note = a is null ? ours.FirstOrDefault()?.Note ?? "not measured" : !row.Peer ? "ours alone" : b is null
            ? theirs.FirstOrDefault()?.Note ?? "no peer" : null;
        if (note is null && ratio < Suspect && (a!.Outputs is null || b!.Outputs is null))
            note = $"suspect: below {Suspect} of the peer's time, and the results of "
                + $"{(a.Outputs is null ? $"our {a.Variant}" : $"the peer's {b!.Variant}")} run were not compared";
        var joined = new JoinedRow(row.Name, a?.Milliseconds, b?.Milliseconds, b?.Variant, ratio, low, high, verdict,
            theirs.Where(t => t.Milliseconds is not null && a?.Milliseconds is not null)
                .ToDictionary(t => t.Variant, t => a!.Milliseconds!.Value / t.Milliseconds!.Value),
            a?.Flops / a?.Milliseconds / 1e9, a?.Bytes / a?.Milliseconds / 1e6, 1000 * seconds / a?.Milliseconds, limiter,
            (a?.P90 - a?.P10) / a?.Milliseconds, (b?.P90 - b?.P10) / b?.Milliseconds, Clocks(a, b), difference, note,
            $"gpu {rerun}{(rerun.Length > 0 ? " " : "")}--out DIR --filter \"{row.Name}\""
                + $"{(row.Peer ? $"; torch_peer.py DIR --filter \"{row.Name}\"" : "")}")
        {
            Variant = a?.Variant,
            Step = row.Network is null ? null : StepFigures.Of(row, a, ours, theirs),
        };
        return joined with { Goal = Goals.Of(row, joined) };
    }

    private static string? Clocks(GpuResult? a, GpuResult? b)
    {
        static string Of(GpuResult? r) => r is { Clock: { Count: > 0 } clock } ? string.Join('/', clock) : "";
        string text = $"{Of(a)}; {Of(b)}";
        return text == "; " ? null : text;
    }

    private static GpuResult? Fastest(IReadOnlyList<GpuResult> results) =>
        results.Where(r => r.Milliseconds is not null).MinBy(r => r.Milliseconds);

    private static string Judge(double low, double high, double ratio) =>
        high < 1 - Same ? "faster" : low > 1 + Same ? "slower" : low > 1 - Same && high < 1 + Same || Math.Abs(ratio - 1) < Same / 2
            ? "same" : "cannot tell";

    /// <summary>What rounding explains: TF32 keeps 10 bits of a mantissa, bf16 7; whole networks add some forty layers up.</summary>
    private static double Tolerance(GpuRow row) => (row.Precision, row.Network is not null) switch
    {
        ("bf16", true) => 0.1,
        ("bf16", false) => 2e-2,
        ("tf32", true) => 2e-2,
        ("tf32", false) => 2e-3,
        (_, true) => 2e-3,
        _ => 1e-4,
    };

    private static double? Compare(IReadOnlyList<GpuResult> ours, IReadOnlyList<GpuResult> theirs)
    {
        var reference = theirs.FirstOrDefault(r => r.Outputs is not null)?.Outputs;
        var own = ours.FirstOrDefault(r => r.Outputs is not null)?.Outputs;
        if (reference is null || own is null)
            return null;
        double worst = 0;
        foreach (var result in ours.Concat(theirs).Where(r => r.Outputs is not null && r.Outputs != reference))
            worst = Worse(worst, Distance(result.Outputs!, reference));
        // What the peer has not is compared among our variants.
        foreach (var result in ours.Where(r => r.Outputs is not null && r.Outputs != own))
            worst = Worse(worst, Distance(result.Outputs!, own));
        return worst;
    }

    /// <summary>Not a number counts as worst of all.</summary>
    private static double Worse(double a, double b) => double.IsNaN(b) ? double.PositiveInfinity : Math.Max(a, b);

    private static double Distance(IReadOnlyDictionary<string, float[]> results, IReadOnlyDictionary<string, float[]> reference)
    {
        double worst = 0;
        foreach (var (name, values) in reference)
        {
            if (!results.TryGetValue(name, out float[]? x) || x.Length != values.Length)
                return double.PositiveInfinity;
            double difference = 0, norm = 0;
            for (int i = 0; i < x.Length; i++)
            {
                difference += Math.Pow((double)x[i] - values[i], 2);
                norm += (double)values[i] * values[i];
            }
            worst = Worse(worst, Math.Sqrt(difference / Math.Max(norm, double.Epsilon)));
        }
        return worst;
    }
}

/// <summary>
/// What the device was seen to do at best: bytes a second of a copy, FLOP/s of a large product in each precision, whoever ran it.
/// </summary>
public sealed record Roofs(double? BytesPerSecond, IReadOnlyDictionary<string, double> FlopsPerSecond)
{
    public static Roofs Of(IReadOnlyList<GpuRow> rows, IReadOnlyList<GpuResult> results)
    {
        double? bytes = null;
        var flops = new Dictionary<string, double>();
        foreach (var row in rows.Where(r => r.Kind is GpuRows.Copy or GpuRows.Gemm))
        {
            double? ms = results.Where(r => r.Name == row.Name).Min(r => r.Milliseconds);
            if (ms is null)
                continue;
            if (row.Kind == GpuRows.Copy)
                bytes = Math.Max(bytes ?? 0, 8.0 * row["length"] / ms.Value * 1000);
            else
                flops[row.Precision] = Math.Max(flops.GetValueOrDefault(row.Precision),
                    2.0 * row["m"] * row["n"] * row["k"] / ms.Value * 1000);
        }
        return new Roofs(bytes, flops);
    }

    /// <summary>The least seconds that the roofs allow, and which of them it is.</summary>
    public (double? Seconds, string? Limiter) Least(string precision, long bytes, long flops)
    {
        double? memory = bytes / BytesPerSecond, arithmetic = FlopsPerSecond.TryGetValue(precision, out double roof) ? flops / roof : null;
        return (memory, arithmetic) switch
        {
            (null, null) => (null, null),
            ({ } m, null) => (m, "memory"),
            (null, { } f) => (f, "arithmetic"),
            ({ } m, { } f) => m > f ? (m, "memory") : (f, "arithmetic"),
        };
    }
}
