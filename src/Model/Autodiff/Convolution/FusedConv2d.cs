using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial record Fusion
{
    /// <summary>Embedding, residual and its scale in the convolution's registers; for a 1x1 convolution too.</summary>
    public static Fusion ConvEpilogue { get; } = new("conv-epilogue",
        does: "embedding, residual and its scale in the convolution's registers",
        instead: "a launch each over the convolution's output",
        saves: "a launch and two trips of the output for each of the two");

    /// <summary>
    /// GroupNorm's scale, shift and SiLU while the convolution loads its input. Without <see cref="GroupNormSilu"/>, or with dropout
    /// between, the normalised activation is there anyway.
    /// </summary>
    public static Fusion ConvPrologue { get; } = new("conv-prologue",
        does: "GroupNorm's scale and shift with SiLU while the convolution loads x, forward and wgrad",
        instead: "GroupNorm and SiLU written, read and kept",
        saves: "one writing of an activation, and one that is kept",
        notUsual: "saves memory and costs time in training");

    /// <summary>Resampling and convolution as one.</summary>
    public static Fusion ResampleConv { get; } = new("resample-conv",
        does: "up: 2x2 taps on the small image; down: means in the load",
        instead: "resampled image written, read and kept",
        saves: "up: four trips of the large image; down, with the prologue: three quarters of one, and what is kept");

    /// <summary>
    /// The statistics of a group normalisation behind a convolution (and its residual sum) from the convolution's registers.
    /// </summary>
    public static Fusion ConvMoments { get; } = new("conv-moments",
        does: "mean and squared deviations of each 16 pixels and 2 channels beside the convolution's output, merged by the next GroupNorm",
        instead: "GroupNorm reads its input for the statistics, and again for the result",
        saves: "one reading of an activation for each GroupNorm behind a convolution, for a 16th of it (in BF16 an 8th) written and read");
}

/// <summary>A group normalisation in front of a convolution.</summary>
/// <param name="Gamma">[C]</param>
/// <param name="Beta">[C]</param>
/// <param name="Groups">A divisor of C.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Silu">Whether SiLU follows.</param>
/// <param name="ScaleShift">[N,2C] of each sample, or none.</param>
public readonly record struct NormalizationBefore(Parameter Gamma, Parameter Beta, int Groups, float Epsilon, bool Silu,
    Variable? ScaleShift = null);

/// <summary>What is around a convolution: y = (conv(resample(norm(x))) + bias + embedding + residual) * scale.</summary>
/// <param name="Norm">Or none.</param>
/// <param name="Resampling">Of the normalised input.</param>
/// <param name="Embedding">[N,K], added to every pixel; or none.</param>
/// <param name="Residual">As y; or none.</param>
/// <param name="Scale">Multiplies the sum; 1 without a residual.</param>
/// <param name="Result">The element type of y, if not the tape's: a network's last layer writes float32.</param>
/// <param name="IsNormalisedNext">Whether a group normalisation reads y, or what y is concatenated with another such result to: it finds
/// y's moments beside it (<see cref="Fusion.ConvMoments"/>).</param>
public readonly record struct Surroundings(NormalizationBefore? Norm = null, Resampling Resampling = Resampling.None,
    Variable? Embedding = null,
    Variable? Residual = null, float Scale = 1f, ElementType? Result = null, bool IsNormalisedNext = false)
{
    /// <summary>Which parts there are.</summary>
    internal ConvolutionParts Parts => (Norm is null ? ConvolutionParts.None : ConvolutionParts.Prologue)
        | (Resampling == Resampling.None ? ConvolutionParts.None : ConvolutionParts.Resampling)
        | (Embedding is null && Residual is null && Scale == 1f ? ConvolutionParts.None : ConvolutionParts.Epilogue)
        | (IsNormalisedNext ? ConvolutionParts.Moments : ConvolutionParts.None);

    /// <summary>These parts alone.</summary>
    internal Surroundings Within(ConvolutionParts parts)
    {
        bool epilogue = parts.HasFlag(ConvolutionParts.Epilogue);
        return new(parts.HasFlag(ConvolutionParts.Prologue) ? Norm : null,
            parts.HasFlag(ConvolutionParts.Resampling) ? Resampling : Resampling.None,
            epilogue ? Embedding : null, epilogue ? Residual : null, epilogue ? Scale : 1f, Result,
            parts.HasFlag(ConvolutionParts.Moments));
    }
}

