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
/// <param name="ClockRange">Lowest and highest SM clock seen around both sides, MHz.</param>
/// <param name="PeakRatio">Our peak memory over the eager peer's, for whole networks.</param>
/// <param name="Difference">Largest relative difference ||ours - theirs|| / ||theirs|| of any result's samples.</param>
/// <param name="Note">What is missing and why.</param>
/// <param name="Rerun">Arguments that measure this row again.</param>
public sealed record JoinedRow(string Name, double? Milliseconds, double? PeerMilliseconds, string? PeerVariant, double? Ratio, double? RatioLow, double? RatioHigh,
    string Verdict, IReadOnlyDictionary<string, double> RatioOfVariant, double? Teraflops, double? GigabytesPerSecond, double? ShareOfRoof, string? Limiter,
    double? Spread, double? PeerSpread, string? ClockRange, double? PeakRatio, double? Difference, string? Note, string Rerun)
{
    /// <summary>Less than this apart is the same.</summary>
    private const double Same = 0.02;

    /// <param name="row">The row.</param>
    /// <param name="ours">Our results of it, one or more variants.</param>
    /// <param name="theirs">The peer's.</param>
    /// <param name="roofs">Of the device.</param>
    public static JoinedRow Of(GpuRow row, IReadOnlyList<GpuResult> ours, IReadOnlyList<GpuResult> theirs, Roofs roofs)
    {
        var (a, b) = (Fastest(ours), Fastest(theirs));
        double? difference = Compare(ours, theirs);
        double? ratio = a?.Milliseconds / b?.Milliseconds, low = a?.P10 / b?.P90, high = a?.P90 / b?.P10;
        bool differs = difference is { } d && !(d <= Tolerance(row));
        string verdict = differs ? "results differ" : ratio is null ? "no comparison" : Judge(low!.Value, high!.Value, ratio.Value);
        var (seconds, limiter) = a is null ? (null, null) : roofs.Least(row.Precision, a.Bytes, a.Flops);
        int[] clocks = [.. ours.Concat(theirs).SelectMany(r => new[] { r.ClockBefore, r.ClockAfter }).Where(c => c > 0)];
        string? note = a is null ? ours.FirstOrDefault()?.Note ?? "not measured" : b is null ? theirs.FirstOrDefault()?.Note ?? "no peer" : null;
        if (note is null && ratio < 0.9 && difference is null)
            note = "suspect: below 0.9 of the peer's time and the results were not compared";
        var eager = theirs.FirstOrDefault(t => t.Variant == "eager");
        return new(row.Name, a?.Milliseconds, b?.Milliseconds, b?.Variant, ratio, low, high, verdict,
            theirs.Where(t => t.Milliseconds is not null && a?.Milliseconds is not null).ToDictionary(t => t.Variant, t => a!.Milliseconds!.Value / t.Milliseconds!.Value),
            a?.Flops / a?.Milliseconds / 1e9, a?.Bytes / a?.Milliseconds / 1e6, 1000 * seconds / a?.Milliseconds, limiter,
            (a?.P90 - a?.P10) / a?.Milliseconds, (b?.P90 - b?.P10) / b?.Milliseconds,
            clocks.Length == 0 ? null : $"{clocks.Min()}..{clocks.Max()}", (double?)a?.PeakBytes / eager?.PeakBytes, difference, note,
            $"gpu --filter \"{row.Name}\"; torch_peer.py DIR --filter \"{row.Name}\"");
    }

    private static GpuResult? Fastest(IReadOnlyList<GpuResult> results) => results.Where(r => r.Milliseconds is not null).MinBy(r => r.Milliseconds);

    private static string Judge(double low, double high, double ratio) =>
        high < 1 - Same ? "faster" : low > 1 + Same ? "slower" : low > 1 - Same && high < 1 + Same || Math.Abs(ratio - 1) < Same / 2 ? "same" : "cannot tell";

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
        var (mine, other) = (ours.FirstOrDefault(r => r.Outputs is not null)?.Outputs, theirs.FirstOrDefault(r => r.Outputs is not null)?.Outputs);
        if (mine is null || other is null)
            return null;
        double? worst = null;
        foreach (var (name, values) in other)
        {
            if (!mine.TryGetValue(name, out float[]? x) || x.Length != values.Length)
                return double.PositiveInfinity;
            double difference = 0, norm = 0;
            for (int i = 0; i < x.Length; i++)
            {
                difference += Math.Pow((double)x[i] - values[i], 2);
                norm += (double)values[i] * values[i];
            }
            double relative = Math.Sqrt(difference / Math.Max(norm, double.Epsilon));
            // Not a number counts as worst of all.
            worst = worst is null || !(relative <= worst) ? relative : worst;
        }
        return worst is { } w && double.IsNaN(w) ? double.PositiveInfinity : worst;
    }
}

/// <summary>What the device was seen to do at best: bytes a second of a copy, FLOP/s of a large product in each precision, whoever ran it.</summary>
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
                flops[row.Precision] = Math.Max(flops.GetValueOrDefault(row.Precision), 2.0 * row["m"] * row["n"] * row["k"] / ms.Value * 1000);
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
