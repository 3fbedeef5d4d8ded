using BDense.Kernels;

namespace BDense.Benchmarks.Ladder;

/// <summary>
/// One multiplication to be done by every step: its operands and, element by element, the right result in double precision.
/// </summary>
/// <param name="Shape">Extents as the kernels take them.</param>
/// <param name="Text">For people.</param>
/// <param name="Left">A, or x.</param>
/// <param name="Right">B, or w.</param>
/// <param name="ResultLength">Elements of C, or y.</param>
/// <param name="Flops">A multiply-add counts two.</param>
/// <param name="Expected">Element i of the result, by plain loops.</param>
internal sealed record Problem<TShape>(TShape Shape, string Text, float[] Left, float[] Right, int ResultLength, double Flops,
    Func<int, double> Expected)
    where TShape : unmanaged
{
    /// <summary>Null if the result is right, else what is wrong. All elements, or <paramref name="samples"/> of them at random.</summary>
    /// <param name="result">A step's.</param>
    /// <param name="tensorCores">TF32 factors are allowed an error of 2^-11 each.</param>
    /// <param name="samples">The double-precision loops take long.</param>
    public string? Check(float[] result, bool tensorCores, int samples = 4096)
    {
        var random = new Random(3);
        bool all = result.Length <= samples;
        double error = 0, norm = 0, worst = 0;
        int count = all ? result.Length : samples, at = 0;
        for (int i = 0; i < count; i++)
        {
            int index = all ? i : random.Next(result.Length);
            double expected = Expected(index), difference = Math.Abs(result[index] - expected);
            error += difference * difference;
            norm += expected * expected;
            // Not a number is worse than anything.
            if (!(difference <= worst) && !double.IsNaN(worst))
                (worst, at) = (difference, index);
        }
        double rms = Math.Sqrt(norm / count);
        // Random factors: the error of a sum grows as the sum itself does, so both limits hold for any length.
        double limit = tensorCores ? 5e-3 : 1e-4;
        return worst <= limit * rms && error <= (tensorCores ? 1e-6 : 1e-10) * norm ? null
            : FormattableString.Invariant(
                $"element {at} is {result[at]:g9}, expected {Expected(at):g9}; relative error {Math.Sqrt(error / norm):0.0e0}");
    }
}

/// <summary>
/// The ladder's two problems, with random operands. They are not of the case list: what its steps compute has weights in an order of
/// their own (RSCK) and no edges, and a problem is as large as its device bears.
/// </summary>
internal static class Problems
{
    /// <exception cref="UsageException">The tiles do not divide it.</exception>
    public static Problem<GemmShape> Gemm(int m, int n, int k, Func<Random, float>? value = null)
    {
        if (m <= 0 || n <= 0 || k <= 0 || m % 128 != 0 || n % 64 != 0 || k % 16 != 0)
            throw new UsageException($"gemm {m}x{n}x{k}: M must be a multiple of 128, N of 64, K of 16");
        float[] a = Values(1, m, k, value), b = Values(2, k, n, value);
        return new(new GemmShape { M = m, N = n, K = k }, $"{m} x {n} x {k}", a, b, new Shape(m, n).Length, 2.0 * m * n * k, at =>
        {
            int row = at / n, column = at % n;
            double sum = 0;
            for (int i = 0; i < k; i++)
                sum += (double)a[row * k + i] * b[i * n + column];
            return sum;
        });
    }

    /// <exception cref="UsageException">The tiles do not divide it.</exception>
    public static Problem<ConvShape> Convolution(int n, int h, int w, int c, int k, Func<Random, float>? value = null)
    {
        if (n <= 0 || h <= 0 || w <= 0 || c <= 0 || k <= 0 || n * h * w % 128 != 0 || k % 64 != 0 || c % 16 != 0)
            throw new UsageException($"conv {n}x{h}x{w}x{c}x{k}: N H W must be a multiple of 128, C of 16, K of 64");
        float[] x = Values(1, n * h * w, c, value), weights = Values(2, 9 * c, k, value);
        return new(new ConvShape { N = n, H = h, W = w, C = c, K = k }, $"{n} x {h} x {w}, {c} -> {k}", x, weights,
            new Shape(n, h, w, k).Length, 18.0 * n * h * w * c * k, at =>
        {
            int channel = at % k, pixel = at / k, column = pixel % w, row = pixel / w % h, image = pixel / w / h;
            double sum = 0;
            for (int r = Math.Max(0, 1 - row); r < Math.Min(3, h + 1 - row); r++)
            {
                for (int s = Math.Max(0, 1 - column); s < Math.Min(3, w + 1 - column); s++)
                {
                    int from = ((image * h + row + r - 1) * w + column + s - 1) * c;
                    for (int i = 0; i < c; i++)
                        sum += (double)x[from + i] * weights[((r * 3 + s) * c + i) * k + channel];
                }
            }
            return sum;
        });
    }

    /// <summary>Cut off to BF16, so that all steps multiply the same numbers.</summary>
    private static float Narrow(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000);

    private static float[] Values(int seed, int rows, int columns, Func<Random, float>? value)
    {
        var random = new Random(seed);
        var values = new float[new Shape(rows, columns).Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = value is null ? Narrow(2 * random.NextSingle() - 1) : value(random);
        return values;
    }
}
