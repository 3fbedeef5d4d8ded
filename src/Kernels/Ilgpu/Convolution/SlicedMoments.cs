using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>The sum of slices where the result's moments are asked for, too: a thread has a block of it.</summary>
public sealed partial class IlgpuBackend
{
    private void SumMeasuredSlices(SlicedResult g, Tensor partial, in ConvolutionEpilogue e, Tensor moments, Tensor y)
    {
        if (y.Type == ElementType.BFloat16)
            Launch(SumRoundedMeasuredSlicesKernel, moments.Length / 2, g, View2(partial), View2(e.Bias ?? partial),
                View2(e.Embedding ?? partial), Bits2(e.Residual ?? y), Bits2(y), View2(moments));
        else
            Launch(SumMeasuredSlicesKernel, moments.Length / 2, g, View2(partial), View2(e.Bias ?? partial),
                View2(e.Embedding ?? partial), View2(e.Residual ?? partial), View2(y), View2(moments));
    }

    /// <summary>
    /// <see cref="SumConvolutionSlicesKernel"/> for 16 pixels and 2 channels a thread, channels fastest, and the moments of what it stores.
    /// </summary>
    [Kernel(128)]
    internal static void SumMeasuredSlicesKernel(Index1D t, SlicedResult g, ArrayView<Float2> partial, ArrayView<Float2> bias,
        ArrayView<Float2> embedding, ArrayView<Float2> residual, ArrayView<Float2> y, ArrayView<Float2> moments) =>
        SumMeasuredSlices<InFloat32, Float2>(t, g, partial, bias, embedding, residual, y, moments);

    /// <summary>The same with residual and result in BF16.</summary>
    [Kernel(128)]
    internal static void SumRoundedMeasuredSlicesKernel(Index1D t, SlicedResult g, ArrayView<Float2> partial, ArrayView<Float2> bias,
        ArrayView<Float2> embedding, ArrayView<uint> residual, ArrayView<uint> y, ArrayView<Float2> moments) =>
        SumMeasuredSlices<InBFloat16, uint>(t, g, partial, bias, embedding, residual, y, moments);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumMeasuredSlices<TE, T>(Index1D t, SlicedResult g, ArrayView<Float2> partial, ArrayView<Float2> bias,
        ArrayView<Float2> embedding, ArrayView<T> residual, ArrayView<T> y, ArrayView<Float2> moments)
        where TE : struct, IElements<T, Float2>
        where T : unmanaged
    {
        int pairs = g.Channels / 2, row = t / pairs, pair = t - row * pairs;
        int i = row * MomentsShape.BlockPixels * pairs + pair;
        var none = new Float2(0f, 0f);
        // A block lies in one image.
        var offset = g.HasBias != 0 ? bias[pair] : none;
        var embedded = g.HasEmbedding != 0 ? embedding[row * MomentsShape.BlockPixels / g.ImagePixels * pairs + pair] : none;
        var block = new BlockMoments();
        for (int p = 0; p < MomentsShape.BlockPixels; p++)
        {
            var sum = none;
            for (int slice = 0; slice < g.Slices; slice++)
                sum = Float2.Add(sum, partial[slice * y.IntLength + i]);
            if (g.HasBias != 0)
                sum = Float2.Add(sum, offset);
            if (g.HasEmbedding != 0)
                sum = Float2.Add(sum, embedded);
            if (g.HasResidual != 0)
                sum = Float2.Add(sum, TE.Widen(residual[i]));
            sum = new Float2(sum.X * g.Scale, sum.Y * g.Scale);
            if (g.Silu != 0)
                sum = new Float2(DeviceMath.Silu(sum.X), DeviceMath.Silu(sum.Y));
            var stored = TE.Round(sum);
            y[i] = stored;
            var value = TE.Widen(stored);
            if (p == 0)
                block = BlockMoments.From(value.X);
            block.Add(value);
            i += pairs;
        }
        moments[t] = block.Result();
    }
}
