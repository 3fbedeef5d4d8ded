using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Workloads;

namespace BDense.Benchmarks.Context;

/// <summary>The loops that one writes first, in C#, on one thread: what the work costs before anyone thinks about it.</summary>
public sealed class NaiveLoops : IPeer
{
    public string Name => "naive C#";

    public string? Unavailable => null;

    public bool Takes(Workload work) =>
        work is MatrixProduct { M: <= 512 } or Convolution { Backward: false, C: <= 64, Size: <= 16, Kernel: 3 };

    public IEnumerable<Running> Start(Workload work)
    {
        switch (work)
        {
            case MatrixProduct w:
                float[] a = w.A, b = w.B, c = new float[w.M * w.N];
                return [new Running("", () => Multiply(w, a, b, c), () => new() { ["c"] = c })];
            case Convolution w:
                float[] x = w.X, k = w.W, bias = w.Bias, y = new float[w.Shape.Output.Length];
                return [new Running("", () => Convolve(w, x, k, bias, y), () => new() { ["y"] = y })];
            default:
                return [];
        }
    }

    public void Dispose() { }

    private static void Multiply(MatrixProduct w, float[] a, float[] b, float[] c)
    {
        for (int m = 0; m < w.M; m++)
        {
            for (int n = 0; n < w.N; n++)
            {
                float sum = 0;
                for (int k = 0; k < w.K; k++)
                    sum += a[m * w.K + k] * b[k * w.N + n];
                c[m * w.N + n] = sum;
            }
        }
    }

    private static void Convolve(Convolution conv, float[] x, float[] weight, float[] bias, float[] y)
    {
        var s = conv.Shape;
        int at = 0;
        for (int n = 0; n < s.N; n++)
        {
            for (int p = 0; p < s.P; p++)
            {
                for (int q = 0; q < s.Q; q++)
                {
                    for (int k = 0; k < s.K; k++)
                        y[at++] = bias[k] + At(n, p, q, k);
                }
            }
        }

        float At(int n, int p, int q, int k)
        {
            float sum = 0;
            for (int r = 0; r < s.R; r++)
            {
                int h = p + r - s.PadBegin;
                if (h < 0 || h >= s.H)
                    continue;
                for (int t = 0; t < s.S; t++)
                {
                    int v = q + t - s.PadBegin;
                    if (v < 0 || v >= s.W)
                        continue;
                    for (int c = 0; c < s.C; c++)
                        sum += x[((n * s.H + h) * s.W + v) * s.C + c] * weight[((k * s.R + r) * s.S + t) * s.C + c];
                }
            }
            return sum;
        }
    }
}