public sealed partial class Tape
{
    /// <summary>
    /// A convolution of stride 1, output as large as its input, with what is around it: in its own kernels as far as the fusions
    /// <see cref="Fusion.ConvPrologue"/>, <see cref="Fusion.ResampleConv"/>, <see cref="Fusion.ConvEpilogue"/> and
    /// <see cref="Fusion.ConvMoments"/> are on and the device has them (<see cref="SurroundingsPlan"/>), else as operations of their own.
    /// Saves x, and with the prologue [N,2C] factors: the normalised input is computed again from them, whoever needs it.
    /// </summary>
    /// <param name="x">[N,H,W,C]; the caller drops it.</param>
    /// <param name="weight">[K,R,R,C], R odd.</param>
    /// <param name="bias">[K]</param>
    /// <param name="around">Its embedding and residual are the caller's to drop.</param>
    public Variable Conv2d(Variable x, Parameter weight, Parameter bias, in Surroundings around)
    {
        var type = around.Result ?? ActivationType;
        if (around.Residual is { } other && other.Type != type)
        {
            var converted = Convert(other, type);
            var sum = Conv2d(x, weight, bias, around with { Residual = converted });
            Drop(converted);
            return sum;
        }
        int n = x.Shape[0], h = Resized(x.Shape[1], around.Resampling), w = Resized(x.Shape[2], around.Resampling);
        var shape = Conv2dShape.Same(n, h, w, x.Shape[3], weight.Shape[0], weight.Shape[1]);
        // A part that is apart is rounded in BF16, one within the launch is not: a block that is run again must not come to other bits.
        bool isKept = Recording || type != ElementType.Float32;
        var request = new SurroundingsRequest(around.Parts, around.Resampling, Fused(around), isKept);
        var plan = SurroundingsPlan.Of(request, Backend.SupportOf(shape, around.Resampling));
        var u = x;
        if (plan.IsApart(ConvolutionParts.Prologue) && around.Norm is { } norm)
            u = GroupNorm(x, norm.Gamma, norm.Beta, norm.Groups, norm.Epsilon, norm.Silu, norm.ScaleShift);
        if (plan.IsApart(ConvolutionParts.Resampling))
        {
            var resized = around.Resampling == Resampling.Up ? Upsample(u) : Downsample(u);
            if (u != x)
                Drop(u);
            u = resized;
        }
        var y = plan.Forward == ConvolutionParts.None
            ? Conv2d(shape, shape.Output, u, weight, bias, type)
            : FusedConv2d(plan, shape, u, weight, bias, around.Within(plan.Forward));
        if (u != x)
            Drop(u);
        if (plan.IsApart(ConvolutionParts.Epilogue) && around.Embedding is { } embedding)
            Replace(ref y, BroadcastAdd(y, embedding));
        if (plan.IsApart(ConvolutionParts.Epilogue) && around.Residual is { } residual)
            Replace(ref y, Add(y, residual, around.Scale));
        return y;
    }

    /// <summary>What the fusions that are on let the launch do. SiLU on its own means that the normalised input is there anyway.</summary>
    private ConvolutionParts Fused(in Surroundings around)
    {
        var on = Execution.Fusions;
        bool prologue = on.Has(Fusion.ConvPrologue) && (around.Norm is not { Silu: true } || on.Has(Fusion.GroupNormSilu));
        return (prologue ? ConvolutionParts.Prologue : ConvolutionParts.None)
            | (on.Has(Fusion.ResampleConv) ? ConvolutionParts.Resampling : ConvolutionParts.None)
            | (on.Has(Fusion.ConvEpilogue) ? ConvolutionParts.Epilogue : ConvolutionParts.None)
            | (on.Has(Fusion.ConvMoments) ? ConvolutionParts.Moments : ConvolutionParts.None);
    }

    private static int Resized(int extent, Resampling resampling) => resampling switch
    {
        Resampling.Up => 2 * extent,
        Resampling.Down => extent / 2,
        _ => extent,
    };

    private Variable FusedConv2d(
        in SurroundingsPlan plan, in Conv2dShape shape, Variable x, Parameter weight, Parameter bias, in Surroundings a)
    {
        bool trained = weight.Gradient is not null || a.Norm is { Gamma.Gradient: not null } or { ScaleShift.RequiresGradient: true };
        var y = Output(shape.Output,
            trained || x.RequiresGradient || a.Embedding is { RequiresGradient: true } || a.Residual is { RequiresGradient: true },
            a.Result ?? ActivationType);
        if (a.IsNormalisedNext)
            y.Measured(Backend.Empty(shape.OutputBlocks.Moments));
        Tensor? factors = null, stats = null;
        GroupNormShape normShape = default;
        if (a.Norm is { } norm)
        {
            normShape = new GroupNormShape(x.Shape[0], x.Shape[1] * x.Shape[2], x.Shape[3], norm.Groups, norm.Epsilon, norm.Silu);
            (factors, stats) = (Scratch(normShape.ScaleShift), Scratch(normShape.Stats));
            Backend.GroupNormFactors(normShape, x.Data, norm.Gamma.Value, norm.Beta.Value, norm.ScaleShift?.Data, factors, stats,
                MomentsFor(normShape, x));
        }
        var prologue = new ConvolutionPrologue(factors, a.Norm is { Silu: true }, a.Resampling);
        Backend.FusedConv2d(plan, shape, x.Data, weight.Value, prologue,
            new ConvolutionEpilogue(bias.Value, a.Embedding?.Data, a.Residual?.Data, a.Scale, Moments: y.Moments), y.Data);
        return Record(y, new FusedConv2dNode(plan, shape, x, weight, bias, a, prologue, normShape, stats, y));
    }

