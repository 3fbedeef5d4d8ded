using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>The README of a folder that leaves by <c>export</c>.</summary>
public sealed class ModelCardTests
{
    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public async Task Distil()
    {
        _folder = new TemporaryFolder();
        await CliRun.Succeeds("train", "--resolution", "8", "--limit", "64", "--steps", "2", "--batch", "4", "--seed", "7", "--out",
            _folder["teacher"], "--device", "cpu");
        await CliRun.Succeeds("distill", "--teacher", _folder["teacher"], "--method", "sfd", "--branches", "2", "--nfe", "2", "--updates",
            "2", "--batch", "4", "--seed", "11", "--out", _folder["student"], "--device", "cpu");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [TestCase("edm")]
    [TestCase("onnx")]
    public async Task Says_what_a_student_was_made_from(string format)
    {
        string card = await Card(_folder["student"], "--format", format, "--license", "CC0 | mine");
        var teacher = RunFolder.Existing(_folder["teacher"]).ReadConfig();
        var student = RunFolder.Existing(_folder["student"]).ReadConfig();
        Assert.Multiple(() =>
        {
            Assert.That(card, Does.Contain($"| run | distill, SHA-256 {RunFolder.Existing(_folder["student"]).Identity} |"));
            Assert.That(card, Does.Contain("| method | SFD + B-DENSE |"));
            Assert.That(card, Does.Contain($"| teacher | `{student["teacher"]}`, {student["teacherFingerprint"]} |"));
            Assert.That(card, Does.Contain($"none itself; its teacher's: {teacher["data"]}, {teacher["dataFingerprint"]} |"));
            Assert.That(card, Does.Contain("| seed | 11 |").And.Contain("| heads | 2 |").And.Contain("| NFE | 2 |"));
            Assert.That(card, Does.Contain("| licence | CC0 \\| mine |"));
            // In the order in which they were typed: the teacher's, the student's, this one.
            Assert.That(card, Does.Match($@"bdense train --resolution 8 .* --out {_folder["teacher"]} --device cpu\n"
                + $@"bdense distill --teacher {_folder["teacher"]} .*\nbdense export --model {_folder["student"]}"));
            Assert.That(card, Does.Contain("## Figures\n\nUnknown"));
            Assert.That(card, Does.Contain("\"branches\": 2"));
        });
    }

    [Test]
    public async Task Says_of_a_lone_file_that_its_run_is_unknown()
    {
        await CliRun.Succeeds("export", "--model", _folder["teacher"], "--out", _folder["plain"], "--device", "cpu");
        Assert.That(File.ReadAllText(_folder["plain/README.md"]), Does.Contain("| seed | 7 |").And.Contain("| teacher | none")
            .And.Contain("| licence | unknown"));
        string card = await Card(_folder["plain/model.safetensors"]);
        Assert.That(card, Does.Contain("| run | unknown").And.Contain("| data | unknown |").And.Contain("| seed | unknown |"));
    }

    [Test]
    public async Task Has_the_figures_that_evaluate_printed()
    {
        var evaluated = await CliRun.Succeeds("evaluate", "--model", _folder["student"], "--count", "160", "--fine-steps", "2", "--json",
            "--device", "cpu");
        File.WriteAllText(_folder["results.json"], evaluated.Output);
        string card = await Card(_folder["student"], "--results", _folder["results.json"]);
        var model = evaluated.Json["models"]![0]!;
        string mean = BDense.Cli.Reports.Figures.Text(model["endpointRmse"]!.GetValue<double>());
        Assert.That(card, Does.Contain($"| RMSE to the teacher's endpoint | {mean} | "));
        Assert.That(card, Does.Match(@"endpoint \| [^|]+ \| \S+ to \S+ \|"));
        var other = await CliRun.Of("export", "--model", _folder["teacher"], "--out", _folder["no"], "--results", _folder["results.json"],
            "--device", "cpu");
        Assert.That(other.ExitCode, Is.EqualTo(1));
        Assert.That(other.Message, Does.Contain("no result of"));
        Assert.That(Directory.Exists(_folder["no"]), Is.False, "nothing is half written");
    }

    private async Task<string> Card(string model, params string[] options)
    {
        string folder = _folder[Guid.NewGuid().ToString("N")];
        await CliRun.Succeeds(["export", "--model", model, "--out", folder, "--device", "cpu", .. options]);
        return await File.ReadAllTextAsync(Path.Combine(folder, "README.md"));
    }
}
