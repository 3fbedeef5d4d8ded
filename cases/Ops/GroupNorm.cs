using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Group normalisation, with SiLU and with each sample's scale and shift; its factors alone; its gradients.</summary>
public static class GroupNormCases
{
    /// <summary>With SiLU, as between the convolutions of small diffusion networks: what benchmarks time on CPUs.</summary>
    public static IReadOnlyList<GroupNormShape> Large { get; } = [Edm(16, 32, 64), Edm(16, 16, 128), Edm(64, 16, 32)];

    /// <summary>The first and the last level of EDM's network for CIFAR-10: what benchmarks time on GPUs.</summary>
    public static IReadOnlyList<GroupNormShape> Huge { get; } = [Edm(64, 32, 256), Edm(64, 8, 256)];

    /// <summary>min(32, C/4) groups, as EDM has them, and SiLU.</summary>
    public static GroupNormShape Edm(int n, int size, int c) => new(n, size * size, c, Math.Min(32, c / 4), 1e-5f, Silu: true);

    /// <summary>Flat indices of the elements of group g of sample n.</summary>
    private static IEnumerable<int> Group(GroupNormShape s, int n, int g)
    {
        int size = s.C / s.Groups;
        for (int i = 0; i < s.Pixels; i++)
            for (int c = g * size; c < (g + 1) * size; c++)
                yield return (n * s.Pixels + i) * s.C + c;
    }

    private static void Statistics(GroupNormShape s, double[] x, double[] stats)
    {
        for (int n = 0; n < s.N; n++)
            for (int g = 0; g < s.Groups; g++)
            {
                double mean = Group(s, n, g).Average(i => x[i]);
                double variance = Group(s, n, g).Average(i => (x[i] - mean) * (x[i] - mean));
                stats[2 * (n * s.Groups + g)] = mean;
                stats[2 * (n * s.Groups + g) + 1] = 1 / Math.Sqrt(variance + s.Epsilon);
            }
    }

    /// <summary>The same from the moments of x.</summary>
    private static void Merged(GroupNormShape s, double[] moments, double[] stats)
    {
        int size = s.C / s.Groups;
        for (int i = 0; i < s.N * s.Groups; i++)
        {
            var (mean, variance) = MomentsCases.Merge(s.Moments, moments, i / s.Groups, i % s.Groups * size, size);
            (stats[2 * i], stats[2 * i + 1]) = (mean, 1 / Math.Sqrt(variance + s.Epsilon));
        }
    }

    private static double Sigmoid(double u) => 1 / (1 + Math.Exp(-u));

    /// <summary>xhat, 1 + scale and u of element i.</summary>
    private static (double Xhat, double Scale, double U) Parts(GroupNormShape s, int i, double[] x, double[] stats, double[] gamma,
        double[] beta, double[]? scaleShift)
    {
        int c = i % s.C, n = i / (s.Pixels * s.C), g = n * s.Groups + c / (s.C / s.Groups);
        double xhat = (x[i] - stats[2 * g]) * stats[2 * g + 1];
        double scale = scaleShift is null ? 1 : 1 + scaleShift[n * 2 * s.C + c];
        double shift = scaleShift is null ? 0 : scaleShift[n * 2 * s.C + s.C + c];
        return (xhat, scale, (xhat * gamma[c] + beta[c]) * scale + shift);
    }

    /// <summary>y and each group's mean and reciprocal deviation.</summary>
    public static void Forward(GroupNormShape s, double[] x, double[] gamma, double[] beta, double[]? scaleShift, double[] y,
        double[] stats)
    {
        Statistics(s, x, stats);
        Normalise(s, x, gamma, beta, scaleShift, y, stats);
    }

