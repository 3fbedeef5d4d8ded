using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Ops;
using BDense.Tests.Training;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary><c>bdense tune</c> from the command line to the file, and from the file to the next run's choices.</summary>
[TestFixture("ilgpu-cpu"), TestFixture("opencl", Category = "OpenCL")]
internal sealed class TuneTests(string device)
{
    private TemporaryFolder _folder = null!;
    private string? _cache;

    [SetUp]
    public void Create()
    {
        _folder = new TemporaryFolder();
        _cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _folder.Path);
    }

    [TearDown]
    public void Delete()
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _cache);
        _folder.Dispose();
    }

    [Test]
    public async Task Choices_are_remembered_for_the_device()
    {
        Backends.Open(device).Dispose();
        string network = Path.Combine(_folder.Path, "tiny.json");
        // One level of 8 channels: a choice of tiles, and few of the simulation's barriers.
        File.WriteAllText(network, (TinyRuns.Config with
        {
            Resolution = 2,
            ChannelMultipliers = [1],
            AttentionResolutions = [],
            EmbeddingMultiplier = 1,
            Dropout = 0,
        }).ToJson());
        var run = await CliRun.Succeeds("tune", "--network", network, "--batch", "1", "--branches", "2", "--device", device, "--json");
        string file = (string)run.Json["file"]!;
        Assert.That(file, Does.StartWith(_folder.Path).And.Exist);
        var rows = run.Json["rows"]!.AsArray();
        Assert.That(rows, Is.Not.Empty);
        foreach (var row in rows)
        {
            Assert.That(((int)row!["candidates"]!, (double)row["milliseconds"]!), Is.GreaterThan((1, 0.0)));
            Assert.That((double)row["milliseconds"]!, Is.LessThanOrEqualTo((double)row["ruleMilliseconds"]!), "the rule's is among them");
        }

        // The next process: what the file says is what the device takes.
        using var backend = (IlgpuBackend)DeviceCatalog.Open(device);
        Assert.That((backend.Notice, backend.TuningFile), Is.EqualTo(((string?)null, file)));
        using var net = new Network(backend, NetworkConfig.FromJson(File.ReadAllText(network), "tiny") with { Branches = 2 }, seed: 1);
        using Tensor x = backend.Zeros(new Shape(1, 2, 2, 3)), noise = backend.Zeros(new Shape(1));
        using (var tape = Tape.For(net, recording: false))
            net.Forward(tape, tape.Input(x), noise);
        var tuned = rows.ToDictionary(r => ((int)r!["m"]!, (int)r["n"]!, (int)r["steps"]!, (string)r["operation"]!),
            r => (string)r!["tile"]!);
        var decided = backend.Decided.Where(d => tuned.ContainsKey((d.Key.M, d.Key.N, d.Key.Steps, d.Key.Operation))).ToList();
        Assert.That(decided, Is.Not.Empty);
        foreach (var (key, choice) in decided)
            Assert.That(choice.Tile, Is.EqualTo(tuned[(key.M, key.N, key.Steps, key.Operation)]));
    }
}
