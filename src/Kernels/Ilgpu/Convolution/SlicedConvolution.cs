using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>A convolution whose sum was made in slices, by different groups: their sum, in order, and what comes behind it.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>What is added to the sum, and how it ends (<see cref="ConvolutionEpilogue"/>).</summary>
    internal struct SlicedResult
    {
        /// <summary>Of the result.</summary>
        public int Slices, Channels, ImagePixels;

        /// <summary>Whether there is one.</summary>
        public int HasBias, HasEmbedding, HasResidual, Silu;

        /// <summary>Of the sum with all that is added to it.</summary>
        public float Scale;
    }

    private void SumConvolution(Tensor partial, int slices, int channels, int imagePixels, in ConvolutionEpilogue e, Tensor y)
    {
        var g = new SlicedResult
        {
            Slices = slices,
            Channels = channels,
            ImagePixels = imagePixels,
            HasBias = e.Bias is null ? 0 : 1,
            HasEmbedding = e.Embedding is null ? 0 : 1,
            HasResidual = e.Residual is null ? 0 : 1,
            Silu = e.Silu ? 1 : 0,
            Scale = e.Scale,
        };
        if (e.Moments is { } moments)
        {
            SumMeasuredSlices(g, partial, e, moments, y);
            return;
        }
        if (y.Type == ElementType.BFloat16)
            Launch(SumRoundedConvolutionSlicesKernel, y.Length, g, View(partial), View(e.Bias ?? partial), View(e.Embedding ?? partial),
                Bits(e.Residual ?? y), Bits(y));
        else
            Launch(SumConvolutionSlicesKernel, y.Length, g, View(partial), View(e.Bias ?? partial), View(e.Embedding ?? partial),
                View(e.Residual ?? partial), View(y));
    }

    /// <summary>
    /// y[m,k] = act((bias[k] + sum over the slices of partial[slice,m,k] + embedding[n,k] + residual[m,k]) scale), the slices in order. One
    /// thread an element; 4 bytes read a slice and term, 4 written.
    /// </summary>
    [Kernel]
    internal static void SumConvolutionSlicesKernel(Index1D i, SlicedResult g, ArrayView<float> partial, ArrayView<float> bias,
        ArrayView<float> embedding, ArrayView<float> residual, ArrayView<float> y) =>
        SumConvolutionSlices<InFloat32, float>(i, g, partial, bias, embedding, residual, y);

    /// <summary>The same with residual and result in BF16.</summary>
    [Kernel]
    internal static void SumRoundedConvolutionSlicesKernel(Index1D i, SlicedResult g, ArrayView<float> partial, ArrayView<float> bias,
        ArrayView<float> embedding, ArrayView<ushort> residual, ArrayView<ushort> y) =>
        SumConvolutionSlices<InBFloat16, ushort>(i, g, partial, bias, embedding, residual, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumConvolutionSlices<TE, T>(Index1D i, SlicedResult g, ArrayView<float> partial, ArrayView<float> bias,
        ArrayView<float> embedding, ArrayView<T> residual, ArrayView<T> y)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int m = i / g.Channels, k = i - m * g.Channels;
        float sum = 0f;
        for (int slice = 0; slice < g.Slices; slice++)
            sum += partial[slice * y.IntLength + i];
        if (g.HasBias != 0)
            sum += bias[k];
        if (g.HasEmbedding != 0)
            sum += embedding[m / g.ImagePixels * g.Channels + k];
        if (g.HasResidual != 0)
            sum += TE.Widen(residual[i]);
        sum *= g.Scale;
        y[i] = TE.Round(g.Silu != 0 ? DeviceMath.Silu(sum) : sum);
    }
}
