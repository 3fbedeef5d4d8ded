using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

public sealed class BranchGradientsTests
{
    private const int K = 4;
    private static readonly double[] Nodes = [3, 2, 1.2, 0.7, 0.4];
    private static readonly double[] Weights = [0.3, 0.2, 0.1, 0.4];

    private TinyRuns _runs = null!;
    private INetwork _student = null!;
    private TrajectoryObjective _objective = null!;

    [SetUp]
    public void Start()
    {
        _runs = new TinyRuns();
        using var teacher = _runs.TrainedTeacher(20);
        _student = BranchHead.Widen(teacher, K);
        _student.Parameters.EnableGradients();
        _objective = new TrajectoryObjective(_student, BranchLayout.Chained, Distance.L2, 1);
    }

    [TearDown]
    public void End()
    {
        _objective.Dispose();
        _student.Dispose();
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    [Test]
    public void Conflicting_gradients_are_projected_and_the_heads_are_left_alone()
    {
        // The endpoint is to move up, the other branches down.
        var (end, others, sum) = Run(opposed: true, out var got);
        double[] endTrunk = Trunk(end), otherTrunk = Trunk(others), gotTrunk = Trunk(got);
        double dot = Dot(endTrunk, otherTrunk), square = Dot(endTrunk, endTrunk);
        Assert.That(dot, Is.Negative, "the case is no conflict");
        double[] expected = [.. endTrunk.Zip(otherTrunk, (g, o) => g + o - dot / square * g)];
        Assert.That(gotTrunk, Is.EqualTo(expected).Within(1e-4 * expected.Max(Math.Abs)));
        Assert.That(Dot(gotTrunk, endTrunk), Is.EqualTo(square).Within(1e-3 * square), "the endpoint's descent is what it is alone");
        double[] head = Head(sum);
        Assert.That(Head(got), Is.EqualTo(head).Within(1e-4 * head.Max(Math.Abs)));
    }

    [Test]
    public void Without_a_conflict_it_is_one_pass()
    {
        var (_, _, sum) = Run(opposed: false, out var got);
        Assert.That(got, Is.EqualTo(sum).Within(1e-5 * sum.Max(Math.Abs)));
    }

    [Test]
    public void Measuring_leaves_the_gradient_of_one_pass_and_tells_the_cosines([Values] bool opposed)
    {
        using var x = Noise();
        using var targets = Targets(x, opposed);
        var sum = Gradient(x, targets, Weights, out var plain);
        using var gradients = new BranchGradients(_student, _objective);
        using var end = _runs.Backend.Empty(x.Shape);
        using var expected = _runs.Backend.Empty(x.Shape);
        var cosines = new double[K - 1];
        var result = gradients.Measure(x, Nodes, Weights, targets, default, end, cosines);
        float[] got = _student.Parameters.Gradients!.ToArray();
        Assert.That(got.Select(v => (double)v), Is.EqualTo(sum).Within(1e-5 * sum.Max(Math.Abs)));
        Assert.That(result.Loss, Is.EqualTo(plain.Loss).Within(1e-5 * plain.Loss));
        Assert.That(result.Branches, Is.EqualTo(plain.Branches).Within(1e-6));
        var last = Trunk(Gradient(x, targets, [0, 0, 0, 1], out _, expected));
        Assert.That(end.ToArray(), Is.EqualTo(expected.ToArray()));
        for (int b = 0; b < K - 1; b++)
        {
            var one = new double[K];
            one[b] = 1;
            var g = Trunk(Gradient(x, targets, one, out _));
            Assert.That(cosines[b], Is.EqualTo(Dot(g, last) / Math.Sqrt(Dot(g, g) * Dot(last, last))).Within(1e-3), $"branch {b + 1}");
        }
    }

    [Test]
    public void Aligned_weights_fall_with_conflict_come_back_and_never_exceed_the_quadrature()
    {
        double[] c = BranchWeights.Parse("quadrature").At(Nodes, 0);
        var aligned = new AlignedWeights([c, c]);
        Assert.That(aligned.Weights(0), Is.EqualTo(c).Within(1e-12));
        for (int i = 0; i < 20; i++)
            aligned.Update(0, [-0.5, 0.5, 0]);
        double[] w = aligned.Weights(0);
        Assert.That(w[0] / w[3], Is.LessThan(0.1 * c[0] / c[3]));
        Assert.That(w[1] / w[3], Is.EqualTo(c[1] / c[3]).Within(1e-9));
        Assert.That(aligned.Weights(1), Is.EqualTo(c).Within(1e-12), "of another interval");
        for (int i = 0; i < 100; i++)
            aligned.Update(0, [0.5, 0, 0]);
        Assert.That(aligned.Weights(0), Is.EqualTo(c).Within(1e-12));
        Assert.Throws<BDenseException>(() => aligned.Restore([[0, 0]]));
    }

    private (double[] End, double[] Others, double[] Sum) Run(bool opposed, out double[] got)
    {
        using var x = Noise();
        using var targets = Targets(x, opposed);
        var end = Gradient(x, targets, [0, 0, 0, Weights[3]], out _);
        var others = Gradient(x, targets, [.. Weights[..3], 0], out _);
        var sum = Gradient(x, targets, Weights, out var plain);
        using var gradients = new BranchGradients(_student, _objective);
        using var y = _runs.Backend.Empty(x.Shape);
        var result = gradients.Project(x, Nodes, Weights, targets, default, y);
        Assert.That(result.Loss, Is.EqualTo(plain.Loss).Within(1e-5 * plain.Loss));
        Assert.That(result.Branches, Is.EqualTo(plain.Branches).Within(1e-6));
        got = [.. _student.Parameters.Gradients!.ToArray().Select(v => (double)v)];
        return (end, others, sum);
    }

    private double[] Gradient(Tensor x, Tensor targets, double[] weights, out ObjectiveResult result, Tensor? endpoint = null)
    {
        _student.Parameters.ZeroGradients();
        result = _objective.Accumulate(x, Nodes, weights, targets, default, endpoint);
        double[] g = [.. _student.Parameters.Gradients!.ToArray().Select(v => (double)v)];
        _student.Parameters.ZeroGradients();
        return g;
    }

    private Tensor Noise() => DistillationMethods.Latents(_student, new SfdOptions { Batch = 3, SigmaMax = Nodes[0] }, 0);

    /// <summary>The student's own states moved up or, for all but the endpoint where they are opposed, down.</summary>
    private Tensor Targets(Tensor x, bool opposed)
    {
        using var own = StateStep.States(new Denoiser(_student), BranchLayout.Chained, x, Nodes, default);
        float[] values = own.ToArray();
        for (int i = 0; i < values.Length; i++)
            values[i] += opposed && i < values.Length / K * (K - 1) ? -0.3f : 0.3f;
        return _runs.Backend.FromArray(values, own.Shape);
    }

    private double[] Trunk(double[] g)
    {
        double[] trunk = [.. g];
        foreach (var p in new[] { _student.HeadWeight, _student.HeadBias })
            Array.Clear(trunk, p.Offset, p.Shape.Length);
        return trunk;
    }

    private double[] Head(double[] g) =>
        [.. new[] { _student.HeadWeight, _student.HeadBias }.SelectMany(p => g.Skip(p.Offset).Take(p.Shape.Length))];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
