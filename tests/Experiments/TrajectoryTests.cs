using System.Text.Json.Nodes;
using BDense.Experiments;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Experiments;

/// <summary>The ways that reports draw: from the student's own states, grouped by the teacher's grid.</summary>
public sealed class TrajectoryTests
{
    private TinyRuns _runs = null!;
    private INetwork _teacher = null!;

    [SetUp]
    public void Start()
    {
        _runs = new TinyRuns();
        _teacher = _runs.TrainedTeacher(20);
    }

    [TearDown]
    public void End()
    {
        _teacher.Dispose();
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    [Test]
    public void Students_of_one_grid_stand_under_one_teacher_with_their_weights()
    {
        var students = new[]
        {
            Trained("sfd", new SfdOptions { Nfe = 2, Updates = 4, Batch = 4 }),
            Trained("sfd-dense", new SfdOptions { Nfe = 2, Branches = 4, Updates = 8, Batch = 4, Weights = "ramp" }),
            Trained("pd", new PdOptions { Nfe = 2, Rounds = 2, Updates = 4, Batch = 4 }),
            Trained("pd-dense", new PdOptions { Nfe = 2, Branches = 4, Updates = 4, Batch = 4, Weights = "learned" }),
        };
        var groups = TrajectoryGroup.Of(_teacher, students, seed: 7);
        Assert.That(groups.Select(g => string.Join(",", g.Students.Select(s => s.Name))),
            Is.EqualTo(new[] { "sfd,sfd-dense", "pd,pd-dense" }));
        foreach (var group in groups)
        {
            var dense = group.Students[1];
            // All from the same noise; the dense student has every node that its teacher has, the plain one its interval ends.
            Assert.That(dense.Trajectory.States[0], Is.EqualTo(group.Teacher.States[0]));
            Assert.That(dense.Trajectory.ErrorTo(group.Teacher).Sigmas, Is.EqualTo(group.Teacher.Sigmas[1..]).Within(1e-9));
            Assert.That(group.Students[0].Trajectory.ErrorTo(group.Teacher).Sigmas,
                Has.Length.EqualTo(group.Students[0].Options.Intervals));
            double[][] weights = [.. dense.Log.Select(l => l.Weights!)];
            Assert.That(weights.Select(w => w.Sum()), Is.All.EqualTo(1).Within(1e-9));
            Assert.That(weights[^1], Is.Not.EqualTo(weights[0]), "both move");
            Assert.That(group.Students[0].Log.Select(l => l.Weights), Is.All.Null);
        }
        Assert.That(groups[0].Students[1].Log[^1].Weights, Is.EqualTo(new[] { 0.0, 0, 0, 1 }).Within(1e-9), "a ramp ends at the endpoint");
    }

    [TestCase(BranchLayout.Chained)]
    [TestCase(BranchLayout.Parallel)]
    public void Heads_are_shown_from_where_they_step(BranchLayout layout)
    {
        var options = new SfdOptions { Nfe = 2, Branches = 2, Layout = layout, Updates = 2, Batch = 4 }.Resolve();
        var way = TrajectoryGroup.Of(_teacher, [Trained("student", options)], seed: 7)[0].Students[0].Trajectory;
        Assert.That(way.Heads.Select(h => h is null), Is.EqualTo(new[] { true, true, false, false, false, false }),
            "the first interval is analytical");
        for (int i = 2; i < 6; i++)
        {
            int from = layout == BranchLayout.Chained ? i : i - i % 2;
            double r = way.Sigmas[i + 1] / way.Sigmas[from];
            float[] arrived = [.. way.States[from].Zip(way.Heads[i]!, (x, d) => (float)(r * x + (1 - r) * d))];
            Assert.That(arrived, Is.EqualTo(way.States[i + 1]).Within(1e-4f), $"step {i}");
        }
    }

    private TrainedStudent Trained(string name, Distill options)
    {
        var o = options.Resolve();
        var folder = RunFolder.Open(_runs.Folder[name], new JsonObject
        {
            ["kind"] = "distill",
            ["distill"] = RunJson.ToNode(o),
        }, resume: false);
        using var network = DistillationMethods.NewStudent(_teacher, o);
        using var training = DistillationMethods.Create(network, _teacher, TinyRuns.Data, o);
        TrainingLoop.Run(training, folder);
        return new TrainedStudent(name, folder.FullName, o);
    }
}
