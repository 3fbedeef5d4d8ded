using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;

namespace BDense.Tests.Ptx;

/// <summary>wgrad of a 3x3 convolution in two slices, on random tensors, and its result in double precision.</summary>
internal sealed class WgradProblem
{
    private const int N = 2, H = 7, W = 6, R = 3, S = 3, Pad = 1;

    private readonly int _stride, _c, _p, _q, _depth;
    private readonly MmaShape _shape;
    private readonly float[] _x, _dy, _factors;

    /// <param name="shape">TF32 or BF16.</param>
    /// <param name="stride">Of the convolution.</param>
    /// <param name="depth">Pixels a step.</param>
    /// <param name="c">Channels of x.</param>
    /// <param name="k">Channels of dy.</param>
    public WgradProblem(MmaShape shape, int stride, int depth, int c = 24, int k = 40)
    {
        (_shape, _stride, _depth, _c, Outputs) = (shape, stride, depth, c, k);
        (_p, _q) = (ConvolutionProblem.Out(H, stride), ConvolutionProblem.Out(W, stride));
        var random = new Random(1);
        _x = WrittenLaunch.Rounded(random, N * H * W * c, shape);
        _dy = WrittenLaunch.Rounded(random, Pixels * k, shape);
        _factors = WrittenLaunch.Rounded(random, N * 2 * c, shape);
        int steps = (Pixels + depth - 1) / depth;
        StepsPerSlice = (steps + 1) / 2;
        Slices = (steps + StepsPerSlice - 1) / StepsPerSlice;
    }

    public int Pixels => N * _p * _q;

    public int Outputs { get; }

    public int Columns => R * S * _c;

    public int StepsPerSlice { get; }

    public int Slices { get; }

    public int Tiles(int rows, int columns) => (Outputs + rows - 1) / rows * ((Columns + columns - 1) / columns);

    public WgradArguments Arguments(WrittenLaunch gpu, int rows, int columns, bool isActivated = false) => new()
    {
        X = isActivated ? gpu.Put(_x) : gpu.Put(_x, _shape),
        Dy = gpu.Put(_dy, _shape),
        Partial = gpu.Empty(Slices * Outputs * Columns),
        Factors = gpu.Put(_factors),
        Pixels = Pixels,
        Outputs = Outputs,
        Columns = Columns,
        SourceBytes = _c * 32 / _shape.Depth,
        OutputBytes = Outputs * 32 / _shape.Depth,
        Height = _p,
        Width = _q,
        SourceHeight = H,
        SourceWidth = W,
        KernelColumns = S,
        Stride = _stride,
        Pad = Pad,
        StepsPerSlice = StepsPerSlice,
        StepN = _depth / (_p * _q),
        StepP = _depth / _q % _p,
        StepQ = _depth % _q,
        Tiles = Tiles(rows, columns),
        ShiftBytes = 4 * _c,
        Slope = Prologue.MinusLog2E,
    };

    /// <summary>The slices' sums, added up.</summary>
    public float[] Sum(float[] slices) =>
        [.. Enumerable.Range(0, Outputs * Columns).Select(i =>
            Enumerable.Range(0, Slices).Sum(slice => slices[slice * Outputs * Columns + i]))];

    public double[] Expected(bool isActivated = false)
    {
        var expected = new double[Outputs * Columns];
        for (int i = 0; i < expected.Length; i++)
        {
            int k = i / Columns, tap = i % Columns / _c, c = i % _c;
            for (int pixel = 0; pixel < Pixels; pixel++)
            {
                int n = pixel / (_p * _q), h = pixel / _q % _p * _stride + tap / S - Pad, w = pixel % _q * _stride + tap % S - Pad;
                if (h < 0 || h >= H || w < 0 || w >= W)
                    continue;
                double value = _x[((n * H + h) * W + w) * _c + c];
                if (isActivated)
                    value = Prologue.Activated(value, _factors[n * 2 * _c + c], _factors[n * 2 * _c + _c + c], _shape);
                expected[i] += _dy[pixel * Outputs + k] * value;
            }
        }
        return expected;
    }
}