    private sealed class FusedConv2dNode : Node
    {
        private readonly SurroundingsPlan _plan;
        private readonly Conv2dShape _shape;
        private readonly Variable _x;
        private readonly Parameter _weight, _bias;
        private readonly Surroundings _around;
        private readonly ConvolutionPrologue _prologue;
        private readonly GroupNormShape _normShape;
        private readonly Tensor? _stats;

        public FusedConv2dNode(in SurroundingsPlan plan, in Conv2dShape shape, Variable x, Parameter weight, Parameter bias,
            in Surroundings around, in ConvolutionPrologue prologue, in GroupNormShape normShape, Tensor? stats, Variable y)
            : base(y)
        {
            (_plan, _shape, _x, _weight, _bias, _around) = (plan, shape, x, weight, bias, around);
            (_prologue, _normShape, _stats) = (prologue, normShape, stats);
            if (SavesInput)
                x.Save();
            around.Norm?.ScaleShift?.Save();
        }

        private bool SavesInput => _weight.Gradient is not null || _around.Norm is not null;

        public override void Backward(Tape tape, Tensor dy)
        {
            // d = scale dy is the gradient of the convolution's sum and of all that was added to it; dy itself where no one else looks at
            // it.
            var d = Output.TakeGradient()!;
            tape._scratch.Add(d);
            if (_around.Scale != 1f)
            {
                var scaled = d.IsShared ? tape.Scratch(d.Shape, d.Type) : d;
                tape.Backend.Scale(d, _around.Scale, scaled);
                if (scaled != d)
                    d.Dispose();
                d = scaled;
            }
            if (_around.Embedding is { RequiresGradient: true } embedding)
            {
                var de = tape.Scratch(embedding);
                tape.Backend.BroadcastAddBackward(d, de);
                tape.Contribute(embedding, de);
            }
            if (_weight.Gradient is { } dw)
                tape.Backend.FusedConv2dWgrad(_plan, _shape, _x.Data, _prologue, d, dw, _bias.Gradient);
            if (_x.RequiresGradient || _around.Norm is not null)
            {
                var dx = tape.Scratch(_x);
                tape.Backend.FusedConv2dDgrad(_plan, _shape, d, _weight.Value, _prologue.Resampling, dx);
                if (_around.Norm is { } norm)
                    Normalised(tape, norm, dx);
                else
                    tape.Contribute(_x, dx);
            }
            if (_around.Residual is { } residual)
                tape.Contribute(residual, d);
            else
                d.Dispose();
        }

        /// <summary>From the gradient of the normalised input to that of the input.</summary>
        private void Normalised(Tape tape, in NormalizationBefore norm, Tensor dv)
        {
            var dx = tape.Scratch(_x);
            var dscaleShift = norm.ScaleShift is null ? null : tape.Scratch(norm.ScaleShift);
            var dgamma = norm.Gamma.Gradient ?? tape.UnusedGradient(norm.Gamma.Shape);
            var dbeta = norm.Beta.Gradient ?? tape.UnusedGradient(norm.Beta.Shape);
            tape.Backend.GroupNormBackward(_normShape, dv, _x.Data, _stats!, norm.Gamma.Value, norm.Beta.Value, norm.ScaleShift?.Data,
                dx, dgamma, dbeta, dscaleShift);
            dv.Dispose();
            if (norm.Gamma.Gradient is null)
                dgamma.Dispose();
            if (norm.Beta.Gradient is null)
                dbeta.Dispose();
            tape.Contribute(_x, dx);
            if (norm.ScaleShift is not null)
                tape.Contribute(norm.ScaleShift, dscaleShift!);
        }

        public override void Release()
        {
            if (SavesInput)
                _x.Release();
            _around.Norm?.ScaleShift?.Release();
            _prologue.ScaleShift?.Dispose();
            _stats?.Dispose();
        }
    }
}
