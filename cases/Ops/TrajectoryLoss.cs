using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>The dense-trajectory loss with its gradient; states from heads, and their gradient.</summary>
public static class TrajectoryLossCases
{
    /// <summary>32x32 images, batch 64, of K = 1, 2, 4, 8 branches; and 16x16: what benchmarks time on CPUs.</summary>
    public static IReadOnlyList<TrajectoryShape> Large { get; } =
        [.. new[] { 1, 2, 4, 8 }.Select(k => new TrajectoryShape(64, 1024, 3, k)), new(16, 256, 3, 4)];

    /// <summary>32x32 images, batch 4096, of every K: what benchmarks time on GPUs.</summary>
    public static IReadOnlyList<TrajectoryShape> Huge { get; } =
        [.. Enumerable.Range(1, Backend.MaxBranches).Select(k => new TrajectoryShape(4096, 1024, 3, k))];

    private const float Delta = 0.3f;

    /// <summary>rho(d).</summary>
    public static double Rho(Distance rho, double delta, double d) => rho switch
    {
        Distance.L1 => Math.Abs(d),
        Distance.L2 => d * d,
        _ => Math.Sqrt(d * d + delta * delta) - delta,
    };

    /// <summary>Its derivative; 0 at the kink of |d|.</summary>
    public static double Derivative(Distance rho, double delta, double d) => rho switch
    {
        Distance.L1 => d > 0 ? 1 : d < 0 ? -1 : d,
        Distance.L2 => 2 * d,
        _ => d / Math.Sqrt(d * d + delta * delta),
    };

    /// <summary>Index of element e (a channel of a pixel) of head j of sample n.</summary>
    private static int Head(TrajectoryShape s, int n, int e, int j) => (n * s.Pixels + e / s.C) * s.Branches * s.C + j * s.C + e % s.C;

    private static int State(TrajectoryShape s, int b, int n, int e) => (b * s.N + n) * s.Pixels * s.C + e;

    private static void States(TrajectoryShape s, double[] x0, double[] heads, double[] skip, double[] map, double[] states)
    {
        for (int b = 0; b < s.Branches; b++)
            for (int n = 0; n < s.N; n++)
                for (int e = 0; e < s.Pixels * s.C; e++)
                {
                    double x = skip[n * s.Branches + b] * x0[State(s, 0, n, e)];
                    for (int j = 0; j < s.Branches; j++)
                        x += map[(n * s.Branches + b) * s.Branches + j] * heads[Head(s, n, e, j)];
                    states[State(s, b, n, e)] = x;
                }
    }

    private static void StatesBackward(TrajectoryShape s, double[] dstates, double[] map, double[] dheads)
    {
        Array.Clear(dheads);
        for (int b = 0; b < s.Branches; b++)
            for (int n = 0; n < s.N; n++)
                for (int e = 0; e < s.Pixels * s.C; e++)
                    for (int j = 0; j < s.Branches; j++)
                        dheads[Head(s, n, e, j)] += map[(n * s.Branches + b) * s.Branches + j] * dstates[State(s, b, n, e)];
    }

    private static void Loss(TrajectoryShape s, Distance rho, double[] x0, double[] heads, double[] targets, double[] skip, double[] map,
        double[] weights,
        double[] dheads, double[] losses)
    {
        Array.Clear(losses);
        var states = new double[s.States.Length];
        States(s, x0, heads, skip, map, states);
        for (int b = 0; b < s.Branches; b++)
            for (int n = 0; n < s.N; n++)
                for (int e = 0; e < s.Pixels * s.C; e++)
                {
                    int i = State(s, b, n, e);
                    double d = states[i] - targets[i], weight = weights[n * s.Branches + b];
                    losses[0] += weight * Rho(rho, Delta, d);
                    losses[1 + b] += Rho(rho, Delta, d);
                    states[i] = weight * Derivative(rho, Delta, d);
                }
        StatesBackward(s, states, map, dheads);
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        for (int branches = 1; branches <= Backend.MaxBranches; branches++)
        {
            foreach (int c in new[] { 1, 3, 4 })
            {
                foreach (var rho in Enum.GetValues<Distance>())
                {
                    var size = branches is 1 or 3 or 8 && c == 3 ? CaseSize.Tiny : CaseSize.Small;
                    yield return LossRow(new(2, 9, c, branches), rho, size);
                }
                var states = new TrajectoryShape(2, 9, c, branches);
                foreach (var row in StatesRows(states, branches is 1 or 3 or 8 && c == 3 ? CaseSize.Tiny : CaseSize.Small))
                    yield return row;
            }
        }
        foreach (var s in new TrajectoryShape[] { new(1, 1, 1, 1), new(3, 256, 3, 4), new(2, 1024, 4, 2), new(2, 1024, 4, 8) })
        {
            foreach (var rho in Enum.GetValues<Distance>())
                yield return LossRow(s, rho, CaseSize.Small);
            foreach (var row in StatesRows(s, CaseSize.Small))
                yield return row;
        }
        foreach (var (s, size) in Large.Select(s => (s, CaseSize.Large)).Concat(Huge.Select(s => (s, CaseSize.Huge))))
        {
            foreach (var rho in Enum.GetValues<Distance>())
                yield return LossRow(s, rho, size);
            foreach (var row in StatesRows(s, size))
                yield return row;
        }

        // Every difference is exactly zero: losses and gradients are exactly zero, with no 0/0 on the way.
        foreach (var rho in Enum.GetValues<Distance>())
            yield return LossRow(new(2, 5, 3, 2), rho, CaseSize.Tiny) with
            {
                Label = $"no difference, {rho}",
                Tolerance = Tolerance.Exact,
                Prepare = d =>
                {
                    Array.Fill(d[3], 1);
                    Array.Clear(d[4]);
                    for (int i = 0; i < d[2].Length; i++)
                        d[2][i] = d[0][i % d[0].Length];
                },
            };
    }

