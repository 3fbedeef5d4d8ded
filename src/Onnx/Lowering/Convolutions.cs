using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Convolutions, linear layers and resampling.</summary>
internal static class Convolutions
{
    /// <summary>Conv with weights [K,C,R,S]; over one pixel Gemm with the weights as they are, [Out,In].</summary>
    public static Lowered Convolution(LoweredGraph at, ConvolutionStep step)
    {
        var (graph, s) = (at.Graph, step.Shape);
        string? bias = step.Bias is { } b ? graph.Weights(b.Values, "vector", [s.K], values => values) : null;
        if (s is { H: 1, W: 1, R: 1, S: 1, PadBegin: 0, PadEnd: 0 })
        {
            string matrix = graph.Weights(step.Weight.Values, "matrix", [s.K, s.C], values => values);
            string x = at.Rows(step.X, new Shape(s.N, s.C));
            string product = graph.Node("Gemm", bias is null ? [x, matrix] : [x, matrix, bias], ("transB", 1));
            return Lowered.OfRows(new Shape(s.N, s.K), product);
        }
        string weights = graph.Weights(step.Weight.Values, "KCRS", [s.K, s.C, s.R, s.S],
            values => ToKcrs(values, s.K, s.R * s.S, s.C));
        string image = at.Planes(step.X, s.Input);
        long begin = s.PadBegin, end = s.PadEnd;
        return Lowered.OfPlanes(s.Output, graph.Node("Conv", bias is null ? [image, weights] : [image, weights, bias],
            ("kernel_shape", new long[] { s.R, s.S }), ("strides", new long[] { s.Stride, s.Stride }),
            ("pads", new[] { begin, begin, end, end })));
    }

    /// <summary>Means of 2x2 blocks, or copies to them, times what the factor is to that.</summary>
    public static Lowered Resample(LoweredGraph at, ResampleStep step)
    {
        var (graph, x) = (at.Graph, step.X.Shape);
        string image = at.Planes(step.X, x);
        if (step.Direction == Resampling.Down)
        {
            string means = graph.Node("AveragePool", [image], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }));
            return Lowered.OfPlanes(new Shape(x[0], x[1] / 2, x[2] / 2, x[3]), at.Times(means, 4 * step.Factor));
        }
        string copies = graph.Node("Resize", [image, "", graph.Vector(1, 1, 2, 2)], ("mode", "nearest"), ("nearest_mode", "floor"),
            ("coordinate_transformation_mode", "asymmetric"));
        return Lowered.OfPlanes(new Shape(x[0], 2 * x[1], 2 * x[2], x[3]), at.Times(copies, step.Factor));
    }

    /// <summary>[K,Taps,C] to [K,C,Taps].</summary>
    private static float[] ToKcrs(float[] w, int k, int taps, int c)
    {
        var y = new float[w.Length];
        for (int row = 0; row < k; row++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                for (int channel = 0; channel < c; channel++)
                    y[(row * c + channel) * taps + tap] = w[(row * taps + tap) * c + channel];
            }
        }
        return y;
    }
}
