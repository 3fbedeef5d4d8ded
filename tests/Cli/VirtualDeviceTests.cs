using System.Diagnostics;
using BDense.VirtualGpu.Driver.Library;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>The virtual GPU in a process of its own, as a person starts one: it takes the CUDA driver's place in all of a process.</summary>
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
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "bdense.dll"), .. arguments])
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
        await File.WriteAllTextAsync(network, """{ "resolution": 4, "modelChannels": 4, "channelMultipliers": [1], "blocksPerLevel": 1, "attentionResolutions": [] }""");
        var trained = await Run("train", "--network", network, "--resolution", "4", "--limit", "4", "--steps", "1", "--batch", "1", "--out", run, "--device", device);
        Assert.That(trained.ExitCode, Is.Zero, trained.Error);
        Assert.That(trained.Error.Split("for correctness and not for speed"), Has.Length.EqualTo(2), trained.Error);
        Assert.That(trained.Error + trained.Output, Does.Contain(name));
        Assert.That(Directory.Exists(Path.Combine(run, "checkpoints", "step-000001")));
    }

    [Test]
    public async Task It_is_listed_with_what_it_is()
    {
        var listed = await Run("devices");
        Assert.That(listed.Output + listed.Error, Does.Contain("virtual:a100").And.Contain("interprets and judges kernels"));
    }
}
