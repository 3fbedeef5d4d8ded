using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>Takes noise at the sampler's first noise level, [N,H,W,C], and labels or none, to images; the caller disposes them.</summary>
public delegate Tensor Sampler(Tensor x, Tensor? labels);

/// <summary>Many samples in batches. Image i depends on the seed and i alone, not on the batch it was made in.</summary>
public static class Sampling
{
    private const uint NoiseStream = 0x5A000001;

    /// <summary>Blocks of random numbers that belong to one image: 2^26 numbers.</summary>
    private const int BlocksAnImageLog2 = 24;

    /// <summary>Samples <paramref name="count"/> images.</summary>
    /// <param name="network">Says size and classes; a class-conditional one gets class i mod LabelCount for image i.</param>
    /// <param name="sampler">What makes images of noise.</param>
    /// <param name="count">Images.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="sigma">The first noise level.</param>
    /// <param name="onDone">Told after each batch how many are done.</param>
    /// <param name="cancellation">Looked at between batches.</param>
    /// <param name="noise">[count,H,W,C] of standard normal numbers to start from in place of the seed's; or none.</param>
    /// <returns>[count,H,W,C]</returns>
    /// <exception cref="BDenseException">A sample is not finite: the network has diverged.</exception>
    public static float[] Generate(UNet network, Sampler sampler, int count, int batch, ulong seed, double sigma,
        Action<int>? onDone = null, CancellationToken cancellation = default, float[]? noise = null)
    {
        var c = network.Config;
        int size = c.Resolution * c.Resolution * c.ImageChannels;
        RequireOneArray(network, count);
        var images = new float[count * size];
        for (int first = 0; first < count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int n = Math.Min(batch, count - first);
            Batch(network, sampler, first, images.AsSpan(first * size, n * size), seed, sigma, noise);
            onDone?.Invoke(first + n);
        }
        return images;
    }

    /// <summary>Whether so many images can be held at once; asked before work begins whose result would be lost.</summary>
    /// <exception cref="UsageException">They are too many for one array.</exception>
    public static void RequireOneArray(UNet network, int count)
    {
        var c = network.Config;
        int most = Array.MaxLength / (c.Resolution * c.Resolution * c.ImageChannels);
        if (count > most)
            throw new UsageException($"{count} images of {c.Resolution} x {c.Resolution} x {c.ImageChannels} are more than one array holds, which is {most}; ask for fewer (--count)");
    }

    /// <summary>The same images a batch at a time, for more of them than memory holds.</summary>
    public static ImageSource Source(UNet network, Sampler sampler, ulong seed, double sigma) => (first, n) =>
    {
        var c = network.Config;
        var images = new float[n * c.Resolution * c.Resolution * c.ImageChannels];
        Batch(network, sampler, first, images, seed, sigma);
        return images;
    };

    private static void Batch(UNet network, Sampler sampler, int first, Span<float> images, ulong seed, double sigma, float[]? noise = null)
    {
        var c = network.Config;
        int n = images.Length / (c.Resolution * c.Resolution * c.ImageChannels);
        using var x = network.Backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
        if (noise is null)
        {
            Noise(x, seed, first, sigma);
        }
        else
        {
            x.Upload(noise.AsSpan(first * (x.Length / n), x.Length));
            x.Backend.Scale(x, (float)sigma, x);
        }
        using var labels = Labels(network, first, n);
        using var y = sampler(x, labels);
        y.Download(images);
        foreach (float value in images)
        {
            if (!float.IsFinite(value))
                throw new BDenseException("a sample is not finite: the network's weights are not usable");
        }
    }

    /// <summary>x = sigma times standard normal noise, for images <paramref name="first"/> and following.</summary>
    public static void Noise(Tensor x, ulong seed, long first, double sigma)
    {
        int n = x.Shape[0], size = x.Length / n;
        for (int i = 0; i < n; i++)
        {
            using var image = x.View(i * size, new Shape(size));
            x.Backend.RandomNormal(new RandomKey(seed, NoiseStream, (ulong)(first + i) << BlocksAnImageLog2), image);
        }
        x.Backend.Scale(x, (float)sigma, x);
    }

    /// <summary>A solver over a network's denoiser, as a sampler.</summary>
    public static Sampler With(UNet network, SolverFunction solver, double[] grid, SolverOptions? options = null)
    {
        var denoiser = new Denoiser(network);
        return (x, labels) => solver((state, sigma) => denoiser.Denoise(state, sigma, new ForwardOptions(Labels: labels)), x, grid, options ?? SolverOptions.Default);
    }

    /// <summary>Noises in batches as <see cref="Generate"/> draws them, with their classes; the caller disposes all of them.</summary>
    internal static (List<Tensor> Noises, List<Tensor?> Labels) Batches(UNet network, int count, int batch, ulong seed, double sigma)
    {
        var c = network.Config;
        var (noises, labels) = (new List<Tensor>(), new List<Tensor?>());
        for (int first = 0; first < count; first += batch)
        {
            int n = Math.Min(batch, count - first);
            var x = network.Backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
            Noise(x, seed, first, sigma);
            noises.Add(x);
            labels.Add(Labels(network, first, n));
        }
        return (noises, labels);
    }

    /// <summary>Classes of images <paramref name="first"/> and following, [N,LabelCount]; none without classes. The caller disposes it.</summary>
    internal static Tensor? Labels(UNet network, int first, int n)
    {
        int classes = network.Config.LabelCount;
        if (classes == 0)
            return null;
        var rows = new float[n * classes];
        for (int i = 0; i < n; i++)
            rows[i * classes + (first + i) % classes] = 1;
        return network.Backend.FromArray(rows, new Shape(n, classes));
    }
}
