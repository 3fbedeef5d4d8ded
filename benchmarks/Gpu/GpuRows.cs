using System.Text.Json;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Benchmarks.Gpu;

/// <summary>
/// What this library is held against PyTorch at: the huge shapes of the case list, which are the layers of EDM's CIFAR-10 and ADM's
/// ImageNet-64 networks, and whole steps. Names stay as they are, since results on record and <c>--resume</c> go by them.
/// </summary>
public static class GpuRows
{
    public const string ConvForward = "conv-forward", ConvDgrad = "conv-dgrad", ConvWgrad = "conv-wgrad", Gemm = "gemm",
        Attention = "attention",
        AttentionBackward = "attention-backward", Copy = "copy", GroupNorm = "groupnorm-silu",
        GroupNormBackward = "groupnorm-silu-backward",
        TrajectoryLoss = "trajectory-loss", SolverStep = "solver-step", Adam = "adam-ema", TrainingStep = "training-step",
        Sampling = "sampling";

    private static readonly string[] Tensor = ["tf32", "bf16"], Every = ["fp32", "tf32", "bf16"];

    /// <summary>The network that unet.cu published: guided-diffusion's UNet at 64x64.</summary>
    public static UNetConfig UnetCu { get; } = NetworkCatalog.FindUNet("unet-cu");

    /// <param name="quick">Fewer and smaller rows, for a machine without a GPU: that everything runs, not how fast.</param>
    /// <remarks>What the goals are about comes first: a run that is cut short leaves that.</remarks>
    public static IReadOnlyList<GpuRow> All(bool quick) => quick ? Small() : [.. Large().OrderBy(Turn)];

    /// <summary>
    /// What a first visit to a GPU asks, most telling first: roofs, each kind of kernel at a large and a small map, a training step and
    /// sampling.
    /// </summary>
    /// <remarks>Names of rows; a run that is cut short leaves the first of them.</remarks>
    public static IReadOnlyList<string> Headline { get; } =
    [
        $"copy {1 << 26}", "gemm 4096x4096x4096 tf32", "gemm 4096x4096x4096 bf16",
        "conv-forward 3x3 64x32x32x256 to 256 tf32", "conv-dgrad 3x3 64x32x32x256 to 256 tf32", "conv-wgrad 3x3 64x32x32x256 to 256 tf32",
        "conv-forward 3x3 64x32x32x256 to 256 bf16", "conv-wgrad 3x3 64x32x32x256 to 256 bf16", "conv-forward 3x3 64x8x8x256 to 256 bf16",
        "attention 64x256 1x256 tf32", "attention 32x1024 6x64 bf16",
        "training step edm-cifar10 batch 128 tf32", "sampling edm-cifar10 batch 64 tf32", "training step edm-cifar10 batch 128 bf16",
        "groupnorm-silu 64x32x32x256", "groupnorm-silu-backward 64x32x32x256", "attention-backward 64x256 1x256 tf32",
        "attention-backward 32x1024 6x64 bf16",
        "adam+ema 55733891", "trajectory loss 4096x32x32x3 K=4 l2", "conv-forward 3x3 64x32x32x256 to 256 fp32", "gemm 4096x4096x4096 fp32",
    ];

    /// <summary>Roofs, kernels on tensor cores, what memory limits, whole steps (TF32, BF16), those without a peer, float32.</summary>
    private static int Turn(GpuRow row) => row.Kind is Copy or Gemm ? 0 : !row.Peer ? 5
        : row.Network is null ? row.Precision != "fp32" ? 1 : row.Kind is ConvForward or ConvDgrad or ConvWgrad ? 6 : 2
        : row.Precision switch { "tf32" => 3, "bf16" => 4, _ => 7 };

