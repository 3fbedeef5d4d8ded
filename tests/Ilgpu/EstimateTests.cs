using BDense.Cases.Ops;
using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>The written estimates: every hot kernel has one, and they obey the roofs they are made from.</summary>
internal sealed class EstimateTests
{
    [Test, Category(MachineCodeTests.Ptxas)]
    public void Every_hot_kernel_has_an_estimate_under_its_roof()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var estimates = Estimates.All(out var missing);
        Assert.That(missing, Is.Empty, "hot kernels without an estimate: add a case to Estimates");
        foreach (var e in estimates)
        {
            var gpu = GpuModel.All.Single(g => g.Name == e.Gpu);
            Assert.That(e.RoofShare, Is.InRange(0.005, 1), e.Kernel);
            Assert.That(e.Milliseconds, Is.GreaterThanOrEqualTo(0.999999 * e.Bytes / gpu.Bandwidth / 1e9),
                $"{e.Kernel}: faster than memory");
            Assert.That(e.Milliseconds, Is.GreaterThanOrEqualTo(0.999999 * e.Flops / (2 * gpu.Tf32) / 1e9),
                $"{e.Kernel}: faster than the tensor cores");
        }
    }

    [Test]
    public void Shapes_are_rows_of_the_case_list() => Assert.Multiple(() =>
    {
        Assert.That(Conv2dCases.Huge, Does.Contain(Estimates.Layer));
        Assert.That(MatMulCases.Huge, Does.Contain(Estimates.Product));
        Assert.That(AttentionCases.Huge, Does.Contain(Estimates.Tokens));
    });

    [Test, Category(MachineCodeTests.Ptxas)]
    public void What_only_moves_is_limited_by_memory_and_what_multiplies_is_not()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var limiters = Estimates.All(out _).Where(e => e.Gpu.StartsWith("H100", StringComparison.Ordinal))
            .ToDictionary(e => e.Kernel, e => e.Limiter);
        Assert.That(limiters["SiluKernel"], Is.EqualTo("memory"));
        Assert.That(limiters["AdamKernel"], Is.EqualTo("memory"));
        Assert.That(limiters["ConvSharedTileKernel"], Is.EqualTo("multiply-adds"));
        Assert.That(limiters["TensorConvolution128x128w64x64s3Tf32Kernel"], Is.AnyOf("tensor cores", "shared memory", "L2 cache"));
        Assert.That(limiters["WarpgroupConvolution128x256g2s4Bf16Kernel"], Is.AnyOf("tensor cores", "L2 cache"));
    }
}
