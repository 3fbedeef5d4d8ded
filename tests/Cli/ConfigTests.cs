using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary><c>info --config</c>: a configuration as a file, and the file read back.</summary>
public sealed class ConfigTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static IEnumerable<string> Names => NetworkCatalog.Names;

    [TestCaseSource(nameof(Names))]
    public async Task What_is_printed_is_read_back_as_the_same_network(string name)
    {
        var printed = await CliRun.Succeeds("info", "--config", name);
        string file = await Keep(printed);
        Assert.That(NetworkCatalog.Find(file), Is.EqualTo(NetworkCatalog.Find(name)));
        // The file is a name, too.
        Assert.That((await CliRun.Succeeds("info", "--config", file)).Output, Is.EqualTo(printed.Output));
    }

    [Test]
    public async Task Branches_are_in_it_and_json_is_the_same()
    {
        var run = await CliRun.Succeeds("info", "--config", "demo", "--branches", "3");
        Assert.That(NetworkCatalog.Find(await Keep(run)).Branches, Is.EqualTo(3));
        Assert.That((await CliRun.Succeeds("info", "--config", "demo", "--branches", "3", "--json")).Output, Is.EqualTo(run.Output));
    }

    [Test]
    public async Task A_changed_file_is_trained_and_its_run_prints_it_again()
    {
        var printed = await CliRun.Succeeds("info", "--config", "demo");
        string file = _folder["mine.json"];
        await File.WriteAllTextAsync(file, printed.Output.Replace("\"modelChannels\": 32,", "\"modelChannels\": 16, // narrower",
            StringComparison.Ordinal).Replace("\"resolution\": 16", "\"resolution\": 8", StringComparison.Ordinal)
            .Replace("8\n  ]", "4\n  ]", StringComparison.Ordinal));
        await CliRun.Succeeds("train", "--network", file, "--resolution", "8", "--limit", "16", "--steps", "1", "--batch", "2", "--out",
            _folder["run"], "--device", "cpu");
        var again = await CliRun.Succeeds("info", "--config", _folder["run"]);
        Assert.That(again.Output.Trim(), Is.EqualTo(NetworkCatalog.Find(file).ToJson()));
        Assert.That(((UNetConfig)NetworkCatalog.Find(file)).ModelChannels, Is.EqualTo(16));
    }

    [TestCase("\"imageChannels\"", "\"imageChanels\"", "field 'imageChanels': there is no such field; did you mean 'imageChannels'?")]
    [TestCase("\"resolution\": 16,", "", "missing: 'resolution'")]
    [TestCase("\"ddpmpp\"", "\"ddmpp\"", "field 'family': 'ddmpp' is not known; did you mean 'ddpmpp'?")]
    [TestCase("\"edm\"", "\"emd\"", "field 'prediction': expected one of edm, eps, x, v, both")]
    public async Task A_wrong_field_is_named_in_one_line(string field, string wrong, string message)
    {
        string file = _folder["mine.json"];
        await File.WriteAllTextAsync(file,
            (await CliRun.Succeeds("info", "--config", "demo")).Output.Replace(field, wrong, StringComparison.Ordinal));
        var run = await CliRun.Of("train", "--network", file, "--out", _folder["run"], "--device", "cpu");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain("mine.json").And.Contain(message));
        Assert.That(run.Error, Does.Not.Contain("   at ").And.Not.Contain("System."));
        Assert.That(Directory.Exists(_folder["run"]), Is.False);
    }

    [TestCase("no network 'edm-ffhq'; did you mean 'edm-ffhq64'?", "--config", "edm-ffhq")]
    [TestCase("info describes one thing: give --network NAME, --model PATH or --config NAME", "--config", "demo", "--network", "demo")]
    [TestCase("info describes one thing")]
    [TestCase("--keys goes with --network or --model", "--config", "demo", "--keys")]
    public async Task Wrong_use_is_one_line(string message, params string[] options)
    {
        var run = await CliRun.Of(["info", .. options]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Message, Does.Contain(message));
    }

    private async Task<string> Keep(CliRun run)
    {
        string file = _folder["printed.json"];
        await File.WriteAllTextAsync(file, run.Output);
        return file;
    }
}
