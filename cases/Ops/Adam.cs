using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>The optimizer's step, with clipping, weight decay and moving average.</summary>
public static class AdamCases
{
    /// <summary>Parameters of small networks: what benchmarks time on CPUs.</summary>
    public static IReadOnlyList<int> Large { get; } = [1 << 16, 1 << 20, 1 << 23];

    /// <summary>Parameters of EDM's network for CIFAR-10: what benchmarks time on GPUs.</summary>
    public static IReadOnlyList<int> Huge { get; } = [55_733_891];

    private static void Step(AdamStep s, double[] p, double[] g, double[] m, double[] v, double[]? ema, double squaredNorm)
    {
        if (!double.IsFinite(squaredNorm))
            return;
        double norm = s.GradientScale * Math.Sqrt(squaredNorm);
        double scale = s.GradientScale * (norm > s.ClipNorm ? s.ClipNorm / norm : 1);
        for (int i = 0; i < p.Length; i++)
        {
            double gradient = scale * g[i];
            m[i] = s.Beta1 * m[i] + (1 - (double)s.Beta1) * gradient;
            v[i] = s.Beta2 * v[i] + (1 - (double)s.Beta2) * gradient * gradient;
            double mhat = m[i] / (1 - Math.Pow(s.Beta1, s.Step)), vhat = v[i] / (1 - Math.Pow(s.Beta2, s.Step));
            p[i] -= s.LearningRate * mhat / (Math.Sqrt(vhat) + s.Epsilon) + (double)s.LearningRate * s.WeightDecay * p[i];
            if (ema is not null)
                ema[i] = s.EmaDecay * ema[i] + (1 - (double)s.EmaDecay) * p[i];
        }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (string Note, AdamStep Step, bool Ema)[] options =
        [
            ("plain", new(1e-2f, 1), false),
            ("step 1000", new(1e-2f, 1000, 0.9f, 0.999f), false),
            ("ema", new(1e-2f, 3, EmaDecay: 0.99f), true),
            ("weight decay", new(1e-2f, 2, WeightDecay: 0.1f), false),
            ("clipped", new(1e-2f, 2, GradientScale: 0.5f, ClipNorm: 0.7f), false),
            ("not clipped", new(1e-2f, 2, GradientScale: 0.5f, ClipNorm: 1e9f), false),
            ("all", new(3e-3f, 5, 0.95f, 0.99f, 1e-6f, 0.05f, 0.25f, 1f, 0.9f), true),
        ];
        (int Length, CaseSize Size)[] lengths =
        [
            (5, CaseSize.Tiny), (67, CaseSize.Tiny), (100_003, CaseSize.Small), (1 << 24, CaseSize.Large),
            .. Large.Select(length => (length, CaseSize.Large)), .. Huge.Select(length => (length, CaseSize.Huge)),
        ];
        foreach (var (length, size) in lengths)
        {
            foreach (var (note, step, ema) in options)
            {
                if (size < CaseSize.Large || note == "all")
                    yield return Row($"{length} {note}", length, size, ema, [step]);
            }
            if (size >= CaseSize.Large)
                continue;
            yield return Scheduled(length, size);
            yield return Row($"{length} four steps", length, size, true,
                [.. Enumerable.Range(1, 4).Select(t => new AdamStep(1e-2f, t, ClipNorm: 3f, EmaDecay: 0.5f))]);

            // A gradient that is not finite leaves everything as it was, to the bit.
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
                yield return Row($"{length} squared norm {bad}", length, size, true,
                    [new AdamStep(1e-2f, 1, ClipNorm: 1f, EmaDecay: 0.5f)]) with
                {
                    Tolerance = Tolerance.Exact,
                    Prepare = d => d[4][0] = bad,
                };
        }
    }

    /// <summary>What the schedule holds counts, not what the step has.</summary>
    private static OpCase Scheduled(int length, CaseSize size)
    {
        var step = new AdamStep(3e-3f, 5, 0.95f, 0.99f, 1e-6f, 0.05f, 0.25f, 1f, 0.9f);
        var row = Row($"{length} schedule on the device", length, size, true, [step]);
        int at = row.Operands.Length;
        return row with
        {
            Operands = [.. row.Operands, In("schedule", new(AdamStep.ScheduleLength))],
            Run = (b, t) => b.Adam(step with
            {
                LearningRate = 7,
                Step = 1,
                GradientScale = 3,
                EmaDecay = 0.1f,
            }, t[0], t[1], t[2], t[3], t[5], t[4], t[at]),
            Prepare = d =>
            {
                row.Prepare!(d);
                for (int i = 0; i < AdamStep.ScheduleLength; i++)
                    d[at][i] = step.Schedule()[i];
            },
        };
    }

    private static OpCase Row(string label, int length, CaseSize size, bool ema, AdamStep[] steps)
    {
        var shape = new Shape(length);
        Operand[] operands = [InOut("p", shape), In("g", shape), InOut("m", shape, Values.Around(0f, 0.3f)),
            InOut("v", shape, Values.Positive),
            In("squaredNorm", new(1), Values.Zero)];
        if (ema)
            operands = [.. operands, InOut("ema", shape)];
        return new("Adam", label, operands,
            (b, t) =>
            {
                foreach (var s in steps)
                    b.Adam(s, t[0], t[1], t[2], t[3], ema ? t[5] : null, t[4]);
            },
            d =>
            {
                foreach (var s in steps)
                    Step(s, d[0], d[1], d[2], d[3], ema ? d[5] : null, d[4][0]);
            })
        { Size = size, Tolerance = Tolerance.Tight, Prepare = d => d[4][0] = d[1].Sum(g => g * g) };
    }
}
