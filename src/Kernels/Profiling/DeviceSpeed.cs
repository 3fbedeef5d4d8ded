using System.Diagnostics;

namespace BDense.Kernels.Profiling;

/// <summary>What a device can do at best, measured: the roofs that a kernel is held against (Williams et al. 2009).</summary>
/// <param name="CopyBytesPerSecond">Bytes read and written by a large copy.</param>
/// <param name="FlopsPerSecond">The best rate of declared FLOPs that this library's own matrix product or 3x3 convolution reaches, in the
/// device's precision. A convolution by Winograd's filtering counts as many as a plain one, as its declaration does.</param>
/// <param name="LaunchSeconds">Of an operation on 64 elements, waited for once in a hundred.</param>
/// <param name="FlopsOf">Whose rate that is.</param>
public sealed record DeviceSpeed(double CopyBytesPerSecond, double FlopsPerSecond, double LaunchSeconds, string FlopsOf = "")
{
    /// <summary>A larger size that is not faster by this factor says that the device was full already.</summary>
    private const double Rising = 1.05;

    /// <summary>Elements of each of the largest product's matrices: 8,192 squared.</summary>
    private const long LargestElements = 1L << 26;

    /// <param name="backend">Which device.</param>
    /// <param name="elements">Of the copy: far more than the caches hold, within memory.</param>
    /// <param name="patience">A figure is steady when nothing faster came for so long, and is taken as it is after four times that.
    /// The run-time compiler replaces a busy method's first machine code only after some tenths of a second.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    public static DeviceSpeed Measure(Backend backend, int elements, TimeSpan patience, CancellationToken cancellation = default)
    {
        double copy;
        using (Tensor x = backend.Empty(new Shape(elements)), y = backend.Empty(new Shape(elements)))
        {
            backend.RandomNormal(new RandomKey(1, 1), x);
            copy = Best(backend, patience, () => backend.Copy(x, y), cancellation);
        }
        var product = Grown(backend, patience, 384, n => 3L * n * n, n => 2L * n * n * n, Product, cancellation);
        var convolution = Grown(backend, patience, 1, n => (long)n * Pixels * Channels, n => 2 * Convolution(n).Macs, Convolve,
            cancellation);
        backend.Pool.Trim();
        using Tensor tiny = backend.Zeros(new Shape(64)), other = backend.Zeros(new Shape(64));
        double launch = Best(backend, patience, () =>
        {
            for (int i = 0; i < 100; i++)
                backend.Copy(tiny, other);
        }, cancellation) / 100;
        string name = product.Rate > convolution.Rate ? $"matrix product of {product.Size} squared"
            : $"3x3 convolution of [{convolution.Size}, {Side}, {Side}, {Channels}]";
        return new DeviceSpeed(8.0 * elements / copy, Math.Max(product.Rate, convolution.Rate), launch, name);
    }

    /// <summary>The least time of one operation: a launch, and the longer of its traffic and its arithmetic.</summary>
    public double Seconds(OpCost cost) => LaunchSeconds + Math.Max(cost.Bytes / CopyBytesPerSecond, cost.Flops / FlopsPerSecond);

    private const int Side = 16, Pixels = Side * Side, Channels = 128;

    private static Conv2dShape Convolution(int n) => Conv2dShape.Same(n, Side, Side, Channels, Channels, 3);

    private static (Action Run, Tensor[] Owned) Product(Backend backend, int n)
    {
        var s = new MatMulShape(1, n, n, n);
        Tensor a = Normal(backend, s.A), b = Normal(backend, s.B), c = backend.Empty(s.C);
        return (() => backend.MatMul(s, a, b, c), [a, b, c]);
    }

    private static (Action Run, Tensor[] Owned) Convolve(Backend backend, int n)
    {
        var s = Convolution(n);
        Tensor x = Normal(backend, s.Input), w = Normal(backend, s.Weight), y = backend.Empty(s.Output);
        return (() => backend.Conv2d(s, x, w, null, y), [x, w, y]);
    }

    /// <summary>
    /// Doubles a size until the rate of FLOPs has stopped rising (twice, since a last wave of groups may be half empty), memory ends, or
    /// the next size would take longer than patience allows.
    /// </summary>
    private static (double Rate, int Size) Grown(Backend backend, TimeSpan patience, int size, Func<int, long> elements,
        Func<int, long> flops,
        Func<Backend, int, (Action Run, Tensor[] Owned)> make, CancellationToken cancellation)
    {
        (double Rate, int Size) best = default;
        for (int flat = 0; flat < 2 && elements(size) <= 3 * LargestElements; size *= 2)
        {
            if (best.Rate > 0
                && (elements(size) * sizeof(float) > backend.FreeBytes / 2 || flops(size) / best.Rate > 2 * patience.TotalSeconds))
                break;
            var (run, owned) = make(backend, size);
            double rate;
            try
            {
                rate = flops(size) / Best(backend, patience, run, cancellation);
            }
            finally
            {
                foreach (var tensor in owned)
                    tensor.Dispose();
            }
            flat = rate > Rising * best.Rate ? 0 : flat + 1;
            if (rate > best.Rate)
                best = (rate, size);
        }
        return best;
    }

    /// <summary>Of ordinary numbers: a GPU that multiplies zeros draws less power and clocks higher.</summary>
    private static Tensor Normal(Backend backend, Shape shape)
    {
        var x = backend.Empty(shape);
        backend.RandomNormal(new RandomKey(1, 1), x);
        return x;
    }

    /// <summary>The shortest of runs that go on until none was shorter, by more than a hundredth, for as long as patience lasts.</summary>
    private static double Best(Backend backend, TimeSpan patience, Action run, CancellationToken cancellation)
    {
        run();
        backend.Synchronize();
        double best = double.PositiveInfinity;
        Stopwatch all = Stopwatch.StartNew(), since = Stopwatch.StartNew();
        while (since.Elapsed < patience && all.Elapsed < 4 * patience)
        {
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            run();
            backend.Synchronize();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (seconds < 0.99 * best)
                since.Restart();
            best = Math.Min(best, seconds);
        }
        return best;
    }
}
