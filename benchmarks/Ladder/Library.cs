using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Devices;

namespace BDense.Benchmarks.Ladder;

/// <summary>
/// The library's own operations at the ladder's shapes, launches of its auxiliary kernels included. Their results are the tests' business.
/// </summary>
internal sealed class Library(string device) : IDisposable
{
    private readonly Backend _backend = DeviceCatalog.Open(device == "cpu" ? "ilgpu-cpu" : device);
    private readonly Random _random = new(5);

    /// <summary>Names and times of the operations behind a ladder: best and median milliseconds.</summary>
    public IEnumerable<(string Name, double Best, double Median)> Time(object shape, double seconds)
    {
        if (shape is GemmShape g)
        {
            var product = new MatMulShape(1, g.M, g.N, g.K);
            using Tensor a = Values(product.A), b = Values(product.B), c = _backend.Empty(product.C);
            yield return One("matmul", () => _backend.MatMul(product, a, b, c), seconds);
        }
        if (shape is ConvShape s)
        {
            var conv = Conv2dShape.Same(s.N, s.H, s.W, s.C, s.K, 3);
            using Tensor x = Values(conv.Input), w = Values(conv.Weight), y = Values(conv.Output), dx = _backend.Empty(conv.Input),
                dw = _backend.Zeros(conv.Weight);
            yield return One("forward", () => _backend.Conv2d(conv, x, w, null, y), seconds);
            yield return One("dgrad", () => _backend.Conv2dDgrad(conv, y, w, dx), seconds);
            yield return One("wgrad", () => _backend.Conv2dWgrad(conv, x, y, dw, null), seconds);
        }
    }

    private (string, double, double) One(string name, Action run, double seconds)
    {
        var times = RunTimes.Measure(run, _backend.Synchronize, seconds);
        return (name, times.Best, times.Median);
    }

    private Tensor Values(Shape shape)
    {
        var values = new float[shape.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = 2 * _random.NextSingle() - 1;
        return _backend.FromArray(values, shape);
    }

    public void Dispose() => _backend.Dispose();
}
