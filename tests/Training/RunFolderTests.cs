using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

public sealed class RunFolderTests
{
    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void End() => _folder.Dispose();

    private static JsonObject Config(double rate = 0.001) => new()
    {
        ["kind"] = "test",
        ["optimizer"] = new JsonObject { ["learningRate"] = rate },
    };

    [Test]
    public void Something_else_is_left_alone()
    {
        string path = _folder["else"];
        _folder.Write("else/holiday.jpg", [1, 2, 3]);
        var e = Assert.Throws<BDenseException>(() => RunFolder.Open(path, Config(), resume: false));
        Assert.That(e!.Message, Does.Contain("holiday.jpg"));
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Open(path, Config(), resume: true))!.Message,
            Does.Contain("holiday.jpg"));
        Assert.That(Directory.GetFileSystemEntries(path), Has.Length.EqualTo(1));
    }

    [Test]
    public void Someone_elses_config_is_no_run()
    {
        _folder.Write("other/config.json", "{\"a\": 1}"u8);
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Open(_folder["other"], Config(), resume: true))!.Message,
            Does.Contain("something else"));
        _folder.Write("broken/config.json", "{\"a\": "u8);
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Open(_folder["broken"], Config(), resume: true))!.Message,
            Does.Contain("not JSON"));
    }

    [Test]
    public void A_run_is_not_begun_twice_and_not_resumed_with_other_options()
    {
        string path = _folder["twice"];
        RunFolder.Open(path, Config(), resume: false);
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Open(path, Config(), resume: false))!.Message, Does.Contain("--resume"));
        var e = Assert.Throws<BDenseException>(() => RunFolder.Open(path, Config(0.002), resume: true));
        Assert.That(e!.Message, Does.Contain("optimizer.learningRate is 0.001, not 0.002"));
        Assert.That(RunFolder.Open(path, Config(), resume: true).Latest, Is.Null);
    }

    [Test]
    public void A_file_is_no_folder()
    {
        string path = _folder.Write("file", [0]);
        Assert.Throws<BDenseException>(() => RunFolder.Open(path, Config(), resume: false));
    }

    [Test]
    public void A_checkpoint_that_fails_leaves_the_one_before()
    {
        var run = RunFolder.Open(_folder["fails"], Config(), resume: false);
        string first = run.SaveCheckpoint(1, folder => { File.WriteAllText(Path.Combine(folder, "weights"), "1"); return []; });
        Assert.Throws<BDenseException>(() => run.SaveCheckpoint(2, folder =>
        {
            File.WriteAllText(Path.Combine(folder, "weights"), "2");
            throw new IOException("No space left on device");
        }));
        Assert.That(run.Latest, Is.EqualTo(first));
        Assert.That(Directory.GetFileSystemEntries(Path.Combine(run.FullName, "checkpoints")).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "step-000001", "latest" }));
    }

    [Test]
    public void A_pointer_to_nothing_is_named()
    {
        var run = RunFolder.Open(_folder["pointer"], Config(), resume: false);
        string checkpoint = run.SaveCheckpoint(3, _ => []);
        Directory.Delete(checkpoint, recursive: true);
        Assert.That(Assert.Throws<BDenseException>(() => _ = run.Latest)!.Message, Does.Contain("step-000003"));
    }

    [Test]
    public void The_log_goes_on_where_the_checkpoint_was()
    {
        var run = RunFolder.Open(_folder["log"], Config(), resume: false);
        using (var log = run.OpenLog(0))
        {
            for (int step = 1; step <= 5; step++)
                log.WriteLine(RunJson.ToLine(new LogLine(step, 1.0 / step, [0.5], 1e-3, 2, 3)));
            log.Write("{\"step\": 6, \"lo");
        }
        Assert.That(run.ReadLog(), Has.Count.EqualTo(5));
        run.OpenLog(3).Dispose();
        var kept = run.ReadLog();
        Assert.That(kept.Select(l => l.Step), Is.EqualTo(new long[] { 1, 2, 3 }));
        Assert.That(kept[2].Loss, Is.EqualTo(1.0 / 3));
    }

    [Test]
    public void A_damaged_line_of_the_log_costs_no_other()
    {
        var run = RunFolder.Open(_folder["damaged"], Config(), resume: false);
        using (var log = run.OpenLog(0))
        {
            for (int step = 1; step <= 5; step++)
                log.WriteLine(step == 3 ? "{\"step\": 3, \"lo" : RunJson.ToLine(new LogLine(step, 1.0 / step, [0.5], 1e-3, 2, 3)));
        }
        Assert.That(run.ReadLog().Select(l => l.Step), Is.EqualTo(new long[] { 1, 2, 4, 5 }));
    }

    [Test]
    public void Reading_a_run_that_is_none()
    {
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Existing(_folder["nowhere"]))!.Message, Does.Contain("nowhere"));
        Assert.That(Assert.Throws<BDenseException>(() => RunFolder.Existing(_folder.Path))!.Message, Does.Contain("config.json"));
    }
}

public sealed class LearningRateTests
{
    [Test]
    public void Warms_up_and_decays()
    {
        Assert.That(new LearningRate(2, 4).At(0, 100), Is.EqualTo(0.5));
        Assert.That(new LearningRate(2, 4).At(50, 100), Is.EqualTo(2));
        Assert.That(new LearningRate(2, 0, Decay.Half).At(49, 100), Is.EqualTo(2));
        Assert.That(new LearningRate(2, 0, Decay.Half).At(50, 100), Is.EqualTo(0.2).Within(1e-12));
        Assert.That(new LearningRate(2, 0, Decay.Linear).At(75, 100), Is.EqualTo(0.5).Within(1e-12));
        Assert.That(new LearningRate(2, 0, Decay.Cosine).At(50, 100), Is.EqualTo(1).Within(1e-12));
    }
}
