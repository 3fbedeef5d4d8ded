using BDense.Kernels;

namespace BDense.Training.Metrics;

/// <summary>
/// Features for the random-feature Frechet distance: four convolutions 3x3 with fixed random weights and SiLU, strides
/// 1, 2, 2, 2, channels 16, 32, 32, 32; the features are the means over the image after the third and the fourth (64 numbers).
/// </summary>
/// <remarks>
/// This is not FID and its numbers compare to no published FID: the weights are drawn, not learned. It responds to colours,
/// edges and their neighbourhoods up to some 15 pixels; it knows no objects. The weights depend on the number of channels alone,
/// never on a run's seed, so that distances of different runs compare.
/// </remarks>
public sealed class RandomFeatures : IImageFeatures
{
    /// <summary>The Fréchet distance over these features, as tables have it.</summary>
    public const string MetricName = "random-feature Frechet distance";

    private const ulong WeightSeed = 20_010_929;

    private static readonly int[] Widths = [16, 32, 32, 32];

    private readonly Backend _backend;
    private readonly Tensor[] _weights = new Tensor[Widths.Length];
    private readonly Tensor[] _biases = new Tensor[Widths.Length];

    /// <summary>Draws the weights, which depend on the number of channels alone.</summary>
    /// <param name="backend">Where they are computed.</param>
    /// <param name="channels">C of the images.</param>
    public RandomFeatures(Backend backend, int channels)
    {
        _backend = backend;
        Channels = channels;
        for (int layer = 0; layer < Widths.Length; layer++)
        {
            int input = layer == 0 ? channels : Widths[layer - 1];
            // Variance 2 / fan-in keeps the activations' size from layer to layer (He et al. 2015).
            _weights[layer] = Normal(new Shape(Widths[layer], 3, 3, input), Math.Sqrt(2.0 / (9 * input)), (uint)(2 * layer));
            _biases[layer] = Normal(new Shape(Widths[layer]), 0.2, (uint)(2 * layer + 1));
        }
    }

    /// <summary>C of the images.</summary>
    public int Channels { get; }

    /// <summary>Length of a feature vector.</summary>
    public static int Dimension => Widths[^2] + Widths[^1];

    int IImageFeatures.Dimension => Dimension;

    /// <inheritdoc/>
    public string Name => $"random convolutional features of {Channels} channels";

    /// <inheritdoc/>
    public string DistanceName => MetricName;

    /// <inheritdoc/>
    public float[] Compute(ReadOnlySpan<float> images, int height, int width, int channels)
    {
        using var x = _backend.FromArray(images, new Shape(images.Length / (height * width * channels), height, width, channels));
        return Compute(x);
    }

    /// <summary>Features [N, Dimension] of images [N,H,W,C], H and W 8 or more.</summary>
    public float[] Compute(Tensor images)
    {
        int n = images.Shape[0], h = images.Shape[1], w = images.Shape[2], c = images.Shape[3];
        if (c != Channels || h < 8 || w < 8)
            throw new BDenseException(
                $"{MetricName}: images of {images.Shape} where N x H x W x {Channels} with 8 rows and columns or more are expected");
        var features = new float[n * Dimension];
        var x = images.Share();
        try
        {
            for (int layer = 0, first = 0; layer < Widths.Length; layer++)
            {
                var shape = new Conv2dShape(n, h, w, c, Widths[layer], 3, 3, layer == 0 ? 1 : 2, 1, 1);
                var y = _backend.Empty(shape.Output);
                _backend.Conv2d(shape, x, _weights[layer], _biases[layer], y);
                x.Dispose();
                x = _backend.Empty(shape.Output);
                _backend.Silu(y, x);
                y.Dispose();
                (h, w, c) = (shape.P, shape.Q, shape.K);
                if (layer >= Widths.Length - 2)
                {
                    Pool(x, features, first);
                    first += c;
                }
            }
        }
        finally
        {
            x.Dispose();
        }
        return features;
    }

    /// <summary>Statistics of host images [N,H,W,C], in batches.</summary>
    public FeatureStatistics Statistics(ReadOnlySpan<float> images, int height, int width, int batch = 64)
    {
        var statistics = new FeatureStatistics(Dimension);
        int length = height * width * Channels;
        for (; images.Length > 0; images = images[Math.Min(batch * length, images.Length)..])
        {
            int n = Math.Min(batch, images.Length / length);
            using var x = _backend.FromArray(images[..(n * length)], new Shape(n, height, width, Channels));
            statistics.Add(Compute(x));
        }
        return statistics;
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var tensor in _weights.Concat(_biases))
            tensor.Dispose();
    }

    // Means over the image, [N,h,w,c] to columns first .. first + c - 1.
    private static void Pool(Tensor x, float[] features, int first)
    {
        int n = x.Shape[0], pixels = x.Shape[1] * x.Shape[2], c = x.Shape[3];
        float[] values = x.ToArray();
        var sum = new double[c];
        for (int i = 0; i < n; i++)
        {
            Array.Clear(sum);
            for (int p = 0; p < pixels; p++)
            {
                for (int k = 0; k < c; k++)
                    sum[k] += values[(i * pixels + p) * c + k];
            }
            for (int k = 0; k < c; k++)
                features[i * Dimension + first + k] = (float)(sum[k] / pixels);
        }
    }

    private Tensor Normal(Shape shape, double deviation, uint stream)
    {
        var values = new float[shape.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * Philox.Normal(new RandomKey(WeightSeed, stream), i));
        return _backend.FromArray(values, shape);
    }
}
