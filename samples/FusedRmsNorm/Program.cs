using BDense.Cases;
using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.Autodiff;
using FusedRmsNorm;
using static BDense.Cases.Operand;

return args switch
{
    ["check", .. var rest] => OpsCommand.Run(["--check", .. rest], Cases.Set),
    ["ops", .. var rest] => OpsCommand.Run(["RmsNorm*", .. rest], Cases.Set),
    ["step", .. var rest] => Step.Run(rest),
    _ => Step.Fail("use check, ops or step, each with --device D; step also with --fuse F, ops and check with what --help lists"),
};

/// <summary>Rows for the checker and the stop-watch: operands, the call, and the same in loops of double precision.</summary>
internal static class Cases
{
    private const float Epsilon = 1e-6f;

    public static CaseSet Set { get; } = new([.. Rows(false), .. Rows(true)], [Gradient(false), Gradient(true)])
    {
        Kernels = KernelRegistry.Add(typeof(Cases).Assembly),
    };

    private static IEnumerable<OpCase> Rows(bool silu)
    {
        foreach (var (rows, c, size) in new[] { (3, 5, CaseSize.Tiny), (35, 130, CaseSize.Tiny), (1000, 192, CaseSize.Small), (16384, 256, CaseSize.Large) })
        {
            Operand x = In("x", new(rows, c)), gamma = In("gamma", new(c)), r = In("r", new(rows));
            string label = $"{rows}x{c}{(silu ? " silu" : "")}";
            yield return new("RmsNormForward", label, [x, gamma, Out("y", x.Shape), Out("r", r.Shape)],
                (b, t) => b.RmsNormForward(t[0], t[1], Epsilon, silu, t[2], t[3]), d => Forward(d[0], d[1], silu, d[2], d[3])) { Size = size };
            yield return new("RmsNormBackward", label, [In("dy", x.Shape), x, gamma, r, Out("dx", x.Shape), Out("shares", RmsNorm.Shares(rows, c))],
                (b, t) => b.RmsNormBackward(t[0], t[1], t[2], t[3], silu, t[4], t[5]), d => Backward(d[0], d[1], d[2], d[3], silu, d[4], d[5]))
            { Size = size, Prepare = d => Forward(d[1], d[2], silu, new double[rows * c], d[3]) };
        }
    }

    private static GradientCase Gradient(bool silu) => new("RmsNormBackward", $"3x4{(silu ? " silu" : "")}", [Values.NormalArray(1, 12), Values.NormalArray(2, 4)],
        d => Forward(d[0], d[1], silu, new double[12], new double[3]),
        (d, v) =>
        {
            double[] r = new double[3], dx = new double[12], dgamma = new double[4];
            Forward(d[0], d[1], silu, new double[12], r);
            Backward(v, d[0], d[1], r, silu, dx, dgamma);
            return [dx, dgamma];
        });

    private static double[] Forward(double[] x, double[] gamma, bool silu, double[] y, double[] r)
    {
        for (int i = 0, c = gamma.Length; i < x.Length; i++)
        {
            r[i / c] = 1 / Math.Sqrt(x[(i / c * c)..(i / c * c + c)].Average(v => v * v) + Epsilon);
            double u = x[i] * r[i / c] * gamma[i % c];
            y[i] = silu ? u / (1 + Math.Exp(-u)) : u;
        }
        return y;
    }

    private static void Backward(double[] dy, double[] x, double[] gamma, double[] r, bool silu, double[] dx, double[] shares)
    {
        int c = gamma.Length;
        double Xhat(int i) => x[i] * r[i / c];
        double Du(int i)
        {
            double u = Xhat(i) * gamma[i % c], s = 1 / (1 + Math.Exp(-u));
            return dy[i] * (silu ? s * (1 + u * (1 - s)) : 1);
        }
        Array.Clear(shares);
        for (int i = 0; i < x.Length; i++)
        {
            double mean = Enumerable.Range(i / c * c, c).Average(k => Du(k) * gamma[k % c] * Xhat(k));
            dx[i] = r[i / c] * (Du(i) * gamma[i % c] - Xhat(i) * mean);
            shares[i / c / RmsNorm.ShareRows * c + i % c] += Du(i) * Xhat(i);
        }
    }
}

/// <summary>Four blocks x + silu(rmsnorm(x)), forward and backward, with the fusion and without.</summary>
internal static class Step
{
    public static int Run(string[] args)
    {
    }
}
