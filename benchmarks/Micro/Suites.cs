using BDense.Benchmarks.Workloads;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BenchmarkDotNet.Attributes;

namespace BDense.Benchmarks.Micro;

/// <summary>
/// One workload of the CPU reference under BenchmarkDotNet, for its statistics and its memory column: an operation that is warm
/// allocates nothing.
/// </summary>
[MemoryDiagnoser]
public abstract class Suite
{
    private ReferenceBackend? _backend;
    private Running? _running;

    /// <summary>Threads: all cores, or one.</summary>
    [Params(0, 1)]
    public int Threads { get; set; }

    protected abstract Workload Work { get; }

    [GlobalSetup]
    public void Start()
    {
        _backend = new ReferenceBackend(Threads);
        _running = Work.Start(_backend);
        _running.Run();
    }

    [GlobalCleanup]
    public void Stop()
    {
        _running?.Dispose();
        _backend?.Dispose();
    }

    [Benchmark]
    public void Run() => _running!.Run();
}

/// <summary>The 3x3 convolutions of the comparison with libtorch.</summary>
public class ConvolutionSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<Convolution>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>GroupNorm with SiLU, forward and backward.</summary>
public class GroupNormSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<GroupNormSilu>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>Attention, forward and backward.</summary>
public class AttentionSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<SelfAttention>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>Matrix products.</summary>
public class MatrixProductSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<MatrixProduct>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>The fused dense-trajectory loss with its gradient, of every large shape of the case list.</summary>
public class TrajectoryLossSuite : Suite
{
    public static IEnumerable<Workload> Cases =>
        from s in TrajectoryLossCases.Large from distance in Enum.GetValues<Distance>() select DenseTrajectoryLoss.Of(s, distance);

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>Clipping, Adam and the moving average.</summary>
public class AdamSuite : Suite
{
    public static IEnumerable<Workload> Cases => AdamCases.Large.Select(length => new AdamEma(length));

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>
/// Whole training steps, forward, backward and optimizer, of every network: what they allocate, and that they cause no collection.
/// </summary>
public class TrainingStepSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<TrainingStep>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}

/// <summary>Evaluations of every network without gradients, as sampling makes them.</summary>
public class SamplingSuite : Suite
{
    public static IEnumerable<Workload> Cases => Catalog.All.OfType<Sampling>();

    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = null!;

    protected override Workload Work => Case;
}
