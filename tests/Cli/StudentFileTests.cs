using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Tests.Solvers;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>Networks of several heads from their files: our own exports, and the B-DENSE authors' state_dict.</summary>
public sealed class StudentFileTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task Prepare()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1, "stepCondition": true }""");
        await CliRun.Succeeds("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "64", "--steps", "2", "--batch", "4",
            "--out", In("teacher"), "--device", "cpu", "--threads", "1");
        await Distil("sfd", "--branches 4 --nfe 2");
        await Distil("sfd-v", "--method sfd-v --branches 2 --nfe 2,3");
        await Distil("pd", "--method pd --branches 2 --nfe 2 --limit 64 --resolution 8");
        await Distil("plain", "--nfe 2");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    private async Task Distil(string name, string options) =>
        await CliRun.Succeeds(["distill", "--teacher", In("teacher"), "--updates", "3", "--batch", "4", "--out", In(name), "--device",
            "cpu", "--threads", "1", .. options.Split(' ')]);

    private async Task<float[]> Raw(string model, string options = "")
    {
        string raw = In($"{Guid.NewGuid():N}.npz");
        await CliRun.Succeeds(["sample", "--model", In(model), "--count", "3", "--out", In("grid.png"), "--raw", raw, "--device", "cpu",
            "--threads", "1", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        return Npz.Read(raw)["images"].ToSingle();
    }

    [TestCase("sfd", "")]
    [TestCase("sfd-v", "--nfe 3")]
    [TestCase("pd", "")]
    [TestCase("plain", "")]
    public async Task An_export_samples_as_its_run(string run, string nfe)
    {
        string export = $"export-{run}";
        await CliRun.Succeeds(["export", "--model", In(run), "--out", In(export), "--device", "cpu",
            .. nfe.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        float[] expected = await Raw(run, nfe);
        Assert.That(await Raw(export), Is.EqualTo(expected));
        Assert.That(await Raw($"{export}/model.safetensors"), Is.EqualTo(expected), "the file in it too");
        Assert.That(await Raw(export, "--folded"), Is.EqualTo(expected).Within(1e-4f));
        await Refused(2, "--solver is for a teacher", export, "--solver", "heun");
        await Refused(2, "is of a student of NFE", export, "--nfe", "7");
    }

    [Test]
    public async Task A_folded_export_is_a_plain_network()
    {
        await CliRun.Succeeds("export", "--model", In("sfd"), "--interval", "1", "--out", In("folded"), "--device", "cpu");
        Assert.That(await Raw("folded", "--solver euler --steps 2"), Has.Length.EqualTo(3 * 3 * 64));
    }

    [Test]
    public async Task Older_exports_do_not_say_how_heads_follow_each_other()
    {
        await CliRun.Succeeds("export", "--model", In("sfd"), "--out", In("older"), "--device", "cpu");
        float[] expected = await Raw("sfd");
        string file = Path.Combine(In("older"), "student.json");
        var node = JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject();
        node.Remove("layout");
        node.Remove("ownSteps");
        await File.WriteAllTextAsync(file, node.ToJsonString());
        await Refused(1, "give --layout chained", "older");
        Assert.That(await Raw("older", "--layout chained"), Is.EqualTo(expected));
        Assert.That(await Raw("older", "--layout parallel"), Is.Not.EqualTo(expected));
    }

    [TestCase("""{"folded":false,"stepCondition":null,"intervals":[]}""", "intervals numbered from 0")]
    [TestCase("""{"folded":false,"stepCondition":null,"intervals":null}""", "field 'intervals': null, and a value is needed")]
    [TestCase("""{"folded":false,"stepCondition":null,"intervals":[null]}""", "null, and a value is needed")]
    [TestCase("""
        {"folded":false,"stepCondition":null,"layout":"chained","intervals":[{"index":0,"analytical":false,
        "sigmas":[80,9,1,0.1]}]}
        """, "divides an interval into 3 steps, and the network beside it has 4 heads")]
    [TestCase("""
        {"folded":false,"stepCondition":null,"layout":"chained","intervals":[{"index":0,"analytical":false,
        "sigmas":[80,9,1,2,0.1]}]}
        """, "falling noise levels")]
    [TestCase("""
        {"folded":false,"stepCondition":7,"layout":"chained","intervals":[{"index":0,"analytical":false,
        "sigmas":[80,9,1,0.5,0.1]}]}
        """, "tells the network of 7 nodes in place of 2")]
    [TestCase("""
        {"folded":false,"stepCondition":null,"layout":"chained","intervals":[{"index":0,"analytical":false,
        "sigmas":[80,9,1,0.5,0.1]},{"index":1,"analytical":false,"sigmas":[0.2,0.1,0.05,0.04,0.03]}]}
        """, "and the next begins at 0.2")]
    public async Task A_file_that_does_not_hold_together_is_refused(string text, string mentioned)
    {
        await CliRun.Succeeds("export", "--model", In("sfd"), "--out", In("damaged"), "--device", "cpu");
        await File.WriteAllTextAsync(Path.Combine(In("damaged"), "student.json"), text);
        await Refused(1, mentioned, "damaged");
    }

    [Test]
    public async Task The_authors_own_state_dict_is_sampled_on_SFDs_levels()
    {
        // Their networks have one parameter more, a number a head, that nothing uses; no configuration, and no word on noise levels.
        string model = Path.Combine(RunFolder.Existing(In("sfd")).Latest!, Checkpoint.ModelFile);
        var file = SafeTensors.Read(model);
        Write("sadd", ("model.log_var_for_learnable_weights", [4], new float[4]));
        Assert.That(await Raw("sadd/network.safetensors", "--nfe 2"), Is.EqualTo(await Raw("sfd")));
        await Refused(2, "has 4 heads and no student.json", "sadd/network.safetensors");

        Write("other", ("model.log_var_for_learnable_weights", [3], new float[3]));
        await Refused(1, "1 surplus: model.log_var_for_learnable_weights", "other/network.safetensors", "--nfe", "2");
        Write("unknown", ("model.another", [4], new float[4]));
        await Refused(1, "1 surplus: model.another", "unknown/network.safetensors", "--nfe", "2");

        void Write(string name, (string, int[], float[]) more) => SafeTensors.Write(In($"{name}/network.safetensors"),
            [.. file.Tensors.Select(t => (t.Key, t.Value.Shape, t.Value.Data)), more],
            new Dictionary<string, string> { ["config"] = file.Metadata["config"] });
    }

    [Test]
    public void The_authors_four_heads_step_as_in_their_code()
    {
        // dsgiitr/SADD, sfd-main/solvers.py, euler_sampler with use_repeats: a chunk of K Euler steps for every evaluation, the first chunk
        // analytical.
        using var backend = new ReferenceBackend(1);
        using var saved = SavedSampler.Load(backend, In("sfd"), new SamplerOptions());
        float[] got = Sampling.Generate(saved.Network, saved.Sampler, ImageDraws.Of(5), 2, 2, saved.Sigma);
        double[] t = EdmSampler.Steps(13, 7, 0.006, 80)[..13];
        using var noise = backend.Empty(new Shape(2, 8, 8, 3));
        ImageDraws.Of(5).Start(noise, 0, 1);
        double[] x = [.. noise.ToArray().Select(v => t[0] * v)];
        var denoiser = new Denoiser(saved.Network);
        for (int chunk = 0; chunk < 3; chunk++)
        {
            double[][]? heads = chunk == 0 ? null : Heads(x, t[4 * chunk]);
            for (int j = 0; j < 4; j++)
            {
                double now = t[4 * chunk + j], next = t[4 * chunk + j + 1];
                x = [.. x.Select((v, e) => v + (next - now) * (heads is null ? v / Math.Sqrt(1 + now * now) : (v - heads[j][e]) / now))];
            }
        }
        Assert.That(got.Zip(x, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(1e-5));

        // D_j = c_skip x + c_out F_j, channel j * 3 + c of the last convolution.
        double[][] Heads(double[] state, double sigma)
        {
            using var tape = Tape.For(saved.Network, recording: false);
            using var s = backend.FromArray([.. state.Select(v => (float)v)], new Shape(2, 8, 8, 3));
            float[] f = denoiser.Heads(tape, s, [sigma]).Data.ToArray();
            double skip = 0.25 / (sigma * sigma + 0.25), scale = sigma * 0.5 / Math.Sqrt(sigma * sigma + 0.25);
            return [.. Enumerable.Range(0, 4)
                .Select(j => state.Select((v, e) => skip * v + scale * f[e / 3 * 12 + j * 3 + e % 3]).ToArray())];
        }
    }

    [Test]
    public void Their_tensors_name_the_catalogues_network()
    {
        var config = NetworkCatalog.FindUNet("sfd-cifar10") with { Branches = 4 };
        var (state, architecture) = Network.Declare(config);
        architecture.Dispose();
        var shapes = state.Keys.ToDictionary(k => k.Name, k => k.Shape);
        shapes["model.log_var_for_learnable_weights"] = [4];
        Assert.That(NetworkCatalog.Identify(shapes).Select(known => known.Config), Is.EqualTo(new[] { config }));
        shapes["model.log_var_for_learnable_weights"] = [5];
        Assert.That(NetworkCatalog.Identify(shapes), Is.Empty);
    }

    private async Task Refused(int exitCode, string mentioned, string model, params string[] options)
    {
        var run = await CliRun.Of(["sample", "--model", In(model), "--count", "2", "--out", In("new.png"), "--device", "cpu", .. options]);
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(mentioned));
        Assert.That(File.Exists(In("new.png")), Is.False);
    }
}
