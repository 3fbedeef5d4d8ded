using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Training.Samplers;

/// <summary>
/// What each image of a sampling is made from: its noise, the fresh noise of stochastic steps, and its class. All of it belongs to
/// the image, so that the same one comes out of any batch.
/// </summary>
/// <remarks>
/// Image i of a seed draws from the numbers (seed, i). With <see cref="Seeds"/> image i draws what image 0 of <c>Seeds[i]</c> draws. Noise
/// that is given takes the place of the seed's; fresh noise stays the seed's.
/// </remarks>
public sealed record ImageDraws
{
    private const uint NoiseStream = 0x5A000001;

    // One stream a step: 2^16 of them.
    private const uint FreshStream = 0x5B000000;

    /// <summary>Blocks of random numbers that belong to one image: 2^26 numbers.</summary>
    private const int BlocksAnImageLog2 = 24;

    /// <summary>Of all images, where there are no <see cref="Seeds"/>.</summary>
    public ulong Seed { get; init; }

    /// <summary>One an image; or none.</summary>
    public SeedList? Seeds { get; init; }

    /// <summary>[N,H,W,C] standard normal numbers to start from; or none.</summary>
    public float[]? Noise { get; init; }

    /// <summary>The class of every image; or none.</summary>
    public int? Class { get; init; }

    /// <summary>The class of each image of <see cref="Noise"/>; or none.</summary>
    public int[]? Classes { get; init; }

    /// <summary>Image i of a seed, which depends on the seed and i alone.</summary>
    public static ImageDraws Of(ulong seed) => new() { Seed = seed };

    /// <summary>Whether a network takes these classes.</summary>
    /// <param name="network">Which.</param>
    /// <param name="path">Where it is from, for the message.</param>
    /// <exception cref="UsageException">It has no classes, or not that one.</exception>
    public void RequireClasses(INetwork network, string path)
    {
        int count = network.Config.LabelCount;
        int? highest = Class ?? (Classes is { Length: > 0 } all ? all.Max() : null);
        if (highest is null)
            return;
        string what = Class is { } one ? $"--class {one}" : $"the noise's labels, up to {highest}";
        if (count == 0)
            throw new UsageException($"{what}: {path} has no classes");
        if (highest >= count)
            throw new UsageException($"{what}: {path} has the classes 0 to {count - 1}");
    }

    /// <summary>What image <paramref name="i"/> is called by: its seed, or without seeds its place.</summary>
    public ulong NumberOf(int i) => Seeds is null ? (ulong)i : Seeds[i];

    /// <summary>
    /// The class of image <paramref name="i"/>: the one that is asked for; that of its noise; of seeds, seed mod
    /// <paramref name="classes"/>; else i mod <paramref name="classes"/>, all of them in turn.
    /// </summary>
    public int ClassOf(int i, int classes) => Class ?? Classes?[i] ?? (Seeds is null ? i % classes : (int)(Seeds[i] % (ulong)classes));

    /// <summary>
    /// Classes of images <paramref name="first"/> and following, [N,LabelCount]; none without classes. The caller disposes it.
    /// </summary>
    public Tensor? Labels(INetwork network, int first, int n)
    {
        int classes = network.Config.LabelCount;
        if (classes == 0)
            return null;
        var rows = new float[n * classes];
        for (int i = 0; i < n; i++)
            rows[i * classes + ClassOf(first + i, classes)] = 1;
        return network.Backend.FromArray(rows, new Shape(n, classes));
    }

    /// <summary>x [N,...] = sigma times standard normal noise, for images <paramref name="first"/> and following.</summary>
    public void Start(Tensor x, int first, double sigma)
    {
        int size = x.Length / x.Shape[0];
        if (Noise is not null)
            x.Upload(Noise.AsSpan(first * size, x.Length));
        else
            Fill(x, first, NoiseStream);
        x.Backend.Scale(x, (float)sigma, x);
    }

    /// <summary>
    /// y [N,...] = the standard normal noise that step <paramref name="step"/> adds to images <paramref name="first"/> and following.
    /// </summary>
    public void Fresh(Tensor y, int first, int step) => Fill(y, first, FreshStream + (uint)step);

    private void Fill(Tensor x, int first, uint stream)
    {
        int n = x.Shape[0], size = x.Length / n;
        for (int i = 0; i < n; i++)
        {
            using var image = x.View(i * size, new Shape(size));
            var (seed, index) = Seeds is null ? (Seed, (ulong)(first + i)) : (Seeds[first + i], 0ul);
            x.Backend.RandomNormal(new RandomKey(seed, stream, index << BlocksAnImageLog2), image);
        }
    }
}
