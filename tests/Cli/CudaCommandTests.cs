using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Tests.Ops;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>train, distill and sample on CUDA, from the command line to the file.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class CudaCommandTests(string device)
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task Write()
    {
        // Says so where there is no such device; the command then has it to itself.
        Backends.Borrow(device);
        Backends.CloseShared();
        _folder = new TemporaryFolder();
        // Tensor cores take no fewer than 12 channels.
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 32, "channelMultipliers": [1, 1], "blocksPerLevel": 1, "attentionResolutions": [4] }""");
    }

    [OneTimeTearDown]
    public void Clean() => _folder?.Dispose();

    private async Task<byte[]> Train(string name, string precision, params string[] more)
    {
        var run =
            await CliRun.Succeeds(["train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "8", "--steps", "3", "--batch",
                "2", "--out", In(name),
            "--device", device, "--precision", precision, .. more]);
        Assert.That(run.Error, Does.Not.Contain("not captured"));
        return await File.ReadAllBytesAsync(Path.Combine(In(name), "checkpoints", "step-000003", "model.safetensors"));
    }

    [Test]
    public async Task A_training_has_the_same_bits_again_and_replayed([Values("fp32", "tf32", "bf16")] string precision)
    {
        byte[] first = await Train($"first-{precision}", precision);
        Assert.That(await Train($"again-{precision}", precision), Is.EqualTo(first), "again");
        Assert.That(await Train($"replayed-{precision}", precision, "--graph"), Is.EqualTo(first), "replayed");
    }

    [Test]
    public async Task A_student_is_distilled_and_sampled([Values("fp32", "tf32", "bf16")] string precision, [Values] bool graph)
    {
        string name = $"{precision}-{graph}";
        string[] how = ["--device", device, "--precision", precision, .. graph ? new[] { "--graph" } : []];
        await Train($"teacher-{name}", precision);
        await CliRun.Succeeds(["distill", "--teacher", In($"teacher-{name}"), "--method", "sfd", "--branches", "2", "--nfe", "1",
            "--updates", "3", "--batch", "2",
            "--resolution", "8", "--limit", "8", "--out", In($"student-{name}"), .. how]);
        var sampled =
            await CliRun.Succeeds(["sample", "--model", In($"student-{name}"), "--count", "2", "--out", In($"{name}.png"),
                "--json", .. how]);
        Assert.That(sampled.Json["nfe"]!.GetValue<int>(), Is.EqualTo(1));
        Assert.That(File.ReadAllBytes(In($"{name}.png")).AsSpan(1, 3).ToArray(), Is.EqualTo("PNG"u8.ToArray()));
    }

    [Test]
    public void Running_out_of_memory_is_one_line_and_leaves_a_device_that_works()
    {
        using var backend = DeviceCatalog.Open(device);
        var rented = new List<Tensor>();
        var error = Assert.Throws<DeviceMemoryException>(() =>
        {
            while (true)
                rented.Add(backend.Empty(new Shape(1 << 30)));
        })!;
        Assert.That(error.Message, Does.StartWith("out of memory: 4096 MiB wanted").And.Not.Contain("\n"));
        Assert.That(rented, Is.Not.Empty);
        rented.ForEach(tensor => tensor.Dispose());
        using var x = backend.Empty(new Shape(1000));
        backend.Fill(x, 3);
        Assert.That(x.ToArray(), Is.All.EqualTo(3f));
    }
}
