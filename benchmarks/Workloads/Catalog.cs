using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Benchmarks.Workloads;

/// <summary>Everything that is compared, in the order of the table.</summary>
public static class Catalog
{
    /// <summary>The 3x3 convolutions of small diffusion networks: batch, channels, size.</summary>
    public static readonly (int N, int C, int Size)[] Convolutions =
        [(16, 32, 32), (16, 64, 32), (16, 128, 32), (16, 128, 16), (64, 32, 16), (64, 64, 8), (16, 256, 8)];

    /// <summary>The demo's network, and one of 64 channels at 32x32.</summary>
    public static readonly (string Name, UNetConfig Config)[] Networks =
    [
        ("demo", NetworkCatalog.FindUNet("demo")),
        ("64-channel", NetworkCatalog.FindUNet("small-32") with { ModelChannels = 64 }),
    ];

    public static IReadOnlyList<Workload> All { get; } =
    [
        .. Convolutions.Select(s => new Convolution(s.N, s.C, s.Size, s.C, 3, Backward: false)),
        .. Convolutions.Select(s => new Convolution(s.N, s.C, s.Size, s.C, 3, Backward: true)),
        new Convolution(16, 3, 32, 64, 3, Backward: true),
        new Convolution(16, 64, 32, 3, 3, Backward: true),
        new Convolution(16, 128, 16, 128, 1, Backward: false),
        new Convolution(16, 128, 16, 128, 1, Backward: true),
        new Convolution(16, 128, 32, 64, 1, Backward: true),
        new GroupNormSilu(16, 64, 32),
        new GroupNormSilu(16, 128, 16),
        new GroupNormSilu(64, 32, 16),
        new SelfAttention(16, 256, 1, 128),
        new SelfAttention(16, 256, 4, 32),
        new SelfAttention(64, 64, 1, 64),
        new AdamEma(1 << 20),
        new AdamEma(1 << 23),
        new DenseTrajectoryLoss(64, 3, 32, 4, Distance.L1),
        new DenseTrajectoryLoss(64, 3, 32, 4, Distance.L2),
        new DenseTrajectoryLoss(64, 3, 32, 4, Distance.PseudoHuber),
        new DenseTrajectoryLoss(16, 3, 16, 4, Distance.L2),
        new MatrixProduct(256, 256, 256),
        new MatrixProduct(512, 512, 512),
        new MatrixProduct(1024, 1024, 1024),
        new MatrixProduct(64, 512, 128),
        .. from network in Networks from batch in new[] { 16, 64 } select new TrainingStep(network.Name, network.Config, batch),
        .. from network in Networks from batch in new[] { 16, 64 } select new Sampling(network.Name, network.Config, batch),
        .. from network in Networks from batch in new[] { 16, 64 } select new PeakMemory(new TrainingStep(network.Name, network.Config, batch)),
        .. from network in Networks select new PeakMemory(new Sampling(network.Name, network.Config, 64)),
    ];
}
