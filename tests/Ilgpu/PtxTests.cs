using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Every kernel compiles for NVIDIA GPUs on a machine that has none; where ptxas is installed, it assembles without spilling.</summary>
[TestFixture("sm_80"), TestFixture("sm_90")]
internal sealed partial class PtxTests(string architecture)
{
    private Context _context = null!;
    private PTXBackend _backend = null!;

    private static IEnumerable<KernelEntry> Kernels => KernelRegistry.All;

    [OneTimeSetUp]
    public void CreateBackend()
    {
        _context = IlgpuBackend.CreateContext(_ => { });
        // PTX 7.8 is what the assembler of CUDA 11.8 takes, the oldest that knows sm_90. No libdevice: the kernels call none of it.
        _backend = new PTXBackend(_context, architecture == "sm_90" ? CudaArchitecture.SM_90 : CudaArchitecture.SM_80, CudaInstructionSet.ISA_78, null!);
    }

    [OneTimeTearDown]
    public void Dispose()
    {
        _backend?.Dispose();
        _context?.Dispose();
    }

    [TestCaseSource(nameof(Kernels))]
    public void Compiles_to_PTX(KernelEntry kernel) => Assert.That(Compile(kernel), Does.Contain(".visible .entry"));

    [TestCaseSource(nameof(Kernels))]
    public void Assembles_without_spilling(KernelEntry kernel)
    {
        string folder = Directory.CreateTempSubdirectory("bdense-ptx-").FullName;
        try
        {
            string source = Path.Combine(folder, "kernel.ptx");
            File.WriteAllText(source, Compile(kernel));
            string report = Assemble(source, Path.Combine(folder, "kernel.cubin"));
            var usage = Usage().Match(report);
            var registers = Registers().Match(report);
            Assert.That(usage.Success && registers.Success, report);
            TestContext.Out.WriteLine($"{kernel.Name} {architecture}: {registers.Groups[1].Value} registers, {usage.Groups[1].Value} bytes of stack");
            Assert.That(int.Parse(usage.Groups[2].Value), Is.Zero, $"bytes spilled: {report}");
            Assert.That(int.Parse(usage.Groups[1].Value), Is.Zero, $"bytes of stack, an array that the kernel indexes: {report}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string Compile(KernelEntry kernel)
    {
        var compiled = (PTXCompiledKernel)_backend.Compile(kernel.EntryPoint, new KernelSpecialization(kernel.GroupSize, null));
        return compiled.PTXAssembly;
    }

    private string Assemble(string source, string target)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ptxas", ["-v", $"-arch={architecture}", source, "-o", target])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            var output = process.StandardOutput.ReadToEndAsync();
            string report = process.StandardError.ReadToEnd() + output.Result;
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, report);
            return report;
        }
        catch (Win32Exception)
        {
            Assert.Ignore("ptxas is not on PATH; it comes with the CUDA toolkit");
            throw;
        }
    }

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores")]
    private static partial Regex Usage();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();
}

/// <summary>The registry holds every kernel: what is launched but not in it would be compiled by no test.</summary>
internal sealed class KernelRegistryTests
{
    [Test]
    public void Every_method_with_a_thread_index_is_registered()
    {
        var kernels = typeof(IlgpuBackend).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(void) && method.GetParameters().FirstOrDefault()?.ParameterType == typeof(Index1D));
        Assert.That(kernels.Select(method => method.Name), Is.EquivalentTo(KernelRegistry.All.Where(k => !k.ExplicitlyGrouped).Select(k => k.Name)));
    }

    [Test]
    public void Names_are_unique() => Assert.That(KernelRegistry.All.Select(k => k.Name), Is.Unique);

    [Test]
    public void Group_sizes_are_whole_warps() => Assert.That(KernelRegistry.All, Has.All.Matches<KernelEntry>(k => k?.GroupSize is 32 or 64 or 96 or 128 or 256 or 512 or 1024));
}
