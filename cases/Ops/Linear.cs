using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>y = x w + bias for each row, and its two gradients.</summary>
public static class LinearCases
{
    private static void Forward(LinearShape s, double[] x, double[] w, double[] bias, double[] y)
    {
        for (int n = 0; n < s.N; n++)
            for (int o = 0; o < s.Out; o++)
            {
                y[n * s.Out + o] = bias[o];
                for (int i = 0; i < s.In; i++)
                    y[n * s.Out + o] += x[n * s.In + i] * w[o * s.In + i];
            }
    }

    private static void Dgrad(LinearShape s, double[] dy, double[] w, double[] dx)
    {
        Array.Clear(dx);
        for (int n = 0; n < s.N; n++)
            for (int o = 0; o < s.Out; o++)
                for (int i = 0; i < s.In; i++)
                    dx[n * s.In + i] += dy[n * s.Out + o] * w[o * s.In + i];
    }

    private static void Wgrad(LinearShape s, double[] x, double[] dy, double[] dw, double[] dbias)
    {
        for (int n = 0; n < s.N; n++)
            for (int o = 0; o < s.Out; o++)
            {
                dbias[o] += dy[n * s.Out + o];
                for (int i = 0; i < s.In; i++)
                    dw[o * s.In + i] += dy[n * s.Out + o] * x[n * s.In + i];
            }
    }

    private static IEnumerable<(LinearShape Shape, CaseSize Size)> Shapes() =>
    [
        (new(1, 1, 1), CaseSize.Tiny), (new(3, 5, 7), CaseSize.Tiny), (new(2, 17, 3), CaseSize.Tiny),
        (new(1, 64, 256), CaseSize.Small), (new(33, 96, 130), CaseSize.Small), (new(128, 256, 64), CaseSize.Small),
        (new(512, 512, 512), CaseSize.Large),
    ];

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (s, size) in Shapes())
        {
            Shape x = new(s.N, s.In), w = new(s.Out, s.In), bias = new(s.Out), y = new(s.N, s.Out);
            yield return new("Linear", Text(s), [In("x", x), In("w", w), In("bias", bias), Out("y", y)],
                (b, t) => b.Linear(s, t[0], t[1], t[2], t[3]), d => Forward(s, d[0], d[1], d[2], d[3]))
            { Size = size, Setting = s };
            yield return new("LinearDgrad", Text(s), [In("dy", y), In("w", w), Out("dx", x)],
                (b, t) => b.LinearDgrad(s, t[0], t[1], t[2]), d => Dgrad(s, d[0], d[1], d[2]))
            { Size = size, Setting = s };
            yield return new("LinearWgrad", Text(s), [In("x", x), In("dy", y), InOut("dw", w), InOut("dbias", bias)],
                (b, t) => b.LinearWgrad(s, t[0], t[1], t[2], t[3]), d => Wgrad(s, d[0], d[1], d[2], d[3]))
            { Size = size, Setting = s };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        var s = new LinearShape(3, 5, 4);
        double[][] at = [Values.NormalArray(1, 15), Values.NormalArray(2, 20), Values.NormalArray(3, 4)];
        double[] F(double[][] d)
        {
            var y = new double[12];
            Forward(s, d[0], d[1], d[2], y);
            return y;
        }
        yield return new("LinearDgrad", Text(s), at, F, (d, dy) =>
        {
            var dx = new double[15];
            Dgrad(s, dy, d[1], dx);
            return [dx, null, null];
        });
        yield return new("LinearWgrad", Text(s), at, F, (d, dy) =>
        {
            var (dw, dbias) = (new double[20], new double[4]);
            Wgrad(s, d[0], dy, dw, dbias);
            return [null, dw, dbias];
        });
    }

    private static string Text(LinearShape s) => $"{s.N}x{s.In}->{s.Out}";
}
