using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Products;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>wgrad on tensor cores: see <see cref="WgradKernel"/>.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>The sum over the pixels in slices; the bias is not its business.</summary>
    private bool TensorWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw)
    {
        bool isActivated = prologue.ScaleShift is not null, aligned = AreAligned(x, prologue.ScaleShift, dy, dw);
        var precision = isActivated ? ConvolutionPlan.ChooseWgrad(Precision, s.C, s.K, aligned)
            : ConvolutionPlan.Choose(Precision, aligned);
        NoticePrecision("wgrad", s.C, s.K, precision);
        if (precision == Precision.Fp32 || s.N == 0)
            return precision != Precision.Fp32;
        using Tensor? factorX = isActivated ? null : Factors(precision, x, s.C), factorDy = Factors(precision, dy, s.K);
        var shape = ShapeOf(precision);
        int channels = ConvolutionPlan.Padded(precision, s.C), depth = shape.StepDepth, pixels = s.N * s.P * s.Q;
        var g = new WgradArguments
        {
            X = Address(factorX ?? x),
            Dy = Address(factorDy ?? dy),
            Factors = AddressOrZero(prologue.ScaleShift),
            Pixels = pixels,
            Outputs = s.K,
            Columns = s.R * s.S * channels,
            SourceBytes = channels * shape.ValueBytes,
            OutputBytes = ConvolutionPlan.Padded(precision, s.K) * shape.ValueBytes,
            Height = s.P,
            Width = s.Q,
            SourceHeight = s.H,
            SourceWidth = s.W,
            KernelColumns = s.S,
            Stride = s.Stride,
            Pad = s.PadBegin,
            StepN = depth / (s.P * s.Q),
            StepP = depth / s.Q % s.P,
            StepQ = depth % s.Q,
            ShiftBytes = s.C * sizeof(float),
            Slope = Activation.SlopeOf(prologue.Silu),
            Offset = Activation.OffsetOf(prologue.Silu),
        };
        var problem = new TensorProblem(g.Outputs, g.Columns, (pixels + depth - 1) / depth,
            isActivated ? TensorOperation.ActivatedWgrad : TensorOperation.Wgrad);
        var key = new TuningKey(isActivated ? "activated wgrad" : "wgrad", precision, problem.M, problem.N, problem.Steps, s.R * s.S,
            s.Stride);
        if (!IsDecided(key, out var choice))
            choice = DecideWgrad(key, problem, g, channels, dw.Shape);
        LaunchWgrad(choice, precision, problem, g, channels, dw);
        return true;
    }

    /// <summary>dw is added to: trials add to scratch memory.</summary>
    private TileChoice DecideWgrad(in TuningKey key, TensorProblem problem, WgradArguments g, int channels, Shape weights)
    {
        var precision = key.Precision;
        using var scratch = _tuner is null ? Empty(new Shape(0)) : Zeros(weights);
        return Decide(key, problem, choice => LaunchWgrad(choice, precision, problem, g, channels, scratch));
    }

    /// <summary>Slices into scratch memory, then their sum in a fixed order.</summary>
    private void LaunchWgrad(TileChoice choice, Precision precision, in TensorProblem problem, WgradArguments g, int channels, Tensor dw)
    {
        using var partial = Empty(new Shape(choice.Slices, g.Outputs, g.Columns));
        g.Partial = Address(partial);
        g.StepsPerSlice = (problem.Steps + choice.Slices - 1) / choice.Slices;
        var tile = TensorPlan.Find(choice.Tile);
        g.Tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        LaunchWritten(new WgradKernel(tile, ShapeOf(precision), problem.IsActivated), Threads((long)g.Tiles * choice.Slices), g);
        SumSlices(partial, choice.Slices, channels, dw);
    }

    /// <summary>dw += the slices, in order; they have <paramref name="channels"/> where dw may have fewer.</summary>
    internal void SumSlices(Tensor partial, int slices, int channels, Tensor dw)
    {
        if (partial.Length == slices * dw.Length)
            Launch(SumSlicesKernel, dw.Length / 4, View4(partial), slices, View4(dw));
        else
            Launch(SumPaddedSlicesKernel, dw.Length, View(partial), slices, dw.Shape[dw.Shape.Rank - 1], channels,
                partial.Length / slices, View(dw));
    }

    /// <summary>
    /// dw[i] += sum over slices of partial[slice, i], in order. One thread for four weights; 16 (slices + 2) bytes moved.
    /// </summary>
    [Kernel]
    internal static void SumSlicesKernel(Index1D i, ArrayView<Float4> partial, int slices, ArrayView<Float4> dw)
    {
        int stride = dw.IntLength;
        var sum = partial[i];
        for (int s = 1; s < slices; s++)
            Float4.AddScaled(ref sum, 1f, partial[s * stride + i]);
        var total = dw[i];
        Float4.AddScaled(ref total, 1f, sum);
        dw[i] = total;
    }

    /// <summary>
    /// The same where slices have <paramref name="padded"/> channels and dw only the first <paramref name="channels"/> of them:
    /// <paramref name="stride"/> elements of a slice. One thread a weight; 4 (slices + 2) bytes moved.
    /// </summary>
    [Kernel]
    internal static void SumPaddedSlicesKernel(Index1D i, ArrayView<float> partial, int slices, int channels, int padded, int stride,
        ArrayView<float> dw)
    {
        int row = i / channels, from = row * padded + (i - row * channels);
        float sum = partial[from];
        for (int s = 1; s < slices; s++)
            sum += partial[s * stride + from];
        dw[i] += sum;
    }
}
