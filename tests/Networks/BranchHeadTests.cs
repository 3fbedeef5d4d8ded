using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class BranchHeadTests
{
    private ReferenceBackend _backend = null!;

    [SetUp]
    public void CreateBackend() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void DisposeBackend() => _backend.Dispose();

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    public void All_heads_of_a_widened_teacher_are_the_teacher(int branches)
    {
        using var teacher = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        using var student = BranchHead.Widen(teacher, branches);
        float[] one = Heads(teacher), many = Heads(student);
        Assert.That(many, Has.Length.EqualTo(branches * one.Length));
        for (int i = 0; i < many.Length; i++)
        {
            int pixel = i / (branches * 3), c = i % 3;
            Assert.That(many[i], Is.EqualTo(one[pixel * 3 + c]).Within(1e-5));
        }
    }

    // Trained heads differ: F of the folded network is sum_j c_j F_j.
    [TestCase(2)]
    [TestCase(4)]
    [TestCase(8)]
    public void Folding_is_exact(int branches)
    {
        using var student = TinyNetwork.Create(_backend, TinyNetwork.Config with { Branches = branches }, seed: 2);
        var c = Enumerable.Range(0, branches).Select(j => (j + 1.0) * (j % 2 == 0 ? 0.3 : -0.1)).ToArray();
        using var plain = BranchHead.Fold(student, c);
        float[] many = Heads(student), one = Heads(plain);
        Assert.That(plain.Config, Is.EqualTo(TinyNetwork.Config));
        for (int i = 0; i < one.Length; i++)
        {
            double expected = Enumerable.Range(0, branches).Sum(j => c[j] * many[i / 3 * branches * 3 + j * 3 + i % 3]);
            Assert.That(one[i], Is.EqualTo(expected).Within(1e-4 * (1 + Math.Abs(expected))));
        }
    }

    [Test]
    public void Teacher_and_student_share_no_memory()
    {
        using var teacher = TinyNetwork.Create(_backend, TinyNetwork.Config, seed: 1);
        var before = teacher.Parameters.Values.ToArray();
        using (var student = BranchHead.Widen(teacher, 3))
            _backend.Fill(student.Parameters.Values, 7f);
        Assert.That(teacher.Parameters.Values.ToArray(), Is.EqualTo(before));
    }

    [Test]
    public void What_cannot_be_widened_or_folded_is_refused()
    {
        using var teacher = new Network(_backend, TinyNetwork.Config, seed: null);
        using var student = BranchHead.Widen(teacher, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => BranchHead.Widen(student, 2), Throws.TypeOf<BDenseException>().With.Message.Contains("this one has 2"));
            Assert.That(() => BranchHead.Widen(teacher, 9), Throws.TypeOf<UsageException>().With.Message.Contains("1 to 8"));
            Assert.That(() => BranchHead.Fold(student, [1.0]),
                Throws.TypeOf<BDenseException>().With.Message.Contains("1 coefficients for 2"));
        });
    }

    private float[] Heads(INetwork network)
    {
        using var x = TinyNetwork.Normal(_backend, TinyNetwork.Images(network.Config, 2), 3);
        using var tape = new Tape(_backend, recording: false);
        return new Denoiser(network).Heads(tape, x, [0.3, 3]).Data.ToArray();
    }
}
