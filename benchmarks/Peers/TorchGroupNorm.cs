using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Peers;

internal static class TorchGroupNorm
{
    public static IEnumerable<Running> Variants(GroupNormSilu work) =>
        [Variant(work, channelsLast: true), Variant(work, channelsLast: false)];

    private static Running Variant(GroupNormSilu work, bool channelsLast)
    {
        var shape = new Shape(work.N, work.Size, work.Size, work.C);
        Tensor x = Layout.ChannelsSecond(work.X, shape, channelsLast), dy = Layout.ChannelsSecond(work.Dy, shape, channelsLast),
            gamma = Layout.Make(work.Gamma, work.C), beta = Layout.Make(work.Beta, work.C);
        x.requires_grad = gamma.requires_grad = beta.requires_grad = true;
        var results = new Kept();
        return new(channelsLast ? "channels_last" : "contiguous",
            () =>
            {
                using var scope = NewDisposeScope();
                var y = functional.silu(functional.group_norm(x, work.Shape.Groups, gamma, beta, work.Shape.Epsilon));
                results.Keep([y, .. autograd.grad([y], [x, gamma, beta], [dy])]);
            },
            () => new()
            {
                ["y"] = Layout.ChannelsLast(results[0]),
                ["dx"] = Layout.ChannelsLast(results[1]),
                ["dgamma"] = Layout.Values(results[2]),
                ["dbeta"] = Layout.Values(results[3]),
            },
            x, dy, gamma, beta, results);
    }
}