    private static IReadOnlyList<GpuRow> Large() =>
    [
        .. from kind in new[] { ConvForward, ConvDgrad, ConvWgrad } from s in Conv2dCases.Huge from p in Tensor
           select Convolution(kind, p, s),
        .. from kind in new[] { ConvForward, ConvDgrad, ConvWgrad } select Convolution(kind, "fp32", Conv2dCases.Huge[1]),
        .. from s in MatMulCases.Huge from p in Every select Product(p, s.M),
        .. from kind in new[] { Attention, AttentionBackward } from s in AttentionCases.Huge from p in Tensor select Attend(kind, p, s),
        new($"copy {LinearCombinationCases.HugeCopy}", Copy, "fp32", Dims(("length", LinearCombinationCases.HugeCopy))),
        .. from s in GroupNormCases.Huge from kind in new[] { GroupNorm, GroupNormBackward } select Normalise(kind, s),
        .. from s in TrajectoryLossCases.Huge select Loss(s),
        new("solver step 4096x32x32x3, 4 terms", SolverStep, "fp32", Dims(("length", LinearCombinationCases.HugeStep), ("terms", 4))),
        .. from length in AdamCases.Huge select new GpuRow($"adam+ema {length}", Adam, "fp32", Dims(("length", length))),
        .. from p in Every select Network(TrainingStep, p, "edm-cifar10", NetworkCatalog.FindUNet("edm-cifar10"), 128),
        .. from p in Every select Network(TrainingStep, p, "unet-cu", UnetCu, 32),
        .. from p in Every select Network(Sampling, p, "unet-cu", UnetCu, 32),
        .. from k in new[] { 2, 4, 8 } select Alone(TrainingStep, "tf32", $"edm-cifar10 K={k}",
            NetworkCatalog.FindUNet("edm-cifar10") with { Branches = k }, 128),
        .. from k in new[] { 1, 2, 4, 8 } select Alone(TrainingStep, "tf32", $"edm-imagenet64 K={k}",
            NetworkCatalog.FindUNet("edm-imagenet64") with { Branches = k }, 32),
        .. from p in Tensor select Alone(TrainingStep, p, "edm-cifar10 fuse=all", NetworkCatalog.FindUNet("edm-cifar10"), 128, "all"),
        .. from p in Tensor select Alone(TrainingStep, p, "unet-cu fuse=all", UnetCu, 32, "all"),
        .. from p in Tensor select Network(Sampling, p, "edm-cifar10", NetworkCatalog.FindUNet("edm-cifar10"), 64),
        Alone(Sampling, "tf32", "edm-cifar10 K=4", NetworkCatalog.FindUNet("edm-cifar10") with { Branches = 4 }, 64),
        Alone(Sampling, "tf32", "edm-cifar10 K=4 folded", NetworkCatalog.FindUNet("edm-cifar10") with { Branches = 4 }, 64),
    ];

    private static IReadOnlyList<GpuRow> Small() =>
    [
        .. from kind in new[] { ConvForward, ConvDgrad, ConvWgrad } from k in new[] { 32, 12 }
           select Convolution(kind, "fp32", Conv2dShape.Same(2, 8, 8, 16, k, 3)),
        Convolution(ConvForward, "fp32", Conv2dShape.Same(2, 8, 8, 16, 32, 1)), Product("fp32", 128),
        Attend(Attention, "fp32", new(2, 64, 2, 32)), Attend(AttentionBackward, "fp32", new(2, 64, 2, 32)),
        new("copy 65536", Copy, "fp32", Dims(("length", 1 << 16))),
        Normalise(GroupNorm, GroupNormCases.Edm(2, 8, 32)), Normalise(GroupNormBackward, GroupNormCases.Edm(2, 8, 32)),
        .. from k in new[] { 1, 4 } select Loss(new(8, 64, 3, k)),
        new("solver step 8x8x8x3, 4 terms", SolverStep, "fp32", Dims(("length", 8 * 8 * 8 * 3), ("terms", 4))),
        new("adam+ema 100003", Adam, "fp32", Dims(("length", 100003))),
        Network(TrainingStep, "fp32", "demo", NetworkCatalog.FindUNet("demo"), 4),
        Network(TrainingStep, "fp32", "demo K=4", NetworkCatalog.FindUNet("demo") with { Branches = 4 }, 4),
        Network(TrainingStep, "fp32", "small adm", SmallAdm, 2),
        Network(TrainingStep, "fp32", "small unet-cu", UnetCu with
        {
            Resolution = 16,
            ChannelMultipliers = [1, 2],
            AttentionResolutions = [8],
        }, 2),
        Network(Sampling, "fp32", "demo", NetworkCatalog.FindUNet("demo"), 4),
        Alone(Sampling, "fp32", "demo K=4 folded", NetworkCatalog.FindUNet("demo") with { Branches = 4 }, 4),
        Alone(TrainingStep, "fp32", "demo fuse=all", NetworkCatalog.FindUNet("demo"), 4, "all"),
    ];

