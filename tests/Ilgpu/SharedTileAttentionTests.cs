using BDense.Cases;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ops;
using ILGPU.Runtime.CPU;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// The float32 attention kernels that GPUs take, tiled through shared memory, where they are not the device's own choice.
/// </summary>
[TestFixture, Category("OpenCL")]
internal sealed class OpenClSharedTileAttentionTests() : DeviceEqualityTests("opencl")
{
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small).Where(row => row.Op is "Attention" or "AttentionBackward");

    [OneTimeSetUp]
    public void Choose() => ((IlgpuBackend)Backend).Tiling = Tiling.SharedAlways;

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);
}

/// <summary>The same on ILGPU's CPU simulation with whole groups: a row for each width, since every barrier takes a while.</summary>
[TestFixture]
internal sealed class IlgpuCpuSharedTileAttentionTests
{
    private IlgpuBackend? _backend;

    [OneTimeSetUp]
    public void Open()
    {
        var device = new CPUDevice(4, 256 / 4, 1);
        _backend = new IlgpuBackend(IlgpuBackend.CreateContext(b => b.CPU(device)), device, "ilgpu-cpu") { Tiling = Tiling.SharedAlways };
    }

    [OneTimeTearDown]
    public void Close() => _backend?.Dispose();

    private static readonly string[] Wanted = ["Attention 2x7 heads 3x32", "AttentionBackward 2x7 heads 3x32",
        "Attention 1x16 heads 2x32 steep"];

    private static IEnumerable<OpCase> Rows => CaseList.All.Where(row => Wanted.Contains(row.Name));

    [Test]
    public void The_rows_exist() => Assert.That(Rows.Select(row => row.Name), Is.EquivalentTo(Wanted));

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Assert.That(Comparison.Difference(_backend!, row), Is.Null);
}

internal sealed class AttentionPlanTests
{
    [TestCase("Shared", 256, 64, true, 64)]
    [TestCase("Shared", 256, 256, true, 256)]
    [TestCase("Shared", 64, 32, true, 64)]
    [TestCase("Shared", 256, 96, true, 128)]
    [TestCase("Shared", 256, 132, true, 256)]
    [TestCase("Shared", 256, 5, true, 0)]
    [TestCase("Shared", 16, 64, true, 0)]
    [TestCase("Shared", 256, 64, false, 0)]
    [TestCase("Cache", 256, 64, true, 0)]
    [TestCase("SharedAlways", 1, 4, true, 64)]
    public void The_plan(string tiling, int tokens, int headSize, bool aligned, int width) =>
        Assert.That(AttentionPlan.SharedWidth(Enum.Parse<Tiling>(tiling), new(2, tokens, 3, headSize), aligned), Is.EqualTo(width));

    /// <summary>Both products run at full tiles: four fifths of the main loop are multiply-adds.</summary>
    [Category(MachineCodeTests.Ptxas)]
    [Test]
    public void The_main_loop_is_multiply_adds()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        foreach (var row in KernelCatalog.Rows(KernelCatalog.Find("AttentionShared"), GpuArchitecture.All))
        {
            Assert.That(row.MainLoop!.Ffma, Is.EqualTo(256), "4 values of the sum by 8 x 8");
            Assert.That(row.MainLoop.Ffma, Is.GreaterThan(0.79 * row.MainLoop.Instructions), row.Name);
            Assert.That(row.MainLoop.Lds128, Is.EqualTo(row.MainLoop.Lds), "all loads are of 16 bytes");
            Assert.That(row.SharedBytes, Is.LessThanOrEqualTo(48 << 10));
        }
    }
}
