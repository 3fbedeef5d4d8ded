using System.Diagnostics;
using BDense.Kernels;

namespace BDense.Training;

/// <summary>What a device can do at best, measured: the roofs that a kernel is held against (Williams et al. 2009).</summary>
/// <param name="CopyBytesPerSecond">Bytes read and written by a large copy.</param>
/// <param name="FlopsPerSecond">Of a large matrix product by this library's own kernel.</param>
/// <param name="LaunchSeconds">Of an operation on 64 elements, waited for once in a hundred.</param>
public sealed record DeviceSpeed(double CopyBytesPerSecond, double FlopsPerSecond, double LaunchSeconds)
{
    private const int Product = 384;

    /// <summary>The run-time compiler replaces a busy method's first machine code after some tenths of a second; until then a copy is several times slower.</summary>
    private const double LeastSeconds = 0.5;

    /// <param name="backend">Which device.</param>
    /// <param name="elements">Of the copy: far more than the caches hold, within memory.</param>
    /// <param name="repetitions">At least so many, and for half a second; the best counts.</param>
    public static DeviceSpeed Measure(Backend backend, int elements = 1 << 24, int repetitions = 7)
    {
        double copy, product;
        using (Tensor x = backend.Zeros(new Shape(elements)), y = backend.Zeros(new Shape(elements)))
            copy = Best(backend, repetitions, () => backend.Copy(x, y));
        var s = new MatMulShape(1, Product, Product, Product);
        using (Tensor a = backend.Zeros(s.A), b = backend.Zeros(s.B), c = backend.Zeros(s.C))
            product = Best(backend, repetitions, () => backend.MatMul(s, a, b, c));
        using Tensor tiny = backend.Zeros(new Shape(64)), other = backend.Zeros(new Shape(64));
        double launch = Best(backend, repetitions, () =>
        {
            for (int i = 0; i < 100; i++)
                backend.Copy(tiny, other);
        }) / 100;
        return new DeviceSpeed(8.0 * elements / copy, 2.0 * s.Macs / product, launch);
    }

    /// <summary>The least time of one operation: a launch, and the longer of its traffic and its arithmetic.</summary>
    public double Seconds(OpCost cost) => LaunchSeconds + Math.Max(cost.Bytes / CopyBytesPerSecond, cost.Flops / FlopsPerSecond);

    private static double Best(Backend backend, int repetitions, Action run)
    {
        run();
        backend.Synchronize();
        double best = double.PositiveInfinity;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < repetitions || clock.Elapsed.TotalSeconds < LeastSeconds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            backend.Synchronize();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
