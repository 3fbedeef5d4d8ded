using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Metrics;
using BDense.Training.Solvers;

namespace BDense.Training.Samplers;

/// <summary>Takes noise at the sampler's first noise level to images; the caller disposes them.</summary>
/// <param name="x">[N,H,W,C]; stays as it is.</param>
/// <param name="labels">[N,LabelCount] or none.</param>
/// <param name="fresh">Noise for steps that add some, of these very images.</param>
public delegate Tensor Sampler(Tensor x, Tensor? labels, FreshNoise fresh);

/// <summary>Many samples in batches. Image i depends on its draws alone, not on the batch it was made in.</summary>
public static class Sampling
{
    /// <summary>Samples <paramref name="count"/> images.</summary>
    /// <param name="network">Says size and classes.</param>
    /// <param name="sampler">What makes images of noise.</param>
    /// <param name="draws">What each is made from.</param>
    /// <param name="count">Images.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="sigma">The first noise level.</param>
    /// <param name="onDone">Told after each batch how many are done.</param>
    /// <param name="cancellation">Looked at between batches.</param>
    /// <returns>[count,H,W,C]</returns>
    /// <exception cref="BDenseException">A sample is not finite: the network has diverged.</exception>
    public static float[] Generate(INetwork network, Sampler sampler, ImageDraws draws, int count, int batch, double sigma,
        Action<int>? onDone = null, CancellationToken cancellation = default)
    {
        var c = network.Config;
        int size = c.Resolution * c.Resolution * c.ImageChannels;
        RequireOneArray(network, count);
        var images = new float[count * size];
        for (int first = 0; first < count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int n = Math.Min(batch, count - first);
            Batch(network, sampler, draws, first, images.AsSpan(first * size, n * size), sigma);
            onDone?.Invoke(first + n);
        }
        return images;
    }

    /// <summary>The images of <see cref="Generate"/> batch by batch, for however many.</summary>
    /// <inheritdoc cref="Generate"/>
    public static SampleStream Stream(INetwork network, Sampler sampler, ImageDraws draws, int count, int batch, double sigma,
        Action<int>? onDone = null, CancellationToken cancellation = default) => next =>
    {
        var c = network.Config;
        for (int first = 0; first < count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int n = Math.Min(batch, count - first);
            var images = new float[n * c.Resolution * c.Resolution * c.ImageChannels];
            Batch(network, sampler, draws, first, images, sigma);
            next(new SampleBatch([.. Enumerable.Range(first, n).Select(draws.NumberOf)], images,
                c.LabelCount == 0 ? null : [.. Enumerable.Range(first, n).Select(i => draws.ClassOf(i, c.LabelCount))]));
            onDone?.Invoke(first + n);
        }
    };

    /// <summary>Whether so many images can be held at once; asked before work begins whose result would be lost.</summary>
    /// <exception cref="UsageException">They are too many for one array.</exception>
    public static void RequireOneArray(INetwork network, int count)
    {
        var c = network.Config;
        int most = Array.MaxLength / (c.Resolution * c.Resolution * c.ImageChannels);
        if (count > most)
            throw new UsageException(
                $"{count} images of {c.Resolution} x {c.Resolution} x {c.ImageChannels} are more than one array holds, which is {most}; "
                    + "ask for fewer (--count)");
    }

    /// <summary>The same images a batch at a time, for more of them than memory holds.</summary>
    public static ImageSource Source(INetwork network, Sampler sampler, ImageDraws draws, double sigma) => (first, n) =>
    {
        var c = network.Config;
        var images = new float[n * c.Resolution * c.Resolution * c.ImageChannels];
        Batch(network, sampler, draws, first, images, sigma);
        return images;
    };

    private static void Batch(INetwork network, Sampler sampler, ImageDraws draws, int first, Span<float> images, double sigma)
    {
        var c = network.Config;
        int n = images.Length / (c.Resolution * c.Resolution * c.ImageChannels);
        using var x = network.Backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
        draws.Start(x, first, sigma);
        using var labels = draws.Labels(network, first, n);
        using var y = sampler(x, labels, (step, noise) => draws.Fresh(noise, first, step));
        y.Download(images);
        foreach (float value in images)
        {
            if (!float.IsFinite(value))
                throw new BDenseException("a sample is not finite: the network's weights are not usable");
        }
    }

    /// <summary>Noises in batches as <see cref="Generate"/> draws them, with their classes; the caller disposes all of them.</summary>
    internal static (List<Tensor> Noises, List<Tensor?> Labels) Batches(INetwork network, int count, int batch, ulong seed, double sigma)
    {
        var c = network.Config;
        var draws = ImageDraws.Of(seed);
        var (noises, labels) = (new List<Tensor>(), new List<Tensor?>());
        for (int first = 0; first < count; first += batch)
        {
            int n = Math.Min(batch, count - first);
            var x = network.Backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
            draws.Start(x, first, sigma);
            noises.Add(x);
            labels.Add(draws.Labels(network, first, n));
        }
        return (noises, labels);
    }
}
