using System.Text.Json.Nodes;
using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary><c>bdense kernels</c>: its rows and the page of one kernel.</summary>
public sealed class KernelsTests
{
    [Test]
    public async Task A_kernel_by_its_short_name_on_both_architectures()
    {
        var run = await CliRun.Succeeds("kernels", "fill", "--json");
        var rows = run.Json["kernels"]!.AsArray();
        Assert.That(rows.Select(r => $"{r!["name"]} {r["architecture"]}"), Is.EqualTo(new[] { "FillKernel sm_80", "FillKernel sm_90" }));
        foreach (JsonNode? row in rows)
        {
            // The names that scripts rely on, in this order.
            Assert.That(row!.AsObject().Select(field => field.Key), Is.EqualTo(new[]
            {
                "name", "hot", "architecture", "groupSize", "registers", "stack", "spills", "sharedBytes", "occupancy", "instructions",
                "hmma", "hgmma", "ffma", "ldg", "ldg128", "stg", "stg128", "lds", "lds128", "sts", "ldsm", "ldgsts", "local",
                "barriers", "mainLoop",
            }));
            if (KernelCatalog.AssemblerVersion is not null)
                Assert.That(row["spills"]!.GetValue<int>(), Is.Zero);
        }
    }

    [Test]
    public async Task The_page_holds_source_and_PTX_linked()
    {
        using var folder = new TemporaryFolder();
        string page = Path.Combine(folder.Path, "silu.html");
        await CliRun.Succeeds("kernels", "SiluKernel", "--arch", "sm_80", "--html", page);
        string text = await File.ReadAllTextAsync(page);
        Assert.That(text, Does.Contain("static void SiluKernel(").And.Contain(".visible .entry Kernel_SiluKernel"));
        Assert.That(text, Does.Match("data-s=\"Ilgpu/Elementwise/Silu.cs:[0-9]+\" data-p="), "PTX linked to C#");
        Assert.That(text, Does.Not.Contain("src/Kernels"), "no path of the machine that built it");
        Assert.That(text, Does.Not.Contain("http"), "nothing from elsewhere");
        if (KernelCatalog.AssemblerVersion is not null)
            Assert.That(text, Does.Contain("MUFU.EX2"), "SASS");
    }

    [TestCase("no kernel 'Nothing'", "kernels", "Nothing")]
    [TestCase("there is no architecture 'sm_20'; did you mean 'sm_80'? There are sm_80, sm_90", "kernels", "--arch", "sm_20")]
    [TestCase("--html shows one kernel", "kernels", "Conv", "--html", "x.html")]
    public async Task Wrong_names_are_usage_errors(string message, params string[] args)
    {
        var run = await CliRun.Of(args);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Message, Does.Contain(message));
    }
}
