using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Benchmarks.Workloads;

/// <summary>
/// Everything that is compared, in the order of the table: the large shapes of the case list. Networks are no operations: they are here.
/// </summary>
public static class Catalog
{
    /// <summary>The demo's network, and one of 64 channels at 32x32.</summary>
    public static readonly (string Name, UNetConfig Config)[] Networks =
    [
        ("demo", NetworkCatalog.FindUNet("demo")),
        ("64-channel", NetworkCatalog.FindUNet("small-32") with { ModelChannels = 64 }),
    ];

    public static IReadOnlyList<Workload> All { get; } =
    [
        .. Conv2dCases.Blocks.Select(s => Convolution.Of(s, backward: false)),
        .. Conv2dCases.Blocks.Select(s => Convolution.Of(s, backward: true)),
        .. Conv2dCases.Ends.SelectMany(Ends),
        .. GroupNormCases.Large.Select(s => GroupNormSilu.Of(s)),
        .. AttentionCases.Large.Select(s => SelfAttention.Of(s)),
        .. AdamCases.Large.Skip(1).Select(length => new AdamEma(length)),
        .. TrajectoryLossCases.Large.Where(s => s.Branches == 4).SelectMany(Losses),
        .. MatMulCases.Large.Select(s => MatrixProduct.Of(s)),
        .. from network in Networks from batch in new[] { 16, 64 } select new TrainingStep(network.Name, network.Config, batch),
        .. from network in Networks from batch in new[] { 16, 64 } select new Sampling(network.Name, network.Config, batch),
        .. from network in Networks from batch in new[] { 16,
            64 } select new PeakMemory(new TrainingStep(network.Name, network.Config, batch)),
        .. from network in Networks select new PeakMemory(new Sampling(network.Name, network.Config, 64)),
    ];

    /// <summary>A projection as large as its input is timed forward alone as well.</summary>
    private static IEnumerable<Workload> Ends(Conv2dShape s) =>
        (s.R == 1 && s.C == s.K ? new[] { false, true } : [true]).Select(backward => Convolution.Of(s, backward));

    /// <summary>Each distance at the larger images, one at the smaller.</summary>
    private static IEnumerable<Workload> Losses(TrajectoryShape s) =>
        (s.N == 64 ? Enum.GetValues<Distance>() : [Distance.L2]).Select(distance => DenseTrajectoryLoss.Of(s, distance));
}
