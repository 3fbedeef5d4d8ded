namespace BDense.Training.Data.Preparing;

/// <summary>
/// Resizes by a separable filter, along rows first and then along columns: y[i] = sum_j w_ij x[j], w_ij = f((j + 1/2 - c_i) / s) over its
/// sum, c_i = (i + 1/2) r, r = old size / new size, s = max(1, r).
/// </summary>
/// <remarks>
/// In whole numbers, so that the bits are the same everywhere: weights are rounded to multiples of 2^-22, and each of the two passes is
/// rounded to 8 bits. Pillow's resize does the same, so that the pixels are those of EDM's dataset_tool.py.
/// </remarks>
internal static class Resizer
{
    // A weight of 8-bit values, with a bit for its sign and one for sums beyond 1: the rest of 32.
    private const int Fraction = 32 - 8 - 2;

    /// <summary>The image at another size.</summary>
    public static Picture Resize(Picture image, int height, int width, ResizeFilter filter)
    {
        if (width != image.Width)
            image = AlongRows(image, Weights.Of(image.Width, width, filter));
        return height == image.Height ? image : AlongColumns(image, Weights.Of(image.Height, height, filter));
    }

    private static Picture AlongRows(Picture image, Weights weights)
    {
        int width = weights.First.Length, channels = image.Channels;
        var result = new byte[image.Height * width * channels];
        for (int y = 0; y < image.Height; y++)
        {
            var row = image.Pixels.AsSpan(y * image.Width * channels, image.Width * channels);
            for (int x = 0; x < width; x++)
            {
                int[] w = weights.Values[x];
                var from = row.Slice(weights.First[x] * channels, w.Length * channels);
                var to = result.AsSpan((y * width + x) * channels, channels);
                for (int c = 0; c < channels; c++)
                {
                    int sum = 1 << (Fraction - 1);
                    for (int j = 0; j < w.Length; j++)
                        sum += w[j] * from[j * channels + c];
                    to[c] = Byte(sum);
                }
            }
        }
        return new Picture(image.Height, width, channels, result);
    }

    private static Picture AlongColumns(Picture image, Weights weights)
    {
        int height = weights.First.Length, length = image.Width * image.Channels;
        var result = new byte[height * length];
        var sums = new int[length];
        for (int y = 0; y < height; y++)
        {
            sums.AsSpan().Fill(1 << (Fraction - 1));
            int[] w = weights.Values[y];
            for (int j = 0; j < w.Length; j++)
            {
                var row = image.Pixels.AsSpan((weights.First[y] + j) * length, length);
                for (int i = 0; i < length; i++)
                    sums[i] += w[j] * row[i];
            }
            for (int i = 0; i < length; i++)
                result[y * length + i] = Byte(sums[i]);
        }
        return new Picture(height, image.Width, image.Channels, result);
    }

    private static byte Byte(int sum) => (byte)Math.Clamp(sum >> Fraction, 0, 255);

    /// <summary>Of each new pixel: the first old one that counts, and the weights from there on in 2^-22.</summary>
    private readonly record struct Weights(int[] First, int[][] Values)
    {
        public static Weights Of(int old, int size, ResizeFilter filter)
        {
            double ratio = (double)old / size, scale = Math.Max(1, ratio), support = filter.Support * scale;
            var (first, values) = (new int[size], new int[size][]);
            for (int i = 0; i < size; i++)
            {
                double centre = (i + 0.5) * ratio;
                first[i] = Math.Max(0, (int)(centre - support + 0.5));
                int end = Math.Min(old, (int)(centre + support + 0.5));
                var weights = new double[end - first[i]];
                for (int j = 0; j < weights.Length; j++)
                    weights[j] = filter.Weight((j + first[i] - centre + 0.5) * (1 / scale));
                // In this order, as the sum is Pillow's.
                double sum = 0;
                foreach (double weight in weights)
                    sum += weight;
                values[i] = [.. weights.Select(weight => Rounded(weight / sum))];
            }
            return new Weights(first, values);
        }

        private static int Rounded(double weight) => (int)(weight * (1 << Fraction) + (weight < 0 ? -0.5 : 0.5));
    }
}
