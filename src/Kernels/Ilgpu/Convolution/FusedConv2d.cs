using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// What the epilogue (<see cref="ConvolutionEpilogue"/>) does beside adding a bias; ImagePixels are those of an image of y.
/// </summary>
internal struct ResultTerms
{
    public int HasEmbedding, HasResidual, Silu, ImagePixels;

    public float Scale;

    public static ResultTerms Of(in ConvolutionEpilogue e, int imagePixels) => new()
    {
        HasEmbedding = e.Embedding is null ? 0 : 1,
        HasResidual = e.Residual is null ? 0 : 1,
        Silu = e.Silu ? 1 : 0,
        ImagePixels = imagePixels,
        Scale = e.Scale,
    };
}

/// <summary>What becomes of four channels of a pixel before they are stored; resolved when the kernel is compiled.</summary>
internal interface IConvolutionResult
{
    Float4 Finish(Float4 v, in ResultTerms e, int pixel, int block, int channels4, ArrayView<Float4> embedding, ArrayView<Float4> residual);
}

/// <summary>Nothing: the bias is in the sum already.</summary>
internal readonly struct PlainResult : IConvolutionResult
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float4 Finish(Float4 v, in ResultTerms e, int pixel, int block, int channels4, ArrayView<Float4> embedding,
        ArrayView<Float4> residual) => v;
}

/// <summary>act((v + embedding + residual) * scale)</summary>
internal readonly struct FusedResult : IConvolutionResult
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float4 Finish(Float4 v, in ResultTerms e, int pixel, int block, int channels4, ArrayView<Float4> embedding,
        ArrayView<Float4> residual)
    {
        if (e.HasEmbedding != 0)
            Float4.AddScaled(ref v, 1f, embedding[pixel / e.ImagePixels * channels4 + block]);
        if (e.HasResidual != 0)
            Float4.AddScaled(ref v, 1f, residual[pixel * channels4 + block]);
        v = Float4.Scale(e.Scale, v);
        if (e.Silu != 0)
            v = new Float4(DeviceMath.Silu(v.X), DeviceMath.Silu(v.Y), DeviceMath.Silu(v.Z), DeviceMath.Silu(v.W));
        return v;
    }
}

public sealed partial class IlgpuBackend
{
    /// <remarks>
    /// The prologue where a tile goes through shared memory: each value is activated once for each tap and each 64 to 128 channels of the
    /// result. A thread that reads from the cache would pay an exponential and a division for each 8 multiply-adds, so those kernels have
    /// none. Tensor cores take a resampled input as it lies in memory: they have the 3x3 kernel alone. They measure what they store.
    /// </remarks>
    public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) =>
        ConvolutionPlan.SupportFor(Precision, Tiling, s, resampling, IsUpsampled(s, resampling));

    private protected override void FusedConv2dCore(
        in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y)
    {
        if (prologue is { Resampling: Resampling.Up, ScaleShift: null } && epilogue.Moments is null)
            UpsampledConv2d(s, x, w, epilogue, y);
        else if (prologue.Resampling != Resampling.None || !Forward(s, x, w, prologue, epilogue, y))
            throw NoLaunch(s, prologue, epilogue, nameof(FusedConv2d));
    }

    private protected override void FusedConv2dWgradCore(
        in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias)
    {
        if (prologue.Resampling != Resampling.None || !(TensorWgrad(s, x, prologue, dy, dw) || SharedTileWgrad(s, x, prologue, dy, dw)))
            throw NoLaunch(s, prologue, new ConvolutionEpilogue(null), nameof(FusedConv2dWgrad));
        if (dbias is not null)
            SumRows(s, dy, dbias);
    }

    /// <summary>
    /// Four convolutions of 2x2 taps, one for each kind of output pixel (2i + a, 2j + b): rows i + a - 1 + r of x through row 3 - a - 2r of
    /// the 4x4 kernel, columns likewise. 4 MACs an output element and source channel instead of 9.
    /// </summary>
    private void UpsampledConv2d(in Conv2dShape s, Tensor x, Tensor large, in ConvolutionEpilogue e, Tensor y)
    {
        for (int a = 0; a < 2; a++)
        {
            for (int b = 0; b < 2; b++)
            {
                Gemm(s, new ImplicitGemm
                {
                    SourceHeight = s.H / 2,
                    SourceWidth = s.W / 2,
                    SourceChannels = s.C,
                    Height = s.H / 2,
                    Width = s.W / 2,
                    Channels = s.K,
                    Rows = 2,
                    Columns = 2,
                    Stride = 1,
                    PadRows = 1 - a,
                    PadColumns = 1 - b,
                    FirstTap = ((3 - a) * 4 + 3 - b) * s.K,
                    TapRow = -8 * s.K,
                    TapStride = -2 * s.K,
                    SourceStride = 16 * s.K,
                    OutputStride = 1,
                    OutFirst = a * s.W + b,
                    OutRow = 2 * s.W,
                    OutStep = 2,
                }, x, large, e, y);
            }
        }
    }
}
