using System.Diagnostics;
using BDense.VirtualGpu.Driver.Library;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// The virtual GPU in a process of its own, as a person starts one: it takes the CUDA driver's place in all of a process.
/// </summary>
internal sealed class VirtualDeviceTests
{
    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public void Make()
    {
        if (!VirtualLibrary.IsSupported)
            Assert.Ignore("the virtual GPU needs Linux on x86-64");
        _folder = new TemporaryFolder();
    }

    [OneTimeTearDown]
    public void Clean() => _folder?.Dispose();

    private static async Task<CliRun> Run(params string[] arguments)
    {
        using var process =
            Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "bdense.dll"), .. arguments])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return new CliRun(process.ExitCode, await output, await error);
    }

    [TestCase("virtual", "virtual H100"), TestCase("virtual:a100", "virtual A100")]
    public async Task A_network_is_trained_and_the_notice_stands_there_once(string device, string name)
    {
        string network = Path.Combine(_folder.Path, "tiny.json"), run = Path.Combine(_folder.Path, name);
        await File.WriteAllTextAsync(network,
            """{ "resolution": 4, "modelChannels": 4, "channelMultipliers": [1], "blocksPerLevel": 1, "attentionResolutions": [] }""");
        var trained = await Run("train", "--network", network, "--resolution", "4", "--limit", "4", "--steps", "1", "--batch", "1", "--out",
            run, "--device", device);
        Assert.That(trained.ExitCode, Is.Zero, trained.Error);
        Assert.That(trained.Error.Split("for correctness and not for speed"), Has.Length.EqualTo(2), trained.Error);
        Assert.That(trained.Error + trained.Output, Does.Contain(name));
        Assert.That(Directory.Exists(Path.Combine(run, "checkpoints", "step-000001")));
    }

    [Test]
    public async Task Tiles_are_not_timed_by_an_interpreter()
    {
        var run = await Run("tune", "--device", "virtual");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Does.Contain("virtual interprets kernels: their times say nothing of a GPU's"));
    }

    [Test]
    public async Task A_profile_tells_what_a_copy_moves_and_which_lines_do()
    {
        var run = await Run("profile", "copy", "--shape", "4096", "--lines", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var pass = run.Json["passes"]![0]!;
        Assert.Multiple(() =>
        {
            Assert.That(pass["declaredBytesRead"]!.GetValue<long>(), Is.EqualTo(16384));
            Assert.That(pass["memoryBytesRead"]!.GetValue<long>(), Is.EqualTo(16384));
            Assert.That(pass["memoryBytesWritten"]!.GetValue<long>(), Is.EqualTo(16384));
            Assert.That(pass["launches"]![0]!["lines"]!.AsArray().Select(line => $"{line!["file"]}"),
                Does.Contain("Ilgpu/Trajectory/LinearCombination.cs"));
        });
    }

    [Test]
    public async Task A_kernel_is_profiled_by_its_name_and_its_page_has_counts_beside_the_lines()
    {
        string page = Path.Combine(_folder.Path, "silu.html");
        var run = await Run("profile", "SiluBackward", "--shape", "1024", "--html", page);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        string text = await File.ReadAllTextAsync(page);
        Assert.That(text, Does.Contain("Counted on a virtual GPU, silu 1024").And.Not.Contain("counts stand beside C# alone"));
        Assert.That(text, Does.Match("instructions of warps, 32 lanes each"));
        Assert.That(run.Output, Does.Contain("SiluBackward").And.Not.Contain("SiluKernel"));
    }

    [Test]
    public async Task Fusions_are_counted_beside_what_they_declare()
    {
        var run = await Run("fusion", "--device", "virtual", "--quick", "--only", "groupnorm-silu", "--batch", "1", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var row = run.Json["rows"]![0]!;
        Assert.That(row["memoryBytesUnfused"]!.GetValue<long>(), Is.GreaterThan(row["memoryBytesFused"]!.GetValue<long>()));
        Assert.That(row["declaredBytesFused"]!.GetValue<long>(), Is.Positive);
    }

    [Test]
    public async Task It_is_listed_with_what_it_is()
    {
        var listed = await Run("devices");
        Assert.That(listed.Output + listed.Error, Does.Contain("virtual:a100").And.Contain("interprets and judges kernels"));
    }
}
