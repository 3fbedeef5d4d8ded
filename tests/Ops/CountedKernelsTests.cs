using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>Estimates' bytes against those that a virtual GPU counts at their workloads, and what tensor cores have to do.</summary>
[Category("CUDA")]
internal sealed class CountedKernelsTests
{
    private const double Most = 1.15;

    /// <summary>What moves, and of each family that multiplies the smallest tile.</summary>
    private static IEnumerable<string> Kernels() =>
    [
        "SiluKernel", "SiluBackwardBFloat16Kernel", "LinearCombination2x4Kernel", "ScaleShift4BFloat16Kernel", "RoundBFloat16x4Kernel",
        "WidenBFloat16x4Kernel", "GroupNormPartial4Kernel", "GroupNormApply4BFloat16Kernel", "GroupNormMergeMomentsKernel",
        "GroupNormBackwardPartial4BFloat16Kernel", "GroupNormBackwardApply4Kernel", "AdamKernel", "SumOfSquares4Kernel",
        "TrajectoryLossKernel", "TensorRoundedAttention32Bf16Kernel", "TensorRoundedMeasuredConvolution64x64w32x32s4Bf16Kernel",
    ];

    [TestCaseSource(nameof(Kernels))]
    public void Bytes_are_those_of_the_estimate(string kernel)
    {
        if (!DeviceFixtures.IsVirtual(DeviceFixtures.CudaDevice))
            Assert.Ignore("nothing counts without a virtual GPU");
        using var lease = Backends.Borrow(DeviceFixtures.CudaDevice);
        var row = CountedKernels.Of(lease.Backend, [kernel]).Single();
        long declared = Estimates.Costs[kernel].Bytes;
        TestContext.Out.WriteLine($"{row}: declared {declared}, {(double)row.Bytes / declared:0.000}");
        Assert.That((double)row.Bytes / declared, Is.InRange(1 / Most, Most));
        Assert.That(lease.Backend is IlgpuBackend { Precision: Precision.Fp32, ForcedTile: null, ActivationType: ElementType.Float32 },
            "left as it was");
        if (!kernel.Contains("Convolution", StringComparison.Ordinal))
            return;
        // m16n8k16: 2,048 multiply-adds a warp, in whole tiles.
        var model = VirtualGpu.GpuModel.H100;
        Assert.That(row.TensorCycles, Is.EqualTo(Estimates.Layer.Macs / 2048.0 * model.Rates.MatrixCycles).Within(0.01).Percent);
    }

    [Test]
    public void Workloads_are_of_hot_kernels_each_once()
    {
        string[] counted = [.. CountedWorkloads.All.SelectMany(workload => workload.Kernels)];
        Assert.That(counted, Is.Unique);
        Assert.That(counted, Is.SubsetOf(KernelRegistry.BuiltIn.Where(kernel => kernel.Hot).Select(kernel => kernel.Name)));
        // For processors, odd channels, or what a GPU launches at other shapes.
        var others = KernelRegistry.BuiltIn.Where(kernel => kernel.Hot).Select(kernel => kernel.Name).Except(counted).ToList();
        TestContext.Out.WriteLine(string.Join(' ', others));
        Assert.That(others.Where(name => name.StartsWith("Tensor", StringComparison.Ordinal)),
            Is.All.StartsWith("TensorOdd").Or.Match(@"^Tensor(Rounded)?Attention\D*(64|128|256)Bf16"));
    }

    [TestCase(1, 2, 64, false, 10, 14, 10 + 63 * 4), TestCase(1, 2, 64, false, 5, 10, 320)]
    [TestCase(2, 4, 8, true, 2 * 3 + 4 * 5, 4 * 3 + 16 * 5, 8 * 3 + 64 * 5)]
    public void Counts_are_extended(int small, int large, int headline, bool isSquare, double atSmall, double atLarge, long expected)
    {
        var workload = new CountedWorkload([], "images", (small, large), headline, (_, _) => () => { }) { IsSquare = isSquare };
        Assert.That(workload.At(atSmall, atLarge), Is.EqualTo(expected));
    }
}
