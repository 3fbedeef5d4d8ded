using static BDense.Cases.Operand;

namespace FusedRmsNorm;

/// <summary>The program, and what it holds the operations to: the same in plain loops of double precision.</summary>
public static class Program
{
    private const float Epsilon = 1e-6f;
    public static CaseSet Cases { get; } = new([.. Pairs.SelectMany(p => p)], [.. Pairs[..2].Select(p => PairedGradient.Of(p[0], p[1]))])
    { Kernels = KernelRegistry.Add(typeof(Program).Assembly) };

    private static OpCase[][] Pairs =>
    [
        Pair(3, 5, false, CaseSize.Tiny), Pair(3, 5, true, CaseSize.Tiny), Pair(35, 130, true, CaseSize.Tiny),
        Pair(1000, 192, false, CaseSize.Small), Pair(16384, 256, false, CaseSize.Large), Pair(16384, 256, true, CaseSize.Large),
    ];

    /// <summary>What <c>step</c> runs, forward and backward: silu(rmsnorm(x)), four times.</summary>
    public static Variable Pass(Tape tape, Func<Shape, Variable> input, int rows)
    {
        Variable y = input(new(rows, 256)), gamma = input(new(256));
        for (int i = 0; i < 4; i++)
            tape.Replace(ref y, tape.RmsNormSilu(y, gamma));
        return y;
    }

    private static int Main(string[] args) => CaseProgram.Run(args, Cases, [RmsNormTape.Fused], Pass);

    private static OpCase[] Pair(int rows, int c, bool silu, CaseSize size)
    {
        string label = $"{rows}x{c}{(silu ? " silu" : "")}";
        Operand dy = In("dy", new(rows, c)), x = In("x", new(rows, c)), gamma = In("gamma", new(c)), r = In("r", new(rows));
        return
        [
            new("RmsNormForward", label, [x, gamma, Out("y", x.Shape), Out("r", r.Shape)],
                (b, t) => b.RmsNormForward(t[0], t[1], Epsilon, silu, t[2], t[3]),
                d => Forward(d[0], d[1], silu, d[2], d[3])) { Size = size },
            new("RmsNormBackward", label, [dy, x, gamma, r, Out("dx", x.Shape), Out("dgamma", RmsNorm.Shares(rows, c))],
                (b, t) => b.RmsNormBackward(t[0], t[1], t[2], t[3], silu, t[4], t[5]),
                d => Backward(d[0], d[1], d[2], d[3], silu, d[4], d[5]))
            { Size = size, Prepare = d => Forward(d[1], d[2], silu, new double[rows * c], d[3]) },
        ];
    }

    private static void Forward(double[] x, double[] gamma, bool silu, double[] y, double[] r)
    {
        int c = gamma.Length;
        for (int n = 0; n < r.Length; n++)
            r[n] = 1 / Math.Sqrt(x[(n * c)..((n + 1) * c)].Average(v => v * v) + Epsilon);
        for (int i = 0; i < x.Length; i++)
            y[i] = x[i] * r[i / c] * gamma[i % c] / (silu ? 1 + Math.Exp(-x[i] * r[i / c] * gamma[i % c]) : 1);
    }

    private static void Backward(double[] dy, double[] x, double[] gamma, double[] r, bool silu, double[] dx, double[] shares)
    {
        var (c, means, du) = (gamma.Length, new double[r.Length], new double[x.Length]);
        Array.Clear(shares);
        for (int i = 0; i < x.Length; i++)
        {
            double xhat = x[i] * r[i / c], u = xhat * gamma[i % c], s = 1 / (1 + Math.Exp(-u));
            du[i] = dy[i] * (silu ? s * (1 + u * (1 - s)) : 1);
            shares[i / c / RmsNorm.ShareRows * c + i % c] += du[i] * xhat;
            means[i / c] += du[i] * gamma[i % c] * xhat / c;
        }
        for (int i = 0; i < x.Length; i++)
            dx[i] = r[i / c] * (du[i] * gamma[i % c] - x[i] * r[i / c] * means[i / c]);
    }
}
