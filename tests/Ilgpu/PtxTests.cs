using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Every kernel compiles for NVIDIA GPUs on a machine that has none.</summary>
internal sealed class PtxTests
{
    private static IEnumerable<KernelEntry> Kernels => KernelRegistry.BuiltIn;

    [TestCaseSource(nameof(Kernels))]
    public void Compiles_to_PTX(KernelEntry kernel)
    {
        string ptx = KernelCatalog.Ptx(kernel, GpuArchitecture.Find("sm_80"));
        Assert.That(ptx, Does.Contain(".visible .entry"));
        Assert.That(ptx, Does.Contain($".maxntid {kernel.GroupSize}, 1, 1"), "the assembler knows how many threads share the registers");
        if (!kernel.ExplicitlyGrouped)
            Assert.That(ptx, Does.Not.Contain(".uni"), "threads may part at any branch");
    }
}