    private static void Normalise(GroupNormShape s, double[] x, double[] gamma, double[] beta, double[]? scaleShift, double[] y,
        double[] stats)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double u = Parts(s, i, x, stats, gamma, beta, scaleShift).U;
            y[i] = s.Silu ? u * Sigmoid(u) : u;
        }
    }

    /// <summary>The normalisation of 0 is its shift.</summary>
    private static void Factors(GroupNormShape s, double[] x, double[] gamma, double[] beta, double[]? scaleShift, double[] factors,
        double[] stats)
    {
        Statistics(s, x, stats);
        Factors(s, gamma, beta, scaleShift, factors, stats);
    }

    private static void Factors(GroupNormShape s, double[] gamma, double[] beta, double[]? scaleShift, double[] factors, double[] stats)
    {
        var zeros = new double[s.Activation.Length];
        for (int n = 0; n < s.N; n++)
            for (int c = 0; c < s.C; c++)
            {
                var (_, scale, u) = Parts(s, n * s.Pixels * s.C + c, zeros, stats, gamma, beta, scaleShift);
                factors[n * 2 * s.C + c] = stats[2 * (n * s.Groups + c / (s.C / s.Groups)) + 1] * gamma[c] * scale;
                factors[n * 2 * s.C + s.C + c] = u;
            }
    }

    private static void Backward(GroupNormShape s, double[] dy, double[] x, double[] stats, double[] gamma, double[] beta,
        double[]? scaleShift, double[] dx, double[] dgamma, double[] dbeta, double[]? dscaleShift)
    {
        var (xhat, dxhat) = (new double[x.Length], new double[x.Length]);
        if (dscaleShift is not null)
            Array.Clear(dscaleShift);
        for (int i = 0; i < x.Length; i++)
        {
            int c = i % s.C, n = i / (s.Pixels * s.C);
            (xhat[i], double scale, double u) = Parts(s, i, x, stats, gamma, beta, scaleShift);
            double du = s.Silu ? dy[i] * Sigmoid(u) * (1 + u * (1 - Sigmoid(u))) : dy[i];
            dxhat[i] = du * scale * gamma[c];
            dgamma[c] += du * scale * xhat[i];
            dbeta[c] += du * scale;
            if (dscaleShift is not null)
            {
                dscaleShift[n * 2 * s.C + c] += du * (xhat[i] * gamma[c] + beta[c]);
                dscaleShift[n * 2 * s.C + s.C + c] += du;
            }
        }
        for (int n = 0; n < s.N; n++)
            for (int g = 0; g < s.Groups; g++)
            {
                double mean = Group(s, n, g).Average(i => dxhat[i]);
                double along = Group(s, n, g).Average(i => dxhat[i] * xhat[i]);
                foreach (int i in Group(s, n, g))
                    dx[i] = stats[2 * (n * s.Groups + g) + 1] * (dxhat[i] - mean - xhat[i] * along);
            }
    }

    private static IEnumerable<(GroupNormShape Shape, CaseSize Size, string Note, Func<Random, int, float> X, Tolerance Tolerance)> Shapes()
    {
        Func<Random, int, float> x = Values.Around(0.5f, 2f);
        foreach (bool silu in new[] { false, true })
        {
            // Two elements: with a small epsilon dx would cancel to nothing.
            yield return (new(1, 1, 2, 1, 1f, silu), CaseSize.Tiny, "", x, Tolerance.Default);
            yield return (new(2, 5, 6, 3, 1e-6f, silu), CaseSize.Tiny, "", x, Tolerance.Default);
            yield return (new(1, 64, 12, 4, 1e-5f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(2, 49, 5, 1, 1e-5f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(3, 256, 24, 24, 1e-6f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(2, 256, 96, 32, 1e-6f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(4, 1024, 64, 16, 1e-5f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(2, 128, 64, 32, 1e-5f, silu), CaseSize.Small, "", x, Tolerance.Default);
            yield return (new(32, 1024, 128, 32, 1e-5f, silu), CaseSize.Large, "", x, Tolerance.Default);
        }
        foreach (var s in Large)
            yield return (s, CaseSize.Large, "", x, Tolerance.Default);
        foreach (var s in Huge)
            yield return (s, CaseSize.Huge, "", x, Tolerance.Default);
        // The mean of squares minus the squared mean would lose every digit here. The inputs themselves are rounded to 6e-5.
        yield return (new(2, 64, 8, 2, 1e-5f, false), CaseSize.Small, " mean 1000", Values.Around(1000f, 1f), new(1e-6, 2e-3));
        // A constant input: variance 0, so epsilon alone stands between the answer and a division by zero.
        yield return (new(1, 16, 8, 2, 1e-5f, true), CaseSize.Small, " constant", Values.Of(3f), Tolerance.Default);
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (s, size, note, x, tolerance) in Shapes())
        {
            foreach (bool adaptive in new[] { false, true })
            {
                string label = $"{s.N}x{s.Pixels}x{s.C} groups {s.Groups}{(s.Silu ? " silu" : "")}{(adaptive ? " scaleShift" : "")}{note}";
                Shape channels = new(s.C);
                Operand[] forward = [In("x", s.Activation, x), In("gamma", channels), In("beta", channels), Out("y", s.Activation),
                    Out("stats", s.Stats)];
                if (adaptive)
                    forward = [.. forward, In("scaleShift", s.ScaleShift)];
                yield return new("GroupNorm", label, forward,
                    (b, t) => b.GroupNorm(s, t[0], t[1], t[2], adaptive ? t[5] : null, t[3], t[4]),
                    d => Forward(s, d[0], d[1], d[2], adaptive ? d[5] : null, d[3], d[4]))
                { Size = size, Tolerance = tolerance, Setting = s };

                yield return new("GroupNormFactors", label, [In("x", s.Activation, x), In("gamma", channels), In("beta", channels),
                    Out("factors", s.ScaleShift), Out("stats", s.Stats), .. adaptive ? new[] { In("scaleShift", s.ScaleShift) } : []],
                    (b, t) => b.GroupNormFactors(s, t[0], t[1], t[2], adaptive ? t[5] : null, t[3], t[4]),
                    d => Factors(s, d[0], d[1], d[2], adaptive ? d[5] : null, d[3], d[4]))
                { Size = size, Tolerance = tolerance, Setting = s };

                Operand[] backward = [In("dy", s.Activation), In("x", s.Activation, x), In("stats", s.Stats, Values.Zero),
                    In("gamma", channels), In("beta", channels), Out("dx", s.Activation),
                    InOut("dgamma", channels), InOut("dbeta", channels)];
                if (adaptive)
                    backward = [.. backward, In("scaleShift", s.ScaleShift), Out("dscaleShift", s.ScaleShift)];
                yield return new("GroupNormBackward", label, backward,
                    (b, t) => b.GroupNormBackward(s, t[0], t[1], t[2], t[3], t[4], adaptive ? t[8] : null,
                        t[5], t[6], t[7], adaptive ? t[9] : null),
                    d => Backward(s, d[0], d[1], d[2], d[3], d[4], adaptive ? d[8] : null, d[5], d[6], d[7], adaptive ? d[9] : null))
                { Size = size, Tolerance = tolerance, Setting = s, Prepare = d => Statistics(s, d[1], d[2]) };
                if (s.TakesMoments)
                {
                    foreach (var row in FromMoments(s, label, x, adaptive))
                        yield return row with { Size = size, Tolerance = tolerance };
                }
            }
        }
    }

    /// <summary>Statistics of x's moments: the oracle, too, reads x for the result alone.</summary>
    private static IEnumerable<OpCase> FromMoments(GroupNormShape s, string label, Func<Random, int, float> x, bool adaptive)
    {
        Operand[] given = [In("x", s.Activation, x), In("gamma", new(s.C)), In("beta", new(s.C)),
            In("moments", s.Moments.Moments, Values.Zero), Out("stats", s.Stats)];
        Operand[] more = adaptive ? [In("scaleShift", s.ScaleShift)] : [];
        void Prepare(double[][] d) => MomentsCases.Of(s.Moments, d[0], d[3]);
        yield return new("GroupNorm", $"{label} moments", [.. given, Out("y", s.Activation), .. more],
            (b, t) => b.GroupNorm(s, t[0], t[1], t[2], adaptive ? t[6] : null, t[5], t[4], t[3]),
            d =>
            {
                Merged(s, d[3], d[4]);
                Normalise(s, d[0], d[1], d[2], adaptive ? d[6] : null, d[5], d[4]);
            })
        { Setting = s, Prepare = Prepare };
        // x is declared to be read by none.
        if (s.Activation.Length < 5000)
        {
            yield return new("GroupNormFactors", $"{label} moments", [.. given, Out("factors", s.ScaleShift), .. more],
                (b, t) => b.GroupNormFactors(s, t[0], t[1], t[2], adaptive ? t[6] : null, t[5], t[4], t[3]),
                d =>
                {
                    Merged(s, d[3], d[4]);
                    Factors(s, d[1], d[2], adaptive ? d[6] : null, d[5], d[4]);
                })
            { Setting = s, Prepare = Prepare };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        foreach (bool silu in new[] { false, true })
        {
            var s = new GroupNormShape(2, 5, 6, 3, 1e-5f, silu);
            double[][] at = [Values.NormalArray(1, 60), Values.NormalArray(2, 6), Values.NormalArray(3, 6), Values.NormalArray(4, 24)];
            foreach (bool adaptive in new[] { false, true })
            {
                yield return new("GroupNormBackward", $"2x5x6 groups 3{(silu ? " silu" : "")}{(adaptive ? " scaleShift" : "")}", at,
                    d =>
                    {
                        var y = new double[60];
                        Forward(s, d[0], d[1], d[2], adaptive ? d[3] : null, y, new double[12]);
                        return y;
                    },
                    (d, dy) =>
                    {
                        var (stats, dx, dgamma, dbeta, dscaleShift) = (new double[12], new double[60], new double[6], new double[6],
                            new double[24]);
                        Statistics(s, d[0], stats);
                        Backward(s, dy, d[0], stats, d[1], d[2], adaptive ? d[3] : null, dx, dgamma, dbeta, adaptive ? dscaleShift : null);
                        return [dx, dgamma, dbeta, adaptive ? dscaleShift : null];
                    });
            }
        }
    }
}
