using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests;

/// <summary>
/// A kernel whose PTX is on record is not assembled again: that takes minutes for all of them, and gives the same. Without a record of this
/// assembler, while recording, and where BDENSE_ASSEMBLE is 1, each is.
/// </summary>
[SetUpFixture]
public sealed class KnownMachineCode
{
    [OneTimeSetUp]
    public void Use()
    {
        if (new[] { "BDENSE_RECORD", "BDENSE_ASSEMBLE" }.Any(name => Environment.GetEnvironmentVariable(name) == "1"))
            return;
        var record = Ilgpu.MachineCodeRecord.Read();
        if (record.Assembler != KernelCatalog.AssemblerVersion)
            return;
        var known = record.Kernels.Values.SelectMany(kernels => kernels.Values).ToDictionary(k => k.From, k => k.Row);
        KernelCatalog.Known = known.GetValueOrDefault;
    }
}
