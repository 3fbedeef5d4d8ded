using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using NUnit.Framework;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>What ptxas makes of kernels for sm_90a. Their rows are written to the test's output.</summary>
[TestFixture, Category("ptxas")]
internal sealed class HopperMachineCodeTests
{
    private static IEnumerable<TestCaseData> Kernels => HopperKernels.All.Select(kernel => new TestCaseData(kernel).SetArgDisplayNames(
        kernel.Name));

    /// <summary>No stack, no spill; products that are not serialised (ptxas would say so, C7515); four a step and block of 64 rows.
    /// </summary>
    [TestCaseSource(nameof(Kernels))]
    public void Products_run_on(IWrittenKernel kernel)
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var assembled = Assembler.Assemble(kernel.Write().Text, GpuArchitecture.Find("sm_90"));
        Assert.That(assembled.Warnings, Is.Empty);
        Assert.That((assembled.Stack, assembled.Spills), Is.EqualTo((0, 0)));
        var (first, last) = assembled.Sass!.MainLoop!.Value;
        var loop = InstructionCounts.Of([.. assembled.Sass.Code.Skip(first).Take(last - first + 1)]);
        TestContext.Out.WriteLine($"{kernel.Name}: {assembled.Registers} registers, {loop.Hgmma} HGMMA of {loop.Instructions} "
            + $"instructions a step, {kernel.SharedBytes} shared bytes");
        Assert.That(loop.Hgmma, Is.EqualTo(4 * (kernel is BulkProductKernel { Tile.Blocks: var blocks } ? blocks : 1)));
        Assert.That(loop.Instructions, Is.LessThan(160), "nothing but products, the wait for a stage and, in rung 11, copies");
        Assert.That(loop.Local, Is.Zero);
        Assert.That(kernel.SharedBytes, Is.LessThanOrEqualTo(227 << 10));
    }

    private static IEnumerable<TestCaseData> Attention => KernelRegistry.BuiltIn.Select(entry => entry.Written)
        .OfType<WarpgroupAttentionKernel>().Select(kernel => new TestCaseData(kernel).SetArgDisplayNames(kernel.Name));

    /// <summary>The same of attention, whose main loop has a block's products, and one multiply-add a score for its exponent.</summary>
    [TestCaseSource(nameof(Attention))]
    public void Attention_runs_on(IWrittenKernel of)
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var kernel = (WarpgroupAttentionKernel)of;
        var assembled = Assembler.Assemble(kernel.Write().Text, GpuArchitecture.Find("sm_90"));
        Assert.That(assembled.Warnings, Is.Empty);
        Assert.That((assembled.Stack, assembled.Spills), Is.EqualTo((0, 0)));
        var (first, last) = assembled.Sass!.MainLoop!.Value;
        var loop = InstructionCounts.Of([.. assembled.Sass.Code.Skip(first).Take(last - first + 1)]);
        TestContext.Out.WriteLine($"{kernel.Name}: {assembled.Registers} registers, {loop.Hgmma} HGMMA of {loop.Instructions} "
            + $"instructions a block, {kernel.SharedBytes} shared bytes");
        Assert.That(loop.Hgmma, Is.EqualTo(kernel.Products));
        Assert.That(loop.Ffma, Is.EqualTo(kernel.Block / 2));
        Assert.That(loop.Local, Is.Zero);
        Assert.That(kernel.SharedBytes, Is.LessThanOrEqualTo(227 << 10));
    }
}
