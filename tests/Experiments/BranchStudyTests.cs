using BDense.Experiments;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Experiments;

public sealed class BranchStudyTests
{
    private TinyRuns _runs = null!;
    private INetwork _teacher = null!;

    private string Folder => _runs.Folder["study"];

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
    public void Missing_cells_are_trained_with_the_same_bits_and_variants_and_seeds_can_be_added()
    {
        var first = Run("quadrature,projected", seeds: 2);
        Assert.That(first.Rows.Select(r => r.Name), Is.EqualTo(new[] { "plain", "quadrature", "projected" }));
        Assert.That(first.Rows.Select(r => r.Seeds.Count), Is.All.EqualTo(2));
        Assert.That(first.Rows[0].EndpointEffect, Is.Null);
        Assert.That(first.Rows[2].Passes, Is.EqualTo(1.25));
        string table = File.ReadAllText(Path.Combine(Folder, BranchStudy.TableFile)), cell = Cell("quadrature", 2);
        string before = File.ReadAllText(cell);

        // Trained alone, without the trajectories that its neighbours computed.
        File.Delete(cell);
        Run("quadrature", seeds: 2, resume: true);
        Assert.That(File.ReadAllText(cell), Is.EqualTo(before));
        Assert.That(File.ReadAllText(Path.Combine(Folder, BranchStudy.TableFile)), Is.EqualTo(table));

        var more = Run("aligned,pd-chained", seeds: 3, resume: true);
        Assert.That(more.Rows.Select(r => (r.Name, r.Seeds.Count)), Is.EqualTo(
            new[] { ("plain", 3), ("quadrature", 2), ("aligned", 3), ("projected", 2), ("pd-jump", 3), ("pd-chained", 3) }));
        Assert.That(File.ReadAllText(Path.Combine(Folder, BranchStudy.TableFile)), Does.Contain("`pd-chained`"));
    }

    [Test]
    public void What_does_not_fit_is_refused()
    {
        Run("quadrature", seeds: 1);
        Assert.That(Assert.Throws<BDenseException>(() => Run("quadrature", seeds: 1))!.Message, Does.Contain("--resume"));
        Assert.That(Assert.Throws<BDenseException>(() => Run("quadrature", seeds: 1, resume: true, updates: 8))!.Message,
            Does.Contain("updates"));
        Assert.That(Assert.Throws<UsageException>(() => Run("pd-jump", seeds: 1, resume: true, data: null))!.Message,
            Does.Contain("--data"));
        Assert.That(Assert.Throws<UsageException>(() => StudyVariant.Parse("quadratic"))!.Message, Does.Contain("quadrature"));
    }

    [Test]
    public void Every_variant_is_a_valid_distillation_and_a_baseline_is_its_own()
    {
        foreach (var v in StudyVariant.All)
        {
            Assert.DoesNotThrow(() => v.Of(new SfdOptions { Updates = 8 }, 3), v.Name);
            Assert.That(StudyVariant.All.Single(b => b.Name == v.Baseline).IsBaseline, v.Name);
        }
        Assert.That(StudyVariant.Parse("all").Count, Is.EqualTo(StudyVariant.All.Count));
        Assert.That(StudyVariant.Parse("annealed").Select(v => v.Name), Is.EqualTo(new[] { "plain", "annealed" }));
    }

    [Test]
    public void An_effect_is_told_from_none_and_a_single_seed_tells_nothing()
    {
        var variants = StudyVariant.Parse("quadrature,uniform");
        StudyCell[] cells =
        [
            .. Enumerable.Range(1, 4)
                .SelectMany(
                    s => new[] { Made("plain", s, 1), Made("quadrature", s, s % 2 == 0 ? 1.01 : 0.99),
                        Made("uniform", s, 1.1 + 0.001 * s) }),
        ];
        var rows = BranchStudyResults.Tabulate(variants, cells);
        Assert.That(rows.Single(r => r.Name == "quadrature").EndpointEffect!.Verdict, Is.EqualTo("cannot tell"));
        var uniform = rows.Single(r => r.Name == "uniform").EndpointEffect!;
        Assert.That(uniform.Verdict, Is.EqualTo("hurts"));
        Assert.That(uniform.Mean, Is.EqualTo(0.1025).Within(1e-6));
        Assert.That(uniform.Low, Is.InRange(0.09, uniform.Mean));
        var one = BranchStudyResults.Tabulate(variants, [.. cells.Where(c => c.Options.Seed == 1)]);
        Assert.That(one.Single(r => r.Name == "uniform").EndpointEffect!.Verdict, Is.EqualTo("cannot tell"));

        static StudyCell Made(string name, int seed, double factor)
        {
            double[] errors = [.. Enumerable.Range(0, 50).Select(n => factor * (1 + 0.3 * Math.Sin(n)) / 1.0)];
            return new StudyCell(name, StudyVariant.All.Single(v => v.Name == name).Of(new SfdOptions(), (ulong)seed), errors, errors,
                errors, errors, errors, double.NaN);
        }
    }

    [Test]
    public void Shared_trajectories_are_ones_own([Values(1, 2, 4)] int branches)
    {
        var shared = new TrajectoryCache(1 << 20);
        foreach (int k in new[] { 4, branches })
            Assert.That(Weights(k, shared), Is.EqualTo(Weights(k, null)));

        float[] Weights(int k, TrajectoryCache? cache)
        {
            var options = new SfdOptions { Branches = k, Batch = 3, Updates = 4 };
            using var student = DistillationMethods.NewStudent(_teacher, options);
            using var training = new SfdTraining(student, _teacher, options, cache);
            TrainingLoop.Run(training);
            return student.Parameters.Values.ToArray();
        }
    }

    private string Cell(string variant, int seed) => Path.Combine(Folder, BranchStudy.CellsFolder, $"{variant}-seed{seed}", "cell.json");

    private BranchStudyResults Run(string variants, int seeds, bool resume = false, int updates = 6) =>
        Run(variants, seeds, resume, updates, TinyRuns.Data);

    private BranchStudyResults Run(string variants, int seeds, bool resume, Dataset? data) => Run(variants, seeds, resume, 6, data);

    private BranchStudyResults Run(string variants, int seeds, bool resume, int updates, Dataset? data) =>
        BranchStudy.Run(_teacher, "teacher", data, new BranchStudyOptions
        {
            Folder = Folder,
            Variants = StudyVariant.Parse(variants),
            Seeds = seeds,
            Distill = new SfdOptions { Updates = updates, Batch = 4, LearningRate = 1e-3 },
            Evaluation = new EvaluationOptions { Count = 12, Batch = 8, FineSteps = 12 },
            FittingNoises = 8,
            Resume = resume,
        }, new PlannedStages());
}
