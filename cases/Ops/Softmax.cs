using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Over rows, and its gradient.</summary>
public static class SoftmaxCases
{
    private static void Forward(int columns, double[] x, double[] y)
    {
        for (int start = 0; start < x.Length; start += columns)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int i = start; i < start + columns; i++)
                max = Math.Max(max, x[i]);
            for (int i = start; i < start + columns; i++)
                sum += Math.Exp(x[i] - max);
            for (int i = start; i < start + columns; i++)
                y[i] = Math.Exp(x[i] - max) / sum;
        }
    }

    private static void Backward(int columns, double[] dy, double[] y, double[] dx)
    {
        for (int start = 0; start < y.Length; start += columns)
        {
            double dot = 0;
            for (int i = start; i < start + columns; i++)
                dot += dy[i] * y[i];
            for (int i = start; i < start + columns; i++)
                dx[i] = y[i] * (dy[i] - dot);
        }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int Rows, int Columns, CaseSize Size)[] shapes =
        [
            (1, 1, CaseSize.Tiny), (3, 7, CaseSize.Tiny), (5, 67, CaseSize.Tiny), (300, 256, CaseSize.Small), (17, 1003, CaseSize.Small),
            (4096, 256, CaseSize.Large),
        ];
        foreach (var (rows, columns, size) in shapes)
        {
            Shape shape = new(rows, columns);
            var scores = Values.Around(0f, 5f);
            yield return new("Softmax", $"{rows}x{columns}", [In("x", shape, scores), Out("y", shape)],
                (b, t) => b.Softmax(t[0], t[1]), d => Forward(columns, d[0], d[1]))
            { Size = size };
            yield return new("Softmax", $"{rows}x{columns} in place", [InOut("x", shape, scores)],
                (b, t) => b.Softmax(t[0], t[0]), d => Forward(columns, d[0], d[0]))
            { Size = size };
            yield return new("SoftmaxBackward", $"{rows}x{columns}", [In("dy", shape), In("y", shape, Values.Positive), Out("dx", shape)],
                (b, t) => b.SoftmaxBackward(t[0], t[1], t[2]), d => Backward(columns, d[0], d[1], d[2]))
            { Size = size };
            // The operation takes any y; that of a softmax is what a gradient elsewhere can be held against.
            yield return new("SoftmaxBackward", $"{rows}x{columns} of a softmax",
                [In("dy", shape), In("y", shape, scores), Out("dx", shape)],
                (b, t) => b.SoftmaxBackward(t[0], t[1], t[2]), d => Backward(columns, d[0], d[1], d[2]))
            { Size = size, Prepare = d => Forward(columns, d[1], d[1]) };
        }
        // Scores as far apart as float allows: nothing overflows.
        yield return new("Softmax", "far", [In("x", new(2, 5), Values.Of(-1000f, 0f, 1000f, 999f, -3e38f)), Out("y", new(2, 5))],
            (b, t) => b.Softmax(t[0], t[1]), d => Forward(5, d[0], d[1]))
        { Size = CaseSize.Tiny };
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("SoftmaxBackward", "4x5", [Values.NormalArray(1, 20)],
            d =>
            {
                var y = new double[20];
                Forward(5, d[0], y);
                return y;
            },
            (d, dy) =>
            {
                var (y, dx) = (new double[20], new double[20]);
                Forward(5, d[0], y);
                Backward(5, dy, y, dx);
                return [dx];
            });
    }
}
