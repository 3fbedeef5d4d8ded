using BDense.Kernels.Reference.Convolution;

namespace BDense.Kernels.Reference;

public unsafe partial class ReferenceBackend
{
    /// <remarks>
    /// Before an upsampling scale and shift are left to a pass of their own: its four passes of 2x2 taps would each compute them. Means
    /// of 2x2 blocks are taken in the load, forward and wgrad. Moments are none of it: a normalisation finds a sample in the cache for its
    /// second pass and reads it from memory once as it is. A plan that has them within is obeyed nevertheless.
    /// </remarks>
    public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) => SupportFor(s, resampling);

    internal static ConvolutionSupport SupportFor(in Conv2dShape s, Resampling resampling)
    {
        if (resampling != Resampling.Up)
        {
            return new(ConvolutionParts.Prologue | ConvolutionParts.Resampling | ConvolutionParts.Epilogue, ConvolutionParts.None,
                ConvolutionParts.Prologue | ConvolutionParts.Resampling);
        }
        var up = IsUpsampled(s, resampling) ? ConvolutionParts.Resampling : ConvolutionParts.None;
        return new(up | ConvolutionParts.Epilogue, up, up);
    }

    /// <remarks>
    /// One <see cref="ConvolutionPass"/>, or four after an upsampling. Scale and embedding go into the bias that sums start from, the
    /// residual takes the place of the partial sums of the first step of depth, and SiLU follows while a task's output is in its cache.
    /// </remarks>
    private protected override void FusedConv2dCore(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue,
        in ConvolutionEpilogue epilogue, Tensor y)
    {
        if (prologue is { Resampling: Resampling.Up, ScaleShift: not null })
            throw NoLaunch(s, prologue, epilogue, nameof(FusedConv2d));
        if (prologue.Resampling == Resampling.Up)
            Phases(UpsampledShape(s), x, w, y, epilogue);
        else
            Forward(s, x, w, InputOf(s, prologue), epilogue, y);
        if (epilogue.Moments is { } moments)
            MomentsCore(s.OutputBlocks, y, moments);
    }

    private protected override void FusedConv2dWgradCore(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw,
        Tensor? dbias) =>
        Wgrad(s, x, InputOf(s, prologue), dy, dw, dbias);

    private static ConvolutionInput InputOf(in Conv2dShape s, in ConvolutionPrologue p) => new()
    {
        ScaleShift = PointerOrNull(p.ScaleShift),
        Silu = p.Silu,
        Halve = p.Resampling == Resampling.Down,
        H = s.H,
        W = s.W,
        C = s.C,
    };

    /// <summary>scale (bias + embedding) as whole registers read it: a row for all images, or one for each.</summary>
    private static void FillBias(ref ConvolutionPass pass, float* rows, int columns)
    {
        int count = pass.Embedding is null ? 1 : pass.N;
        for (int n = 0; n < count; n++)
        {
            float* row = rows + ((long)n * columns), embedding = pass.Embedding is null ? null : pass.Embedding + ((long)n * pass.K);
            for (int k = 0; k < pass.K; k++)
                row[k] = pass.Scale * ((pass.Bias is null ? 0f : pass.Bias[k]) + (embedding is null ? 0f : embedding[k]));
        }
        pass.Bias = rows;
        pass.BiasImage = pass.Embedding is null ? 0 : columns;
    }
}
