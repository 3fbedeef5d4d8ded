using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ilgpu;

/// <summary>Convolutions and dgrad on tensor cores: see <see cref="ConvolutionKernel"/>.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Forward on tensor cores: true if it was done, false where the shape or the precision asks for the ordinary kernels.
    /// </summary>
    private bool TensorConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue p, in ConvolutionEpilogue e, Tensor y)
    {
        bool aligned = AreAligned(x, w, y, p.ScaleShift, e.Bias, e.Embedding, e.Residual, e.Moments);
        var precision = p.ScaleShift is null ? ConvolutionPlan.Choose(Precision, aligned)
            : ConvolutionPlan.Choose(Precision, s.C, s.K, aligned);
        NoticePrecision("convolution", s.C, s.K, precision);
        if (precision == Precision.Fp32)
            return false;
        using var weights = Weights(precision, s, w, isExchanged: false);
        TensorGemm(precision, ImagePass.Forward(s), x, weights.Values, p, e, y);
        return true;
    }

    /// <summary>dgrad on tensor cores: the same sum with the weights' two channel axes exchanged.</summary>
    private bool TensorDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        var precision = ConvolutionPlan.Choose(Precision, AreAligned(dy, dx));
        NoticePrecision("dgrad", s.K, s.C, precision);
        if (precision == Precision.Fp32)
            return false;
        using var crsk = Weights(precision, s, w, isExchanged: true);
        TensorGemm(precision, ImagePass.Dgrad(s), dy, crsk.Values, default, new ConvolutionEpilogue(null), dx);
        return true;
    }

    /// <param name="precision">Of the products.</param>
    /// <param name="pass">Forward or dgrad.</param>
    /// <param name="x">Source.</param>
    /// <param name="w">Weights as the kernels copy them (<see cref="Weights"/>).</param>
    /// <param name="prologue">Of x; then it is copied as it is.</param>
    /// <param name="e">What comes behind the sum.</param>
    /// <param name="y">Result.</param>
    private void TensorGemm(Precision precision, in ImagePass pass, Tensor x, Tensor w, in ConvolutionPrologue prologue,
        in ConvolutionEpilogue e, Tensor y)
    {
        if (y.Type == ElementType.BFloat16 && pass.Channels % 2 != 0)
        {
            // Two channels are stored at once: what has an odd number is rounded in a pass of its own.
            using Tensor sum = Empty(y.Shape), residual = Empty(e.Residual?.Shape ?? new Shape(0));
            if (e.Residual is not null)
                ConvertCore(e.Residual, residual);
            TensorGemm(precision, pass, x, w, prologue, e with { Residual = e.Residual is null ? null : residual }, sum);
            ConvertCore(sum, y);
            return;
        }
        if (y.Length == 0)
            return;
        bool isActivated = prologue.ScaleShift is not null;
        var shape = ShapeOf(precision);
        using var factorX = isActivated ? null : Factors(precision, x, pass.SourceChannels);
        var g = new ConvolutionArguments
        {
            X = Address(factorX ?? x),
            W = Address(w),
            Y = Address(y),
            Bias = AddressOrZero(e.Bias),
            Embedding = AddressOrZero(e.Embedding),
            Residual = AddressOrZero(e.Residual),
            Factors = AddressOrZero(prologue.ScaleShift),
            Moments = AddressOrZero(e.Moments),
            Pixels = pass.Pixels,
            Channels = pass.Channels,
            Height = pass.Height,
            Width = pass.Width,
            SourceHeight = pass.SourceHeight,
            SourceWidth = pass.SourceWidth,
            SourceBytes = ConvolutionPlan.Padded(precision, pass.SourceChannels) * shape.ValueBytes,
            Rows = pass.Shape.R,
            Columns = pass.Shape.S,
            Stride = pass.Shape.Stride,
            Pad = pass.Shape.PadBegin,
            Silu = e.Silu ? 1 : 0,
            Scale = e.Scale,
            ShiftBytes = pass.SourceChannels * sizeof(float),
            Slope = Activation.SlopeOf(prologue.Silu),
            Offset = Activation.OffsetOf(prologue.Silu),
        };
        var problem = new TensorProblem(g.Pixels, g.Channels, g.Rows * g.Columns * Steps(g.SourceBytes),
            isActivated ? TensorOperation.ActivatedConvolution : TensorOperation.Convolution,
            OnWarpgroups: IsHopper && !isActivated && g.Channels % 2 == 0, Taps: g.Rows * g.Columns);
        var key = new TuningKey(isActivated ? "activated" : pass.IsDgrad ? "dgrad" : "forward", precision, problem.M, problem.N,
            problem.Steps, g.Rows * g.Columns, g.Stride);
        if (!IsDecided(key, out var choice))
            choice = DecideConvolution(key, problem, g, pass.IsDgrad, e, y);
        LaunchConvolution(choice, shape, g, pass.IsDgrad, e, y);
    }

    /// <summary>The result is overwritten: a trial leaves nothing behind, unless the residual may lie where the result does.</summary>
    private TileChoice DecideConvolution(in TuningKey key, TensorProblem problem, ConvolutionArguments g, bool isDgrad,
        ConvolutionEpilogue e, Tensor y)
    {
        var shape = ShapeOf(key.Precision);
        using var scratch = _tuner is null || e.Residual is null ? null : Empty(y.Shape, y.Type);
        if (scratch is not null)
            g.Y = Address(scratch);
        var result = scratch ?? y;
        return Decide(key, problem, choice => LaunchConvolution(choice, shape, g, isDgrad, e, result));
    }

    private void LaunchConvolution(TileChoice choice, MmaShape shape, ConvolutionArguments g, bool isDgrad, in ConvolutionEpilogue e,
        Tensor y)
    {
        var tile = TensorPlan.Find(choice.Tile);
        int steps = g.Rows * g.Columns * Steps(g.SourceBytes, tile is WarpgroupTile ? WarpgroupTile.StepBytes : ProductTile.StepBytes);
        g.StepsPerSlice = (steps + choice.Slices - 1) / choice.Slices;
        // Longer steps may need fewer slices.
        int slices = (steps + g.StepsPerSlice - 1) / g.StepsPerSlice;
        g.Tiles = Threads((long)((g.Pixels + tile.Rows - 1) / tile.Rows) * ((g.Channels + tile.Columns - 1) / tile.Columns));
        using var partial = slices > 1 ? Empty(new Shape(slices, g.Pixels, g.Channels)) : null;
        if (partial is not null)
            g.Y = Address(partial);
        // A sum of slices is rounded and measured behind them.
        bool isSliced = partial is not null, isRounded = !isSliced && y.Type == ElementType.BFloat16,
            isMeasured = !isSliced && g.Moments != 0;
        int groups = Threads((long)g.Tiles * slices);
        if (tile is WarpgroupTile wide)
        {
            var kernel = new WarpgroupConvolutionKernel(wide, shape, isDgrad, isSliced, isRounded, isMeasured);
            var weights = kernel.Weights(g.W, g.Channels, g.Rows * g.Columns, g.SourceBytes / shape.ValueBytes);
            LaunchWritten(kernel, Math.Min(groups, Resident(kernel)), new WarpgroupConvolutionArguments
            {
                Weights = MapOf(weights),
                Problem = g,
            });
        }
        else
        {
            LaunchWritten(new ConvolutionKernel((ProductTile)tile, shape, isDgrad, g.Factors != 0, isSliced,
                g.Channels % 2 != 0, isRounded, isMeasured),
                groups, g);
        }
        if (partial is not null)
            SumConvolution(partial, slices, g.Channels, g.Height * g.Width, e, y);
    }

    /// <summary>Groups of a persistent kernel: as many as the GPU's shared memory holds at once.</summary>
    private int Resident(IWrittenKernel kernel) =>
        Multiprocessors * Math.Max(1, (SharedLimit + SystemSharedBytes) / (kernel.SharedBytes + SystemSharedBytes));

    /// <summary>Of a group's shared memory, what the system takes.</summary>
    private const int SystemSharedBytes = 1024;

    private static int Steps(long bytes, int stepBytes = ProductTile.StepBytes) => (int)((bytes + stepBytes - 1) / stepBytes);
}
