using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Tests.Ops;
using ILGPU.Runtime.CPU;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>The float32 kernels that GPUs take, tiled through shared memory, where they are not the device's own choice.</summary>
[TestFixture, Category("OpenCL")]
internal sealed class OpenClSharedTileTests() : DeviceEqualityTests("opencl")
{
    private static IEnumerable<OpCase> Rows =>
        CaseList.Of(CaseSize.Small)
            .Where(row => row.Op.StartsWith("Conv2d", StringComparison.Ordinal) || row.Op is "MatMul" or "FusedConv2d" or "FusedConv2dWgrad"
                || row.Op.StartsWith("Linear", StringComparison.Ordinal));

    [OneTimeSetUp]
    public void Choose() => ((IlgpuBackend)Backend).Tiling = Tiling.SharedAlways;

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);
}

/// <summary>The same on ILGPU's CPU simulation with whole groups: a few small rows, since every barrier takes a millisecond.</summary>
[TestFixture]
internal sealed class IlgpuCpuSharedTileTests
{
    private IlgpuBackend? _backend;

    [OneTimeSetUp]
    public void Open()
    {
        var device = new CPUDevice(4, SharedTile.GroupSize / 4, 1);
        _backend = new IlgpuBackend(IlgpuBackend.CreateContext(b => b.CPU(device)), device, "ilgpu-cpu") { Tiling = Tiling.SharedAlways };
    }

    [OneTimeTearDown]
    public void Close() => _backend?.Dispose();

    private static readonly string[] Wanted =
    [
        "Conv2d 3x3 1x6x6x4->4 stride 1 pad 0,0 bias", "Conv2dDgrad 3x3 1x6x6x4->4 stride 1 pad 0,0",
        "Conv2dWgrad 3x3 1x6x6x4->4 stride 1 pad 0,0",
        "Conv2d 1x1 1x9x9x4->4 stride 2 pad 0,0", "Conv2dDgrad 1x1 1x9x9x4->4 stride 2 pad 0,0",
        "Conv2dWgrad 1x1 1x9x9x4->4 stride 2 pad 0,0 bias",
        "FusedConv2d 1x1 2x2x2x8->4 stride 1 norm silu None ber scale 0.70710677 silu",
        "FusedConv2d 3x3 2x4x2x4->8 stride 1 norm None b scale 1",
        "FusedConv2dWgrad 1x1 2x2x2x8->4 stride 1 norm silu None ber scale 0.70710677 silu",
        "FusedConv2dWgrad 3x3 2x4x2x4->8 stride 1 norm None b scale 1",
        "MatMul 1x128x96x64", "MatMul 1x128x96x64 A' B' alpha accumulate",
    ];

    private static IEnumerable<OpCase> Rows => CaseList.All.Where(row => Wanted.Contains(row.Name));

    [Test]
    public void The_rows_exist() => Assert.That(Rows.Select(row => row.Name), Is.EquivalentTo(Wanted));

    /// <summary>Otherwise its rows would be composed of plain operations, and say nothing of the tiles.</summary>
    [Test]
    public void The_prologue_is_in_the_tiles()
    {
        var s = Conv2dShape.Same(2, 4, 4, 8, 4, 3);
        Assert.That(_backend!.SupportOf(s, Resampling.None).Forward, Is.EqualTo(ConvolutionParts.Prologue | ConvolutionParts.Epilogue));
        Assert.That(_backend.SupportOf(s, Resampling.Down).Forward, Is.EqualTo(ConvolutionParts.Epilogue));
        Assert.That(_backend.SupportOf(s, Resampling.Up).Forward, Is.EqualTo(ConvolutionParts.Resampling | ConvolutionParts.Epilogue));
        Assert.That(_backend.SupportOf(Conv2dShape.Same(2, 4, 4, 3, 5, 3), Resampling.None).Forward, Is.EqualTo(ConvolutionParts.None));
    }

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row)
    {
        Assert.That(_backend!.Tiling, Is.EqualTo(Tiling.SharedAlways));
        Assert.That(Comparison.Difference(_backend, row), Is.Null);
    }
}

internal sealed class SharedTilePlanTests
{
    [TestCase(Tiling.Shared, 65536, 256, 256, true, true)]
    [TestCase(Tiling.Shared, 65536, 3, 256, true, false)]   // an image's channels
    [TestCase(Tiling.Shared, 65536, 256, 3, true, false)]
    [TestCase(Tiling.Shared, 65536, 12, 256, true, false)]  // a tile mostly empty
    [TestCase(Tiling.Shared, 64, 256, 256, true, false)]
    [TestCase(Tiling.Shared, 65536, 256, 256, false, false)]
    [TestCase(Tiling.Cache, 65536, 256, 256, true, false)]
    [TestCase(Tiling.SharedAlways, 1, 4, 4, true, true)]
    [TestCase(Tiling.SharedAlways, 1, 4, 6, true, false)]
    public void The_plan(Tiling tiling, long rows, int columns, int depth, bool aligned, bool expected) =>
        Assert.That(ConvolutionPlan.UseSharedTile(tiling, rows, columns, depth, aligned), Is.EqualTo(expected));

    [TestCase(64, 32, 256, 256, true)]
    [TestCase(1, 6, 150, 160, false)]   // channels that four does not divide; it does divide the 36 pixels
    [TestCase(1, 5, 152, 160, true)]    // 25 pixels
    [TestCase(1, 3, 152, 160, false)]   // 9
    public void The_plan_of_wgrad(int n, int size, int c, int k, bool expected) =>
        Assert.That(ConvolutionPlan.UseSharedTileWgrad(Tiling.Shared, Conv2dShape.Same(n, size, size, c, k, 3), aligned: true),
            Is.EqualTo(expected));

    [Test]
    public void The_simulation_reads_from_the_cache()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        Assert.That(backend.Tiling, Is.EqualTo(Tiling.Cache));
    }
}
