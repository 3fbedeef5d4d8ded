using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>A 3x3 convolution or dgrad with all that an epilogue adds, on random tensors, and its result in double precision.</summary>
internal sealed class ConvolutionProblem
{
    private const int N = 2, R = 3, S = 3, Pad = 1;

    private readonly bool _isDgrad;
    private readonly int _slices;
    private readonly int _stride, _height, _width, _sourceHeight, _sourceWidth;
    private readonly MmaShape _shape;
    private readonly float[] _x, _weights, _bias, _embedding, _residual, _factors;

    /// <param name="shape">TF32 or BF16.</param>
    /// <param name="isDgrad">Whether the result is dx.</param>
    /// <param name="stride">Of the convolution.</param>
    /// <param name="height">Of the image.</param>
    /// <param name="width">Of the image.</param>
    /// <param name="c">Its channels.</param>
    /// <param name="k">Channels of the convolution's result.</param>
    /// <param name="slices">Of the sum; with more than one there is no epilogue.</param>
    public ConvolutionProblem(MmaShape shape, bool isDgrad, int stride, int height = 7, int width = 6, int c = 24, int k = 40,
        int slices = 1)
    {
        _slices = slices;
        int p = Out(height, stride), q = Out(width, stride);
        // Source [N, h, w, c]; result [N, height, width, o]; weights [o, R, S, c].
        (_sourceHeight, _sourceWidth, Source) = isDgrad ? (p, q, k) : (height, width, c);
        (_height, _width, Channels) = isDgrad ? (height, width, c) : (p, q, k);
        (_shape, _isDgrad, _stride) = (shape, isDgrad, stride);
        var random = new Random(1);
        float[] Some(int count) => WrittenLaunch.Rounded(random, count, shape);
        _x = Some(N * _sourceHeight * _sourceWidth * Source);
        _weights = Some(Channels * R * S * Source);
        _bias = Some(Channels);
        _embedding = Some(N * Channels);
        _residual = Some(N * _height * _width * Channels);
        _factors = Some(N * 2 * Source);
    }

    public static int Taps => R * S;

    /// <summary>Channels of the source.</summary>
    public int Source { get; }

    /// <summary>Channels of the result.</summary>
    public int Channels { get; }

    public int Pixels => N * _height * _width;

    /// <summary>Elements of the result.</summary>
    public int Length => _residual.Length;

    public static int Out(int size, int stride) => (size + 2 * Pad - R) / stride + 1;

    /// <param name="gpu">Where the tensors go.</param>
    /// <param name="isActivated">Whether there is a prologue.</param>
    /// <param name="isRounded">Whether residual and result are BF16.</param>
    public ConvolutionArguments Arguments(WrittenLaunch gpu, bool isActivated = false, bool isRounded = false) => new()
    {
        X = isActivated ? gpu.Put(_x) : gpu.Put(_x, _shape),
        W = gpu.Put(_weights, _shape),
        Y = gpu.Empty(_slices * Length),
        Bias = gpu.Put(_bias),
        Embedding = gpu.Put(_embedding),
        Residual = isRounded ? gpu.Put(_residual, _shape) : gpu.Put(_residual),
        Factors = gpu.Put(_factors),
        Pixels = Pixels,
        Channels = Channels,
        Height = _height,
        Width = _width,
        SourceHeight = _sourceHeight,
        SourceWidth = _sourceWidth,
        SourceBytes = Source * 32 / _shape.Depth,
        Rows = R,
        Columns = S,
        Stride = _stride,
        Pad = Pad,
        Silu = 1,
        ShiftBytes = 4 * Source,
        Scale = 0.7f,
        Slope = Prologue.MinusLog2E,
    };

    /// <summary>With a result far from 0, unactivated, whose moments are asked for.</summary>
    public ConvolutionArguments Measured(WrittenLaunch gpu, bool isActivated = false, bool isRounded = false)
    {
        for (int i = 0; i < Channels; i++)
            _bias[i] = 500 + i;
        return Arguments(gpu, isActivated, isRounded) with { Silu = 0, Moments = gpu.Empty(Length / MomentsShape.BlockPixels) };
    }

    /// <summary>
    /// The result against the oracle, which knows nothing of SiLU here; the moments against those of the very values that were stored, mean
    /// and squares each to its own size.
    /// </summary>
    public void CheckMeasured(WrittenLaunch gpu, in ConvolutionArguments arguments, bool isActivated = false, bool isRounded = false)
    {
        float[] y = isRounded ? gpu.GetRounded(arguments.Y, Length) : gpu.Get(arguments.Y, Length);
        double[] expected = Expected(isActivated, silu: false);
        Assert.That(isRounded ? WrittenLaunch.WorstRounded(y, expected) : WrittenLaunch.Worst(y, expected), Is.LessThan(2e-5));
        var shape = new MomentsShape(N, _height * _width, Channels);
        double[] moments = new double[shape.Moments.Length];
        MomentsCases.Of(shape, Array.ConvertAll(y, v => (double)v), moments);
        float[] got = gpu.Get(arguments.Moments, moments.Length);
        for (int i = 0; i < moments.Length; i += 2)
        {
            Assert.That(got[i], Is.EqualTo(moments[i]).Within(2e-7 * Math.Abs(moments[i])), $"mean of block {i / 2}");
            // Deviations are exact but for the mean's rounding, a 2^-24th of 350.
            Assert.That(got[i + 1], Is.EqualTo(moments[i + 1]).Within(2e-4 * moments[i + 1] + 1e-4), $"squares of block {i / 2}");
        }
    }

    public double[] Expected(bool isActivated = false, bool silu = true)
    {
        int c = Source, o = Channels;
        var expected = new double[Length];
        for (int i = 0; i < expected.Length; i++)
        {
            int n = i / (_height * _width * o), row = i / (_width * o) % _height, column = i / o % _width, channel = i % o;
            double sum = _slices > 1 ? 0 : _bias[channel] + _embedding[n * o + channel] + _residual[i];
            for (int tap = 0; tap < Taps; tap++)
            {
                var (v, u, isThere) = _isDgrad ? Whole(row + Pad - tap / S, column + Pad - tap % S)
                    : (row * _stride + tap / S - Pad, column * _stride + tap % S - Pad, true);
                if (!isThere || v < 0 || v >= _sourceHeight || u < 0 || u >= _sourceWidth)
                    continue;
                for (int k = 0; k < c; k++)
                {
                    double value = _x[((n * _sourceHeight + v) * _sourceWidth + u) * c + k];
                    if (isActivated)
                        value = Prologue.Activated(value, _factors[n * 2 * c + k], _factors[n * 2 * c + c + k], _shape);
                    sum += value * _weights[(channel * Taps + tap) * c + k];
                }
            }
            expected[i] = _slices > 1 ? sum : silu ? Prologue.Silu(0.7 * sum) : 0.7 * sum;
        }
        return expected;
    }

    /// <summary>The source of a transposed tap, where it is a whole number of strides away.</summary>
    private (int V, int U, bool IsThere) Whole(int v, int u) => (v / _stride, u / _stride, v % _stride == 0 && u % _stride == 0);
}
