using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// The moments of a block, value by value: sums of deviations from its first value. That value is one of the block's 32, so its own squared
/// deviation from the mean is part of their sum: the difference of sums loses five bits at most, however large the mean is.
/// </summary>
internal struct BlockMoments
{
    private const float Size = MomentsShape.BlockPixels * MomentsShape.BlockChannels;
    private float _origin, _sum, _squares;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BlockMoments From(float origin) => new() { _origin = origin };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Float2 v)
    {
        float d = v.X - _origin, e = v.Y - _origin;
        _sum += d + e;
        _squares += d * d + e * e;
    }

    /// <summary>Mean and sum of squared deviations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Float2 Result()
    {
        float mean = _sum / Size, squares = _squares - _sum * mean;
        return new Float2(_origin + mean, squares < 0f ? 0f : squares);
    }
}

public sealed partial class IlgpuBackend
{
    /// <remarks>For what no convolution measures as it stores it: kernels in float32, and views that start anywhere.</remarks>
    private protected override void MomentsCore(in MomentsShape s, Tensor x, Tensor moments)
    {
        if (x.Length == 0)
            return;
        if (x.Type == ElementType.BFloat16)
            Launch(MomentsBFloat16Kernel, moments.Length / 2, s.C, Bits(x), View(moments));
        else
            Launch(MomentsKernel, moments.Length / 2, s.C, View(x), View(moments));
    }

    /// <summary>
    /// Mean and sum of squared deviations of 16 pixels and 2 channels. One thread for each block, channels fastest; 8 bytes read a pixel,
    /// 8 written, 7 FLOPs a value.
    /// </summary>
    [Kernel(128)]
    internal static void MomentsKernel(Index1D t, int channels, ArrayView<float> x, ArrayView<float> moments) =>
        BlockOf<InFloat32, float>(t, channels, x, moments);

    /// <summary><see cref="MomentsKernel"/>; 4 bytes read a pixel.</summary>
    [Kernel(128)]
    internal static void MomentsBFloat16Kernel(Index1D t, int channels, ArrayView<ushort> x, ArrayView<float> moments) =>
        BlockOf<InBFloat16, ushort>(t, channels, x, moments);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BlockOf<TE, T>(Index1D t, int channels, ArrayView<T> x, ArrayView<float> moments)
        where TE : struct, IElements<T, float>
        where T : unmanaged
    {
        int row = 2 * t / channels;
        int at = 2 * t + row * (MomentsShape.BlockPixels - 1) * channels;
        var block = BlockMoments.From(TE.Widen(x[at]));
        for (int p = 0; p < MomentsShape.BlockPixels; p++)
        {
            block.Add(new Float2(TE.Widen(x[at]), TE.Widen(x[at + 1])));
            at += channels;
        }
        var result = block.Result();
        moments[2 * t] = result.X;
        moments[2 * t + 1] = result.Y;
    }

    /// <summary>
    /// What <see cref="GroupNormPartialKernel"/> makes of x, of its blocks' moments (m_k, s_k), all of 32 values: mean = m_0 + mean (m_k -
    /// m_0), squares = sum s_k + 32 (m_k - mean)^2. One thread for each (n, chunk, group), groups fastest, blocks by pixels, then channels;
    /// 8 bytes a block read from memory, twice, the second time from the cache.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormMergeMomentsKernel(Index1D t, GroupNormGeometry g, ArrayView<Float2> moments, ArrayView<Float2> partial)
    {
        int chunk = t / g.Groups;
        int group = t - chunk * g.Groups;
        int n = chunk / g.Chunks;
        int first = (chunk - n * g.Chunks) * g.ChunkPixels;
        int end = first + g.ChunkPixels < g.Pixels ? first + g.ChunkPixels : g.Pixels;
        int rows = (end - first) / MomentsShape.BlockPixels, pairs = g.GroupChannels / 2, pitch = g.C / 2;
        int start = (n * g.Pixels + first) / MomentsShape.BlockPixels * pitch + group * pairs;
        float origin = moments[start].X;
        float sum = 0f;
        for (int row = 0; row < rows; row++)
        {
            for (int pair = 0; pair < pairs; pair++)
                sum += moments[start + row * pitch + pair].X - origin;
        }
        float mean = origin + sum / (rows * pairs);
        float within = 0f, between = 0f;
        for (int row = 0; row < rows; row++)
        {
            for (int pair = 0; pair < pairs; pair++)
            {
                var block = moments[start + row * pitch + pair];
                float d = block.X - mean;
                within += block.Y;
                between += d * d;
            }
        }
        partial[t] = new Float2(mean, within + MomentsShape.BlockPixels * MomentsShape.BlockChannels * between);
    }
}
