using BDense.Cases.Checking;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// Where ptxas is installed, every kernel's machine code is held to limits and to the figures on record. Two compilers' work for both
/// architectures takes minutes: it is .ci/run's, with ptxas.runsettings.
/// </summary>
[Category(Ptxas)]
[TestFixture("sm_80"), TestFixture("sm_90")]
internal sealed class MachineCodeTests(string architecture)
{
    /// <summary>Of tests that need ptxas.</summary>
    public const string Ptxas = "ptxas";

    private readonly GpuArchitecture _architecture = GpuArchitecture.Find(architecture);
    private Lazy<Dictionary<string, KernelRow>> _rows = null!;

    private static IEnumerable<KernelEntry> Kernels => KernelRegistry.BuiltIn;

    [OneTimeSetUp]
    public void Prepare()
    {
        _rows = new(() => KernelCatalog.Rows(Kernels.Select(k => k.Name), [_architecture]).ToDictionary(row => row.Name));
    }

    private KernelRow Row(string kernel)
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        Assume.That(_rows.Value, Does.ContainKey(kernel), $"{kernel} is not for {architecture}");
        return _rows.Value[kernel];
    }

    [TestCaseSource(nameof(Kernels))]
    public void Assembles_without_spills_or_stack(KernelEntry kernel)
    {
        var row = Row(kernel.Name);
        Assert.That(row.Registers, Is.GreaterThan(0));
        Assert.That(KernelChecks.Of(row), Is.Empty);
    }

    /// <summary>
    /// Figures as they were recorded: worse ones fail, better ones ask to be recorded. They belong to one version of ptxas.
    /// </summary>
    [Test]
    public void Figures_on_record()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var rows = Kernels.Where(k => k.RunsOn(_architecture)).Select(k => _rows.Value[k.Name]).ToList();
        Assume.That(rows, Has.All.Matches<KernelRow>(row => row?.Whole is not null),
            "nvdisasm is not on PATH; it comes with the CUDA toolkit");
        if (Environment.GetEnvironmentVariable("BDENSE_RECORD") == "1")
        {
            MachineCodeRecord.Write(architecture, rows);
            return;
        }
        var record = MachineCodeRecord.Read();
        Assume.That(record.Assembler, Is.EqualTo(KernelCatalog.AssemblerVersion), "another ptxas gives other figures");
        var lines = MachineCodeRecord.Compare(record, architecture, rows);
        Assert.That(lines, Is.Empty, $"{string.Join('\n', lines)}\n{MachineCodeRecord.HowTo}");
    }
}
