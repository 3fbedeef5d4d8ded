using BDense.Benchmarks.Workloads;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Peers;

internal static class TorchConvolution
{
    public static IEnumerable<Running> Variants(Convolution work) =>
        [Variant(work, channelsLast: true), Variant(work, channelsLast: false)];

    private static Running Variant(Convolution work, bool channelsLast)
    {
        Tensor x = Layout.ChannelsSecond(work.X, work.Shape.Input, channelsLast),
            w = Layout.ChannelsSecond(work.W, work.Shape.Weight, channelsLast),
            bias = Layout.Make(work.Bias, work.K), dy = Layout.ChannelsSecond(work.Dy, work.Shape.Output, channelsLast);
        long pad = work.Kernel / 2;
        var results = new Kept();
        string name = channelsLast ? "channels_last" : "contiguous";
        Tensor Forward() => functional.conv2d(x, w, bias, strides: [1, 1], padding: [pad, pad]);
        if (!work.Backward)
        {
            return new(name,
                () =>
                {
                    using var scope = NewDisposeScope();
                    using var _ = no_grad();
                    results.Keep(Forward());
                },
                () => new() { ["y"] = Layout.ChannelsLast(results[0]) }, x, w, bias, dy, results);
        }
        x.requires_grad = w.requires_grad = bias.requires_grad = true;
        return new(name,
            () =>
            {
                using var scope = NewDisposeScope();
                var y = Forward();
                results.Keep([y, .. autograd.grad([y], [x, w, bias], [dy])]);
            },
            () => new()
            {
                ["y"] = Layout.ChannelsLast(results[0]),
                ["dx"] = Layout.ChannelsLast(results[1]),
                ["dw"] = Layout.ChannelsLast(results[2]),
                ["dbias"] = Layout.Values(results[3]),
            },
            x, w, bias, dy, results);
    }
}
