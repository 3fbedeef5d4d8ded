using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Hopper;
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
        int channels = ConvolutionPlan.Padded(precision, s.C), pixels = s.N * s.P * s.Q;
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
            ShiftBytes = s.C * sizeof(float),
            Slope = Activation.SlopeOf(prologue.Silu),
            Offset = Activation.OffsetOf(prologue.Silu),
        };
        var problem = new TensorProblem(g.Outputs, g.Columns, (pixels + shape.StepDepth - 1) / shape.StepDepth,
            isActivated ? TensorOperation.ActivatedWgrad : TensorOperation.Wgrad,
            OnWarpgroups: IsHopper && !isActivated && precision == Precision.Bf16);
        var key = new TuningKey(isActivated ? "activated wgrad" : "wgrad", precision, problem.M, problem.N, problem.Steps, s.R * s.S,
            s.Stride);
        if (!IsDecided(key, out var choice))
            choice = DecideWgrad(key, problem, g, channels, dw.Shape);
        LaunchWgrad(choice, shape, g, channels, dw);
        return true;
    }

    /// <summary>dw is added to: trials add to scratch memory.</summary>
    private TileChoice DecideWgrad(in TuningKey key, TensorProblem problem, WgradArguments g, int channels, Shape weights)
    {
        var shape = ShapeOf(key.Precision);
        using var scratch = _tuner is null ? Empty(new Shape(0)) : Zeros(weights);
        return Decide(key, problem, choice => LaunchWgrad(choice, shape, g, channels, scratch));
    }

    /// <summary>Slices into scratch memory, then their sum in a fixed order.</summary>
    private void LaunchWgrad(TileChoice choice, MmaShape shape, WgradArguments g, int channels, Tensor dw)
    {
        var tile = TensorPlan.Find(choice.Tile);
        var wide = tile is WarpgroupTile warpgroups ? new WarpgroupWgradKernel(warpgroups) : null;
        int depth = wide?.StepPixels ?? shape.StepDepth, steps = (g.Pixels + depth - 1) / depth;
        g.StepsPerSlice = (steps + choice.Slices - 1) / choice.Slices;
        // Longer steps may need fewer slices.
        int slices = (steps + g.StepsPerSlice - 1) / g.StepsPerSlice;
        (g.StepN, g.StepP, g.StepQ) = (depth / (g.Height * g.Width), depth / g.Width % g.Height, depth % g.Width);
        g.Tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        using var partial = Empty(new Shape(slices, g.Outputs, g.Columns));
        g.Partial = Address(partial);
        int groups = Threads((long)g.Tiles * slices);
        if (wide is null)
            LaunchWritten(new WgradKernel((ProductTile)tile, shape, g.Factors != 0), groups, g);
        else
            LaunchWritten(wide, groups, new WarpgroupWgradArguments
            {
                Gradient = MapOf(wide.Dy(g.Dy, g.Pixels, g.OutputBytes / shape.ValueBytes)),
                Problem = g,
            });
        SumSlices(partial, slices, channels, dw);
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
