using BDense.Tests.Data;
using BDense.Tests.Data.Preparing;
using BDense.Training.Data;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Cli;

/// <summary><c>bdense data</c> through the command line.</summary>
public sealed class DataCommandTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => _folder[name];

    [SetUp]
    public void SetUp()
    {
        _folder = new TemporaryFolder();
        _folder.Write("photos/cat/0.png", PreparedImages.Colourful(20, 16));
        _folder.Write("photos/cat/1.png", PreparedImages.Encode(16, 16, (x, y) => new SKColor(9, 9, 9, 100)));
        _folder.Write("photos/dog/0.png", PreparedImages.Colourful(12, 12, 5));
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public async Task Prepared_shown_and_trained_with()
    {
        var made = await CliRun.Succeeds("data", "prepare", In("photos"), "--crop", "center", "--resolution", "16", "--out", In("set.zip"),
            "--json");
        Assert.That((made.Json["count"]!.GetValue<int>(), made.Json["height"]!.GetValue<int>(), made.Json["cropped"]!.GetValue<int>(),
            made.Json["enlarged"]!.GetValue<int>(), made.Json["transparent"]!.GetValue<int>()), Is.EqualTo((3, 16, 1, 1, 1)));
        var shown = await CliRun.Succeeds("data", "show", In("set.zip"), "--out", In("grid.png"), "--json");
        var data = Dataset.Open(In("set.zip"));
        Assert.That(shown.Json["fingerprint"]!.GetValue<string>(), Is.EqualTo(data.Fingerprint));
        Assert.That(shown.Json["classes"]!.AsArray().Select(c => (c!["name"]!.GetValue<string>(), c["count"]!.GetValue<int>())),
            Is.EqualTo(new[] { ("cat", 2), ("dog", 1) }));
        float[] values = data.ToArray(0, 3);
        double mean = values.Average(v => (double)v), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        var all = shown.Json["values"]!;
        Assert.That(all["mean"]!.GetValue<double>(), Is.EqualTo(mean).Within(1e-9));
        Assert.That(all["deviation"]!.GetValue<double>(), Is.EqualTo(deviation).Within(1e-9));
        Assert.That((all["least"]!.GetValue<double>(), all["greatest"]!.GetValue<double>()),
            Is.EqualTo(((double)values.Min(), (double)values.Max())));
        using var grid = SKBitmap.Decode(In("grid.png"));
        Assert.That(grid.Height, Is.GreaterThan(2 * 56), "a row a class");
        await CliRun.Succeeds("train", "--data", In("set.zip"), "--steps", "1", "--batch", "2", "--out", In("run"), "--device", "cpu");
    }

    [Test]
    public async Task People_are_told_what_was_done()
    {
        var run = await CliRun.Succeeds("data", "prepare", In("photos"), "--crop", "center", "--resolution", "16", "--background", "white",
            "--filter", "bicubic", "--out", In("set"));
        Assert.That(run.Output, Does.Contain("3 images of 16 x 16 x 3, 2 classes: cat, dog").And.Contain("1 cropped")
            .And.Contain("1 made larger").And.Contain("1 had transparent pixels, which are white now"));
        Assert.That(run.Output, Does.Not.Contain("made smaller").And.Not.Contain("turned"), "what did not happen is not said");
    }

    [Test]
    public async Task What_to_type_next_is_one_word_for_a_shell()
    {
        string path = In("my set.zip");
        var run = await CliRun.Succeeds("data", "prepare", In("photos"), "--crop", "center", "--resolution", "8", "--out", path);
        Assert.That(run.Output, Does.Contain($"bdense data show '{path}' shows it, bdense train --data '{path}' trains with it"));
    }

    [Test]
    public async Task What_is_asked_for_anew_comes_in_place_of_what_was()
    {
        string[] call = ["data", "prepare", In("photos"), "--crop", "center", "--out", In("set.zip")];
        await CliRun.Succeeds([.. call, "--resolution", "8"]);
        await CliRun.Succeeds([.. call, "--resolution", "4"]);
        Assert.That(Dataset.Open(In("set.zip")).Height, Is.EqualTo(4));
    }

    [Test]
    public async Task The_built_in_dataset_is_shown_and_one_without_classes()
    {
        var scenes = await CliRun.Succeeds("data", "show", "--limit", "40", "--out", In("scenes.png"));
        Assert.That(scenes.Output,
            Does.Contain("40 of 16 x 16 x 3").And.Contain("classes      10").And.Match(@"4 images  ball|images  ball"));
        Npz.Write(In("latents.npz"), ("x", new NpyArray([2, 4, 8, 8], Enumerable.Range(0, 512).Select(i => i / 512f - 0.5f).ToArray())));
        var latents = await CliRun.Succeeds("data", "show", In("latents.npz"), "--out", In("latents.png"));
        Assert.That(latents.Output, Does.Contain("2 of 8 x 8 x 4").And.Contain("classes      none").And.Contain("channel 3"));
        Assert.That(File.Exists(In("latents.png")));
    }

    [TestCase("data")]
    [TestCase("data sources")]
    public async Task Sources_say_where_from_and_what_to_type(string call)
    {
        var run = await CliRun.Succeeds(call.Split(' '));
        Assert.That(run.Output, Does.Contain("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz").And.Contain("licence")
            .And.Contain("https://github.com/NVlabs/ffhq-dataset").And.Contain("train-images-idx3-ubyte.gz").And.Contain("ILSVRC"));
    }

    /// <summary>Every line that is to be typed is one that the command line takes: networks, options and verbs in it exist.</summary>
    [Test]
    public async Task What_is_to_be_typed_is_understood()
    {
        var sources = (await CliRun.Succeeds("data", "sources", "--json")).Json["datasets"]!.AsArray();
        string[] commands = [.. sources.SelectMany(s => s!["commands"]!.AsArray()).Select(c => c!.GetValue<string>())
            .Where(c => c.StartsWith("bdense ", StringComparison.Ordinal))];
        Assert.That(commands, Has.Length.GreaterThan(7));
        foreach (string command in commands)
        {
            var parse = BDense.Cli.Program.Root(new BDense.Cli.Terminal.Ui(TextWriter.Null, TextWriter.Null))
                .Parse(command["bdense ".Length..]);
            Assert.That(parse.Errors.Select(e => e.Message), Is.Empty, command);
            if (command.Split("--network ") is [_, var network])
                Assert.That(BDense.Model.Networks.NetworkCatalog.Names, Does.Contain(network.Split(' ')[0]));
        }
    }

    /// <summary>The layout as published: the recipe makes no classes of it, and its note says how the three come about.</summary>
    [TestCase("afhq_v2 --unlabelled", 6, "")]
    [TestCase("afhq_v2", 6, "test/cat,test/dog,test/wild,train/cat,train/dog,train/wild")]
    [TestCase("afhq_v2/train", 3, "cat,dog,wild")]
    public async Task Afhq_is_prepared_without_classes_or_with_its_three(string what, int count, string classes)
    {
        foreach (string part in new[] { "train", "test" })
        {
            foreach (string animal in new[] { "cat", "dog", "wild" })
                _folder.Write($"afhq_v2/{part}/{animal}/0.png", PreparedImages.Colourful(8, 8));
        }
        var made =
            await CliRun.Succeeds(["data", "prepare", .. In(what).Split(' '), "--resolution", "4", "--out", In("afhq.zip"), "--json"]);
        Assert.That(made.Json["count"]!.GetValue<int>(), Is.EqualTo(count));
        Assert.That(string.Join(',', made.Json["classes"]!.AsArray().Select(c => c!.GetValue<string>())), Is.EqualTo(classes));
    }

    [Test]
    public async Task ImageNet_is_limited_when_it_is_prepared()
    {
        var source = (await CliRun.Succeeds("data", "sources", "imagenet64", "--json")).Json["datasets"]![0]!;
        string[] commands = [.. source["commands"]!.AsArray().Select(c => c!.GetValue<string>())];
        Assert.That(commands.Single(c => c.Contains("data prepare", StringComparison.Ordinal)), Does.Contain("--limit 170000"));
        Assert.That(commands.Single(c => c.Contains("bdense train", StringComparison.Ordinal)), Does.Not.Contain("--limit"));
    }

    private static readonly object[][] Calls =
    [
        [2, "there is no verb 'data prepar'; did you mean 'prepare'? There are prepare, show, sources (see 'bdense data --help')",
            "data prepar photos"],
        [2, "no source of a dataset 'cifar' is known; did you mean 'cifar10'? There are cifar10, mnist", "data sources cifar"],
        [2, "data prepare has no option '--resoluton'; did you mean '--resolution'? (see 'bdense data prepare --help')",
            "data prepare {}/photos --out {}/new.zip --resoluton 8"],
        [2, "--resolution must be a whole number from 1 to 4096, or two as 512x384 (width x height), not '8x'",
            "data prepare {}/photos --out {}/new.zip --resolution 8x"],
        [2, "--crop: there is no 'centre'; did you mean 'center'? There are none, center, wide",
            "data prepare {}/photos --out {}/new.zip --crop centre"],
        [2, "--filter: there is no 'lanczos3'; did you mean 'lanczos'?", "data prepare {}/photos --out {}/new.zip --filter lanczos3"],
        [2, "--background must be black, white, or six digits as ff8000, not 'red'",
            "data prepare {}/photos --out {}/new.zip --background red"],
        [1, "no such file or folder", "data prepare {}/nowhere --out {}/new.zip"],
        [1, "photos: cat/0.png: 20 x 16 (width x height) is not square", "data prepare {}/photos --out {}/new.zip --resolution 8"],
        [1, "photos: cat/1.png: 16 x 16, but cat/0.png is 16 x 20; all images must be of one size: 'bdense data prepare'",
            "train --data {}/photos --out {}/new"],
        [1, "no such file or folder", "data show {}/nowhere --out {}/new.png"],
        [2, "there is no verb 'version'; write 'bdense --version'", "version"],
        [2, "unknown device 'cdua'; did you mean 'cuda'? Use auto", "train --device cdua"],
        [2, "unknown device 'gpu'; did you mean 'cuda'? Use auto", "train --device gpu"],
    ];

    [TestCaseSource(nameof(Calls))]
    public async Task Bad_input_ends_in_one_line(int exitCode, string message, string call)
    {
        var run = await CliRun.Of(call.Replace("{}", _folder.Path, StringComparison.Ordinal).Split(' '));
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(message));
        Assert.That(run.Output, Is.Empty);
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName), Is.EqualTo(new[] { "photos" }));
    }

    [Test]
    public async Task Real_photographs_are_prepared_and_shown()
    {
        string path = CifarZip.Path() ?? "";
        if (path.Length == 0)
            Assert.Ignore(CifarZip.Missing);
        await CliRun.Succeeds("data", "prepare", path, "--resolution", "16", "--limit", "200", "--out", In("cifar.zip"));
        var shown = await CliRun.Succeeds("data", "show", In("cifar.zip"), "--out", In("cifar.png"), "--json");
        Assert.That(shown.Json["classes"]!.AsArray().Select(c => c!["count"]!.GetValue<int>()), Is.EqualTo(Enumerable.Repeat(20, 10)));
        Assert.That(shown.Json["classes"]![0]!["name"]!.GetValue<string>(), Is.EqualTo("airplane"));
        // Of the same images, whichever filter brought them down.
        Assert.That(shown.Json["values"]!["mean"]!.GetValue<double>(), Is.EqualTo(-0.05).Within(0.1));
        Assert.That(shown.Json["values"]!["deviation"]!.GetValue<double>(), Is.EqualTo(0.48).Within(0.06));
    }
}
