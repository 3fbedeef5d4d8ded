using System.Text.Json.Nodes;
using BDense.Cli.Reports;
using BDense.Experiments;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>The demo from end to end, on a network that is tiny enough for a test.</summary>
public sealed class DemoTests
{
    private static readonly DemoScale Tiny = new()
    {
        Network = new UNetConfig
        {
            Resolution = 8,
            ModelChannels = 8,
            ChannelMultipliers = [1, 2],
            BlocksPerLevel = 1,
            AttentionResolutions = [4],
        },
        TeacherSteps = 4,
        Batch = 4,
        Updates = 4,
        StudentBatch = 4,
        Students = [(2, 2)],
        Noises = 70,
        FineSteps = 4,
        TeacherNfes = [2],
    };

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Clean() => _folder.Dispose();

    private DemoOutcome Run(bool resume = false, CancellationToken cancellation = default)
    {
        using var backend = new ReferenceBackend();
        var outcome = Demo.Run(backend, new DemoOptions(_folder["demo"], Tiny, Seed: 3, resume), new PlannedStages(), cancellation);
        Assert.That(backend.Pool.CurrentBytes, Is.Zero, "the demo leaks");
        return outcome;
    }

    [Test]
    public void Writes_every_file_and_all_that_results_json_promises()
    {
        DemoReport.Write(_folder["demo"], Run(), Tiny.Network);
        foreach (string file in new[] { "report.html", "samples.png", "curves.png", "results.json", "trajectories-1.png",
            "trajectories-2.png", "errors.png", "weights.png" })
            Assert.That(new FileInfo(_folder[$"demo/{file}"]).Length, Is.GreaterThan(500), file);
        string report = File.ReadAllText(_folder["demo/report.html"]);
        Assert.That(report, Does.Contain("data:image/png;base64,").And.Not.Contain("<script").And.Not.Contain("http"));
        Assert.That(report.Split("<img").Length - 1, Is.EqualTo(6), "samples, curves, trajectories of PD and of SFD, errors, weights");

        var results = JsonNode.Parse(File.ReadAllText(_folder["demo/results.json"]))!.AsObject();
        string[] keys = ["seed", "device", "dataset", "elapsedSeconds", "teacher", "students"];
        Assert.That(results.Select(p => p.Key), Is.SupersetOf(keys));
        Assert.That(results["teacher"]!.AsObject().Select(p => p.Key),
            Is.SupersetOf(new[] { "parameters", "steps", "finalLoss", "imagesPerSecond" }));
        var students = results["students"]!.AsArray();
        Assert.That(students.Select(s => s!["method"]!.GetValue<string>()).Distinct(),
            Is.EqualTo(new[] { "PD", "PD + B-DENSE", "SFD", "SFD + B-DENSE" }));
        Assert.That(students, Has.Count.EqualTo(8));
        string[] ofStudents = ["method", "branches", "weights", "nfe", "seed", "updates", "endpointRmse", "endpointRmseFine",
            "endpointRmseInterval",
            "frechetDistance", "stepMilliseconds", "peakBytes"];
        foreach (var student in students)
        {
            Assert.That(student!.AsObject().Select(p => p.Key), Is.SupersetOf(ofStudents));
            var interval = student["endpointRmseInterval"]!.AsArray().Select(v => v!.GetValue<double>()).ToArray();
            Assert.That(student["endpointRmse"]!.GetValue<double>(), Is.InRange(interval[0], interval[1]));
        }
        Assert.That(Directory.GetFiles(_folder["demo"], Checkpoint.ModelFile, SearchOption.AllDirectories), Has.Length.EqualTo(9),
            "a checkpoint of every network");
    }

    [Test]
    public void Other_methods_are_rows_where_they_are_asked_for()
    {
        using var backend = new ReferenceBackend();
        var options = new DemoOptions(_folder["demo"], Tiny, Seed: 3, Resume: false) { With = [DistillationMethods.Find("ect")] };
        var outcome = Demo.Run(backend, options, new PlannedStages());
        DemoReport.Write(_folder["demo"], outcome, Tiny.Network);
        Assert.That(outcome.Results.Students.Where(s => s.Method == "ECT").Select(s => (s.Branches, s.Nfe, s.Seed)),
            Is.EqualTo(new[] { (1, 2, 3ul), (1, 2, 4ul) }));
        Assert.That(outcome.Results.Students, Has.Count.EqualTo(10));
        Assert.That(outcome.Results.Comparisons.Select(c => c.Method), Has.None.EqualTo("ECT"),
            "there is nothing with branches to compare");
        Assert.That(File.ReadAllText(_folder["demo/report.html"]), Does.Contain("<td>ECT</td>"));
    }

    [Test]
    public void An_interrupted_demo_is_resumed_to_the_same_figures()
    {
        var straight = Run().Results;
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => Run(cancellation: cancelled.Token));
        var resumed = Run(resume: true).Results;
        Assert.That(resumed.Students.Select(s => (s.Method, s.Seed, s.EndpointRmse, s.EndpointRmseFine, s.FrechetDistance)),
            Is.EqualTo(straight.Students.Select(s => (s.Method, s.Seed, s.EndpointRmse, s.EndpointRmseFine, s.FrechetDistance))));
        Assert.That(resumed.Teacher.FinalLoss, Is.EqualTo(straight.Teacher.FinalLoss));
    }

    [Test]
    public void A_second_demo_takes_the_place_of_the_first()
    {
        var first = Run().Results;
        Assert.That(Run().Results.Students.Select(s => s.EndpointRmse), Is.EqualTo(first.Students.Select(s => s.EndpointRmse)));
    }
}