    private static OpCase LossRow(TrajectoryShape s, Distance rho, CaseSize size) => new("TrajectoryLoss", $"{Text(s)} {rho}",
        [In("x0", s.State), In("heads", s.Heads), In("targets", s.States), In("skip", s.PerBranch), In("map", s.Map),
            In("weights", s.PerBranch, Values.Positive),
            Out("dheads", s.Heads), Out("losses", s.Losses)],
        (b, t) => b.TrajectoryLoss(s, rho, Delta, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]),
        d => Loss(s, rho, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]))
    { Size = size, Setting = s };

    private static IEnumerable<OpCase> StatesRows(TrajectoryShape s, CaseSize size)
    {
        yield return new("TrajectoryStates", Text(s), [In("x0", s.State), In("heads", s.Heads), In("skip", s.PerBranch), In("map", s.Map),
            Out("states", s.States)],
            (b, t) => b.TrajectoryStates(s, t[0], t[1], t[2], t[3], t[4]), d => States(s, d[0], d[1], d[2], d[3], d[4]))
        { Size = size, Setting = s };
        yield return new("TrajectoryStatesBackward", Text(s), [In("dstates", s.States), In("map", s.Map), Out("dheads", s.Heads)],
            (b, t) => b.TrajectoryStatesBackward(s, t[0], t[1], t[2]), d => StatesBackward(s, d[0], d[1], d[2]))
        { Size = size, Setting = s };
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        foreach (int branches in new[] { 1, 3, 8 })
        {
            var s = new TrajectoryShape(2, 4, 3, branches);
            double[] x0 = Values.NormalArray(1, s.State.Length), heads = Values.NormalArray(2, s.Heads.Length),
                targets = Values.NormalArray(3, s.States.Length),
                skip = Values.NormalArray(4, s.PerBranch.Length), map = Values.NormalArray(5, s.Map.Length),
                    weights = Values.NormalArray(6, s.PerBranch.Length);
            foreach (var rho in Enum.GetValues<Distance>())
            {
                (double[] Losses, double[] Dheads) Evaluate(double[] at)
                {
                    var (dheads, losses) = (new double[s.Heads.Length], new double[s.Losses.Length]);
                    Loss(s, rho, x0, at, targets, skip, map, weights, dheads, losses);
                    return (losses, dheads);
                }
                yield return new("TrajectoryLoss", $"{Text(s)} {rho}", [heads], d => [Evaluate(d[0]).Losses[0]],
                    (d, v) => [Array.ConvertAll(Evaluate(d[0]).Dheads, g => v[0] * g)]);
            }
            yield return new("TrajectoryStatesBackward", Text(s), [heads],
                d =>
                {
                    var states = new double[s.States.Length];
                    States(s, x0, d[0], skip, map, states);
                    return states;
                },
                (d, v) =>
                {
                    var dheads = new double[s.Heads.Length];
                    StatesBackward(s, v, map, dheads);
                    return [dheads];
                });
        }
    }

    private static string Text(TrajectoryShape s) => $"{s.N}x{s.Pixels}x{s.C} K {s.Branches}";
}
