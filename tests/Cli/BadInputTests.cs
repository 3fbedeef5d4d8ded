using System.Text;
using BDense.Model.Checkpoints;
using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// Bad input of every kind through the command line: one line that names the fault, exit code 1 or 2, nothing half-written.
/// </summary>
public sealed class BadInputTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task Prepare()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        await File.WriteAllTextAsync(In("odd.json"), """{ "resolution": 8, "modelChannels": 8, "channelMultiplier": [1] }""");
        await File.WriteAllTextAsync(In("text.txt"), "not a dataset");
        await File.WriteAllTextAsync(In("rising.json"), """{ "kind": "gits", "solver": "ipndm", "sigmas": [1, 2] }""");
        await File.WriteAllBytesAsync(In("empty.zip"), []);
        Npz.Write(In("tall.npz"), ("x", new NpyArray([1, 8, 4], new byte[32])));
        Npz.Write(In("odd.npz"), ("x", new NpyArray([1, 30, 30], new byte[900])));
        await File.WriteAllBytesAsync(In("truncated.npz"), "PK\x03\x04 and no more"u8.ToArray());
        Directory.CreateDirectory(In("empty"));
        Directory.CreateDirectory(In("other"));
        await File.WriteAllTextAsync(Path.Combine(In("other"), "thesis.tex"), "years of work");
        await CliRun.Succeeds("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "32", "--steps", "1", "--batch", "2",
            "--out", In("teacher"), "--device", "cpu");
        string model = Directory.GetFiles(In("teacher"), Checkpoint.ModelFile, SearchOption.AllDirectories)[0];
        byte[] bytes = await File.ReadAllBytesAsync(model);
        await File.WriteAllBytesAsync(In("cut.safetensors"), bytes[..(bytes.Length / 2)]);
        // A network of the right names and another width, under this one's configuration.
        var file = SafeTensors.Read(model);
        string name = file.Tensors.Keys.Order(StringComparer.Ordinal).First(k => file.Tensors[k].Shape.Length == 4);
        int[] half = [file.Tensors[name].Shape[0] / 2, .. file.Tensors[name].Shape[1..]];
        SafeTensors.Write(In("narrow.safetensors"),
            [.. file.Tensors.Select(t => t.Key == name ? (t.Key, half, t.Value.Data[..half.Aggregate(1, (a, b) => a * b)])
                : (t.Key, t.Value.Shape, t.Value.Data))],
            file.Metadata.ToDictionary());
        byte[] lying = [.. bytes];
        BitConverter.TryWriteBytes(lying, 1L << 40);
        await File.WriteAllBytesAsync(In("lying.safetensors"), lying);
        SafeTensors.Write(In("wrong.safetensors"), [("model.something.weight", [2, 2], new float[4])],
            new Dictionary<string, string> { ["config"] = await File.ReadAllTextAsync(In("tiny.json")) });
        string header = """{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}""";
        await File.WriteAllBytesAsync(In("integers.safetensors"),
            [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), 0, 0, 0, 0]);
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    private static readonly object[][] Calls =
    [
        // exit code, what the line must name, the call
        [2, "no verb 'frobnicate'; there are demo, train", "frobnicate"],
        [2, "no verb 'trian'; did you mean 'train'", "trian --steps 3"],
        [2, "a verb comes first, not '--seed'; there are demo, train", "--seed 1"],
        [2, "no kernel 'xyzzy'; 'bdense kernels' without a name lists them", "kernels xyzzy"],
        [2, "distill has no option '--techer'; did you mean '--teacher'", "distill --techer runs/teacher"],
        [2, "no kernel 'ConvTlie8'; did you mean 'ConvTile8'", "kernels ConvTlie8"],
        [2, "no network 'edm-cifr10'; did you mean 'edm-cifar10'", "info --network edm-cifr10"],
        [2, "no solver 'huen'; did you mean 'heun'", "sample --model {}/teacher --solver huen"],
        [2, "no schedule 'polynomal'; did you mean 'polynomial'", "sample --model {}/teacher --schedule polynomal"],
        [2, "no method 'sdf'; did you mean 'sfd'", "distill --teacher {}/teacher --method sdf"],
        [2, "--precision: there is no 'tf23'; did you mean 'tf32'", "train --precision tf23"],
        [1, "@list", "sample --model @list"],
        [2, "--lr must be a number above 0 .*, not '0,001'; decimals come after a point: write 0.001 ", "train --lr 0,001"],
        [2, "--steps must be .*, not '1,000'; write 1000 ", "train --steps 1,000"],
        [2, "--seed must be a whole number from 0 to 18446744073709551615, not '-1' ", "train --seed -1"],
        [2, "--nfe must be .*, not '1000000000000' .in '2,1000000000000'",
            "distill --teacher {}/teacher --method sfd-v --nfe 2,1000000000000"],
        [2, "--teacher-steps must be a whole number from 1 to 65536, not '2147483647'",
            "distill --teacher {}/teacher --method pd --teacher-steps 2147483647 --nfe 2"],
        [2, "--out {}/new.jpg: pictures are written as PNG", "sample --model {}/teacher --steps 2 --count 1 --out {}/new.jpg"],
        [2, "--raw {}/new.txt: arrays are written as .npz or .npy",
            "sample --model {}/teacher --steps 2 --count 1 --out {}/new.png --raw {}/new.txt"],
        [2, "--batch is given 2 times", "sample --model {}/teacher --batch 2 --batch 4 --out {}/new.png"],
        [1, "training 65536 images at once takes about .* GB, .* GB are free .cpu.: a smaller --batch, more --micro-batches or --recompute",
            "train --network edm-cifar10 --resolution 32 --limit 8 --batch 65536 --steps 1 --out {}/new"],
        [2, "1000000000 images of 8 x 8 x 3 are more than one array holds",
            "study --teacher {}/teacher --count 1000000000 --updates 1 --seeds 1 --out {}/new"],
        [2, "--batch must be a whole number from 1 to 65536, not '400000'", "train --batch 400000"],
        [2, "--threads must be a whole number from 0 to 1024, not '2147483647'", "demo --threads 2147483647"],
        [2, "--nodes must be a whole number from 2 to 4096, not '2147483647'", "fit --model {}/teacher --nodes 2147483647"],
        [2, "the built-in dataset has at most 11184810 images of 8 x 8",
            "train --network {}/tiny.json --resolution 8 --limit 1000000000 --out {}/new"],
        [2, "--colour", "train --colour red"],
        [2, "--steps", "train --steps many"],
        [2, "--steps must be a whole number from 1 to 1000000000, not '0'", "train --steps 0"],
        [2, "no network 'resnet'", "info --network resnet"],
        [2, "resnet", "train --network resnet --out {}/new"],
        [2, "--branches must be a whole number from 1 to 8, not '9'", "info --network edm-cifar10 --branches 9"],
        [1, "odd.json: field 'channelMultiplier", "info --network {}/odd.json"],
        [1, "none.json", "info --network {}/none.json"],
        [2, "quantum", "train --device quantum --out {}/new"],
        [1, "cuda:7", "train --device cuda:7 --out {}/new"],
        [2, "--precision: there is no 'fp8'; there are fp32, tf32, bf16", "train --precision fp8 --out {}/new"],
        [1, "precision tf32 needs the tensor cores", "train --precision tf32 --device cpu --out {}/new"],
        [1, "precision bf16 needs the tensor cores", "demo --precision bf16 --device cpu --out {}/new"],
        [1, "precision bf16 needs the tensor cores", "fusion --precision bf16 --device cpu"],
        [1, "precision tf32 needs the tensor cores", "tune --precision tf32 --device ilgpu-cpu"],
        [1, "cpu has no tiles to choose from", "tune --device cpu"],
        [2, "no operation or kernel 'convolve'", "profile convolve"],
        [2, "no operation or kernel 'GroupNormAply4'; did you mean 'GroupNormApply4'", "profile GroupNormAply4"],
        [2, "the shape of conv2d is N x SIZE x C x K x R, for example 4x16x64x64x3; not '4x16'", "profile conv2d --shape 4x16"],
        [2, "only a virtual GPU counts", "profile conv2d --device cpu"],
        [2, "--device is for --html", "kernels Silu --device virtual"],
        [2, "no network 'resnet'", "tune --network resnet --device ilgpu-cpu"],
        [1, "nowhere", "train --data {}/nowhere --out {}/new"],
        [1, "text.txt", "train --data {}/text.txt --out {}/new"],
        [1, "empty.zip", "train --data {}/empty.zip --out {}/new"],
        [1, "truncated.npz", "train --data {}/truncated.npz --out {}/new"],
        [1, "empty", "train --data {}/empty --out {}/new"],
        [1, "16 x 16", "train --network {}/tiny.json --resolution 16 --limit 32 --out {}/new"],
        [1, "tall.npz holds images of 8 x 4 x 1, .*: crop the images to squares",
            "train --data {}/tall.npz --network {}/tiny.json --out {}/new"],
        [1, "the network takes 8 x 8 x 3: give a network with imageChannels 1",
            "train --data {}/odd.npz --network {}/tiny.json --out {}/new"],
        [1, "the network takes 8 x 8 x 3: give --resolution 8", "train --network {}/tiny.json --resolution 16 --limit 32 --out {}/new"],
        [1, "odd.npz: images of 30 rows do not halve .*: give --resolution with a multiple of", "train --data {}/odd.npz --out {}/new"],
        [1, "other holds something else", "train --network {}/tiny.json --resolution 8 --limit 32 --out {}/other"],
        [1, "text.txt is a file", "train --network {}/tiny.json --resolution 8 --limit 32 --out {}/text.txt"],
        [1, "teacher holds a run already", "train --network {}/tiny.json --resolution 8 --limit 32 --out {}/teacher"],
        [1, "cannot be resumed with other options",
            "train --network {}/tiny.json --resolution 8 --limit 32 --steps 9 --out {}/teacher --resume"],
        [1, "cannot (write|create)|denied", "train --network {}/tiny.json --resolution 8 --limit 32 --steps 1 --out /proc/bdense"],
        [2, "--teacher", "distill"],
        [1, "there is no checkpoint {}/nowhere", "distill --teacher {}/nowhere --out {}/new"],
        [2, "no method 'magic'", "distill --teacher {}/teacher --method magic --out {}/new"],
        [2, "--branches must be a whole number from 1 to 8, not '9'", "distill --teacher {}/teacher --branches 9 --out {}/new"],
        [2, "--nfe must be a whole number from 1 to 1024, not '0'", "distill --teacher {}/teacher --nfe 0 --out {}/new"],
        [2, "--nfe must be a whole number from 1 to 1024, not '5000'", "distill --teacher {}/teacher --nfe 5000 --out {}/new"],
        [2, "no branch weights 'lucky'", "distill --teacher {}/teacher --branches 4 --weights lucky --out {}/new"],
        [2, "fixed branch weights", "distill --teacher {}/teacher --branches 4 --weights fixed:1,2 --out {}/new"],
        [2, "n a whole number of 1 or more", "distill --teacher {}/teacher --branches 4 --weights projected:0.5 --out {}/new"],
        [2, "say already how often", "distill --teacher {}/teacher --branches 4 --weights projected --projection 2 --out {}/new"],
        [2, "gradients are projected between 2 branches or more", "distill --teacher {}/teacher --weights projected --out {}/new"],
        [2, "--projection must be a whole number from 0 to 1000000000, not '-1'",
            "distill --teacher {}/teacher --branches 4 --projection -1 --out {}/new"],
        [2, "--nfe is for a student", "fit --model {}/teacher --nfe 2"],
        [2, "there is no 'best' to fit; there are gits, amed-fixed", "fit --model {}/teacher --kind best --out {}/new.json"],
        [2, "a schedule of 1 to 4 steps can be chosen among 5 nodes, not of 6",
            "fit --model {}/teacher --nodes 5 --steps 6 --noises 2 --out {}/new.json"],
        [2, "no solver 'magic'", "fit --model {}/teacher --solver magic --noises 2 --out {}/new.json"],
        [2, "there is no '-0'", "train --precision -0 --out {}/new"],
        [2, "there is no 'fp32,tf32'", "train --precision fp32,tf32 --out {}/new"],
        [1, "none.json: no such file", "sample --model {}/teacher --schedule {}/none.json --out {}/new.png"],
        [1, "tiny.json: field 'resolution'", "sample --model {}/teacher --schedule {}/tiny.json --out {}/new.png"],
        [1, "rising.json: a given schedule has 2 or more falling noise levels, 0 at the lowest, not 1, 2",
            "sample --model {}/teacher --schedule {}/rising.json --out {}/new.png"],
        [1, "rising.json: a given schedule", "distill --teacher {}/teacher --schedule {}/rising.json --out {}/new"],
        [2, "a discrete schedule from .* has no 2401 distinct nodes",
            "distill --teacher {}/teacher --method pd --schedule discrete --resolution 8 --limit 32 --nfe 600 --jump 4 --out {}/new"],
        [2, "4 branches do not divide a step of 6 teacher steps", "distill --teacher {}/teacher --branches 4 --jump 6 --out {}/new"],
        [2, "--fitted is for a student", "sample --model {}/teacher --fitted --out {}/new.png"],
        [2, "no solver 'magic'", "distill --teacher {}/teacher --solver magic --out {}/new"],
        [1, "cut.safetensors", "distill --teacher {}/cut.safetensors --out {}/new"],
        [1, "lying.safetensors", "sample --model {}/lying.safetensors --out {}/new.png"],
        [1, "integers.safetensors", "sample --model {}/integers.safetensors --out {}/new.png"],
        [1, "missing.*surplus", "sample --model {}/wrong.safetensors --out {}/new.png"],
        [1, "narrow.safetensors does not fit the configured network: 1 misshapen: .* is .*, expected",
            "sample --model {}/narrow.safetensors --out {}/new.png"],
        [1, "narrow.safetensors does not fit the configured network: 1 misshapen: .* is .*, expected",
            "distill --teacher {}/narrow.safetensors --out {}/new"],
        [1, "text.txt: not an ONNX network", "distill --teacher {}/teacher --perceptual {}/text.txt --out {}/new"],
        [1, "none.onnx: no such file", "distill --teacher {}/teacher --perceptual {}/none.onnx --out {}/new"],
        [1, "text.txt: no reference statistics", "evaluate --fid --model {}/teacher --reference {}/text.txt"],
        [1, "text.txt: damaged or cut short", "sample --model {}/teacher --noise {}/text.txt --out {}/new.png"],
        [1, "truncated.npz: damaged or cut short", "evaluate --fid --model {}/teacher --reference {}/truncated.npz"],
        [2, "--schedule goes with --fid", "evaluate --model {}/teacher --schedule {}/rising.json"],
        [2, "16 steps do not become 3 by rounds that each take 2 steps in one",
            "distill --teacher {}/teacher --method pd --nfe 3 --teacher-steps 16 --out {}/new"],
        [1, "other is no checkpoint", "sample --model {}/other --out {}/new.png"],
        [2, "no solver 'magic'", "sample --model {}/teacher --solver magic --out {}/new.png"],
        [2, "no schedule 'magic'", "sample --model {}/teacher --schedule magic --out {}/new.png"],
        [2, "--folded is for a student", "sample --model {}/teacher --folded --out {}/new.png"],
        [1, "text.txt", "sample --model {}/teacher --steps 2 --count 1 --out {}/text.txt/new.png"],
        [1, "is not a student", "evaluate --model {}/teacher"],
        [1, "other holds something else than a demo", "demo --quick --out {}/other"],
    ];

    [TestCaseSource(nameof(Calls))]
    public async Task Ends_in_one_line(int exitCode, string names, string call)
    {
        var before = Directory.GetFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order().ToArray();
        var run = await CliRun.Of(call.Replace("{}", _folder.Path, StringComparison.Ordinal).Split(' '));
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
            Assert.That(run.Message, Does.StartWith("bdense: ").And.Match(names.Replace("{}", _folder.Path, StringComparison.Ordinal)));
            Assert.That(run.Error, Does.Not.Contain("   at "), "a stack trace");
            Assert.That(run.Output, Is.Empty);
            var left = Directory.GetFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order().Except(before).ToArray();
            Assert.That(left.Where(f => File.Exists(f)), Is.Empty, "half-written files");
        });
    }

    [Test]
    public async Task A_diverging_run_names_its_step()
    {
        var run = await CliRun.Of("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "32", "--steps", "50", "--batch",
            "2", "--lr", "1e30", "--warmup", "0",
            "--out", In("diverged"), "--device", "cpu");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        Assert.That(run.Message, Does.Match(@"diverged at step \d+"));
    }
}
