using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Onnx;
using BDense.Tests.Onnx;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Samplers;
using NUnit.Framework;

namespace BDense.Tests.Cli;

public sealed class ExportTests
{
    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public async Task Distil()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(_folder["tiny.json"], """
            { "family": "ddpm", "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2],
              "blocksPerLevel": 1, "attentionResolutions": [4],
              "groups": 4, "skipScale": 1, "prediction": "eps", "noiseInput": "timestep" }
            """);
        await CliRun.Succeeds("train", "--network", _folder["tiny.json"], "--resolution", "8", "--limit", "64", "--steps", "2", "--batch",
            "4", "--out", _folder["teacher"], "--device", "cpu");
        await CliRun.Succeeds("distill", "--teacher", _folder["teacher"], "--method", "sfd", "--branches", "4", "--nfe", "2", "--updates",
            "2", "--batch", "4",
            "--out", _folder["student"], "--device", "cpu");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public async Task A_student_keeps_its_heads_or_is_folded_for_an_interval()
    {
        using var backend = new ReferenceBackend(1);
        var heads = await CliRun.Succeeds("export", "--model", _folder["student"], "--out", _folder["k4"], "--json", "--device", "cpu");
        Assert.That(heads.Json["format"]!.GetValue<string>(), Is.EqualTo("diffusers"));
        Assert.That(JsonNode.Parse(File.ReadAllText(_folder["k4/unet/config.json"]))!["out_channels"]!.GetValue<int>(), Is.EqualTo(12));
        await CliRun.Succeeds("export", "--model", _folder["student"], "--out", _folder["plain"], "--format", "edm", "--interval", "1",
            "--device", "cpu");
        using INetwork whole = Checkpoint.Load(backend, _folder["k4"]), plain = Checkpoint.Load(backend, _folder["plain"]);
        var student = Student.Load(backend, _folder["student"]);
        using var network = student.Network;
        using var folded = student.Fold(1);
        Assert.That(whole.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()));
        Assert.That(plain.Config.Branches, Is.EqualTo(1));
        Assert.That(plain.Parameters.Values.ToArray(), Is.EqualTo(folded.Parameters.Values.ToArray()));
        var levels = JsonNode.Parse(File.ReadAllText(_folder["plain/student.json"]))!["intervals"]!.AsArray();
        Assert.That(levels.Single()!["sigmas"]!.AsArray().Select(s => s!.GetValue<double>()), Is.EqualTo(student.Grid.Nodes(1)));
    }

    [TestCase("--interval 0", "the first is analytical")]
    [TestCase("--interval 9", "serves the intervals 1 to 2")]
    [TestCase("--format torch", "there are diffusers, edm, onnx")]
    [TestCase("--sampler", "--sampler is a graph, which is written with --format onnx")]
    [TestCase("--format onnx --clip", "--clip goes with --format onnx --sampler")]
    [TestCase("--format onnx --sampler heun", "--solver is for a teacher")]
    [TestCase("--format onnx --sampler --interval 1", "one interval's network")]
    [TestCase("--format onnx --sampler --threshold 0.99", "--threshold is found on the host")]
    [TestCase("--format onnx --sampler --class 3", "has no classes")]
    [TestCase("--format onnx --sampler --nfe 3", "was distilled for NFE 2, not 3")]
    public async Task What_cannot_be_exported_is_a_usage_error(string options, string mentioned)
    {
        var run =
            await CliRun.Of(["export", "--model", _folder["student"], "--out", _folder["nothing"], "--device", "cpu",
                .. options.Split(' ')]);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain(mentioned));
        Assert.That(Directory.Exists(_folder["nothing"]), Is.False);
    }

    [Test]
    public async Task A_student_leaves_as_one_graph_that_makes_our_samples()
    {
        var export = await CliRun.Succeeds("export", "--model", _folder["student"], "--out", _folder["onnx"], "--format", "onnx",
            "--sampler", "--json");
        Assert.That(export.Json["nfe"]!.GetValue<int>(), Is.EqualTo(2));
        Assert.That(Directory.GetFiles(_folder["onnx"]).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "sampler.onnx", "README.md", OnnxExample.PythonFile, OnnxExample.CSharpFile }));
        await CliRun.Succeeds("sample", "--model", _folder["student"], "--count", "3", "--seed", "4", "--raw", _folder["ours.npy"],
            "--out", _folder["ours.png"], "--device", "cpu");
        using var backend = new ReferenceBackend(1);
        using var noise = backend.Empty(new Shape(3, 8, 8, 3));
        ImageDraws.Of(4).Start(noise, 0, 1);
        using var run = new OnnxRun(File.ReadAllBytes(_folder["onnx/sampler.onnx"]));
        float[] theirs = run.Images("noise", noise.ToArray(), noise.Shape).RunPlanes();
        using var ours = File.OpenRead(_folder["ours.npy"]);
        Assert.That(theirs, Is.EqualTo(NpyArray.Read(ours, ours.Length, "ours.npy").ToSingle()).Within(1e-4));
    }

    [Test]
    public async Task A_teacher_leaves_with_the_solver_that_is_asked_for()
    {
        await CliRun.Succeeds("export", "--model", _folder["teacher"], "--out", _folder["euler"], "--format", "onnx", "--sampler", "euler",
            "--steps", "3");
        string card = File.ReadAllText(_folder["euler/README.md"]);
        Assert.That(card, Does.Contain("--solver euler --steps 3").And.Contain("| NFE | 3 |"));
        await CliRun.Succeeds("export", "--model", _folder["teacher"], "--out", _folder["net"], "--format", "onnx", "--device", "cpu");
        using var run = new OnnxRun(File.ReadAllBytes(_folder["net/network.onnx"]));
        Assert.That(run.Inputs, Is.EqualTo(new[] { "x", "sigma" }));
    }
}