    private static UNetConfig SmallAdm => NetworkCatalog.FindUNet("edm-imagenet64") with
    {
        Resolution = 16,
        ModelChannels = 32,
        ChannelMultipliers = [1, 2],
        BlocksPerLevel = 2,
        AttentionResolutions = [8],
        ChannelsPerHead = 32,
        Dropout = 0,
        LabelCount = 0,
    };

    private static GpuRow Convolution(string kind, string precision, Conv2dShape s) =>
        new($"{kind} {s.R}x{s.R} {s.N}x{s.H}x{s.H}x{s.C} to {s.K} {precision}", kind, precision,
            Dims(("n", s.N), ("size", s.H), ("c", s.C), ("k", s.K), ("r", s.R)));

    private static GpuRow Product(string precision, int size) =>
        new($"gemm {size}x{size}x{size} {precision}", Gemm, precision, Dims(("m", size), ("n", size), ("k", size)));

    private static GpuRow Attend(string kind, string precision, AttentionShape s) =>
        new($"{kind} {s.N}x{s.Tokens} {s.Heads}x{s.HeadSize} {precision}", kind, precision,
            Dims(("n", s.N), ("tokens", s.Tokens), ("heads", s.Heads), ("headSize", s.HeadSize)));

    private static GpuRow Normalise(string kind, GroupNormShape s) =>
        new($"{kind} {s.N}x{Side(s.Pixels)}x{Side(s.Pixels)}x{s.C}", kind, "fp32",
            Dims(("n", s.N), ("size", Side(s.Pixels)), ("c", s.C), ("groups", s.Groups)));

    private static GpuRow Loss(TrajectoryShape s) =>
        new($"trajectory loss {s.N}x{Side(s.Pixels)}x{Side(s.Pixels)}x{s.C} K={s.Branches} l2", TrajectoryLoss, "fp32",
            Dims(("n", s.N), ("size", Side(s.Pixels)), ("c", s.C), ("k", s.Branches)));

    /// <summary>Rows of a square image.</summary>
    private static int Side(int pixels) => (int)Math.Sqrt(pixels);

    private static GpuRow Network(string kind, string precision, string name, UNetConfig config, int batch) =>
        new($"{(kind == Sampling ? "sampling" : "training step")} {name} batch {batch} {precision}", kind, precision,
            Dims(("batch", batch)),
            JsonSerializer.Deserialize<JsonElement>(config.ToJson()),
            $"weights-{name.Replace(' ', '-').Replace("=", "", StringComparison.Ordinal)}.safetensors");

    /// <summary>A network that PyTorch does not time; "folded" in its name folds the heads of a student before it samples.</summary>
    private static GpuRow Alone(string kind, string precision, string name, UNetConfig config, int batch, string? fuse = null) =>
        Network(kind, precision, name, config, batch) with
        {
            Peer = false,
            Fuse = fuse,
            Weights = null,
            Dims = Dims(("batch", batch), ("folded", name.EndsWith("folded", StringComparison.Ordinal) ? 1 : 0)),
        };

    private static Dictionary<string, int> Dims(params (string Name, int Extent)[] dims) => dims.ToDictionary(d => d.Name, d => d.Extent);
}
