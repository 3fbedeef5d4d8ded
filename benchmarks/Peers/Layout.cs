using BDense.Kernels;
using static TorchSharp.torch;

namespace BDense.Peers;

/// <summary>Between our arrays (NHWC, KRSC) and libtorch's tensors (logically NCHW and KCRS).</summary>
internal static class Layout
{
    /// <summary>A tensor that outlives the surrounding dispose scope.</summary>
    public static Tensor Make(float[] values, params long[] extents)
    {
        using var scope = NewDisposeScope();
        return tensor(values, extents).MoveToOuterDisposeScope();
    }

    /// <summary>Last extent second: NHWC to NCHW, KRSC to KCRS; as it lies in memory (channels_last) or copied (contiguous).</summary>
    public static Tensor ChannelsSecond(float[] values, Shape shape, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        var t = tensor(values, [.. shape.ToArray().Select(i => (long)i)]).permute(0, 3, 1, 2);
        return (channelsLast ? t : t.contiguous()).MoveToOuterDisposeScope();
    }

    /// <summary>The values of a logically NCHW tensor in NHWC order.</summary>
    public static float[] ChannelsLast(Tensor t)
    {
        using var scope = NewDisposeScope();
        return Values(t.permute(0, 2, 3, 1));
    }

    /// <summary>The values in the tensor's own order of extents.</summary>
    public static float[] Values(Tensor t)
    {
        using var scope = NewDisposeScope();
        return t.detach().contiguous().data<float>().ToArray();
    }
}
