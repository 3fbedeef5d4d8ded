using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;
using static BDense.Cases.Operand;

namespace BDense.Tests.Ops;

/// <summary>Checks the checker: results that are wrong in the ways kernels go wrong must not pass.</summary>
[TestFixture]
internal sealed class CheckerTests
{
    private const int Length = 1000;
    private static readonly Shape Flat = new(10, 100);

    /// <summary>A doubling whose "backend" is the given function on host arrays: (x, y) to what ends up in y.</summary>
    private static OpCase Double(Action<float[], float[]> run, Tolerance? tolerance = null) =>
        new("Double", "10x100", [In("x", Flat), Out("y", Flat)],
        (_, t) =>
        {
            var (x, y) = (t[0].ToArray(), t[1].ToArray());
            run(x, y);
            t[1].Upload(y);
        },
        d =>
        {
            for (int i = 0; i < Length; i++)
                d[1][i] = 2 * d[0][i];
        })
        { Tolerance = tolerance ?? Tolerance.Default };

    private static void Right(float[] x, float[] y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = 2 * x[i];
    }

    private static string? Difference(OpCase row)
    {
        using var backend = new ReferenceBackend(1);
        return Comparison.Difference(backend, row);
    }

    [Test]
    public void A_right_result_passes() => Assert.That(Difference(Double(Right, Tolerance.Exact)), Is.Null);

    private static IEnumerable<TestCaseData> Wrong()
    {
        static TestCaseData Of(string name, Action<float[], float[]> spoil, string message) =>
            new TestCaseData(new Action<float[], float[]>((x, y) =>
            {
                Right(x, y);
                spoil(x, y);
            }), message).SetArgDisplayNames(name);

        yield return Of("two elements swapped", (_, y) => (y[41], y[42]) = (y[42], y[41]), "y[0,4");
        yield return Of("tail not written", (_, y) => Array.Fill(y, float.NaN, Length - 3, 3), "y[9,97]");
        yield return Of("nothing written", (_, y) => Array.Fill(y, float.NaN), "y[0,0]");
        yield return Of("tail left zero", (_, y) => Array.Clear(y, Length - 8, 8), "y[9,9");
        yield return Of("input handed through", (x, y) => x.CopyTo(y, 0), "y[");
        yield return Of("transposed", (x, y) => { for (int i = 0; i < Length; i++) y[i % 10 * 100 + i / 10] = 2 * x[i]; }, "y[");
        yield return Of("one sign", (_, y) => y[500] = -y[500], "y[5,0]");
        yield return Of("one infinity", (_, y) => y[999] = float.PositiveInfinity, "y[9,99]");
        yield return Of("one element off by a thousandth", (_, y) => y[7] += 2e-3f, "y[0,7]");
        yield return Of("all off by a hundred-thousandth", (_, y) => { for (int i = 0; i < Length; i++) y[i] *= 1.00002f; }, "y[");
        yield return Of("everything zero", (_, y) => Array.Clear(y), "y[");
    }

    [TestCaseSource(nameof(Wrong))]
    public void A_wrong_result_fails(Action<float[], float[]> run, string message) =>
        Assert.That(Difference(Double(run)), Does.StartWith($"Double 10x100: {message}"));

    [Test]
    public void A_stale_result_fails()
    {
        // Runs right the first time; the second time it leaves the buffer as it found it.
        int runs = 0;
        var row = Double((x, y) =>
        {
            if (runs++ == 0)
                Right(x, y);
        });
        using var backend = new ReferenceBackend(1);
        Assert.That(Comparison.Difference(backend, row), Is.Null);
        Assert.That(Comparison.Difference(backend, row), Does.Contain("got NaN"));
    }

    [Test]
    public void A_changed_input_fails()
    {
        var row = Double(Right) with { Run = (_, t) => t[0].Upload(new float[Length]) };
        Assert.That(() => Difference(row),
            Throws.InvalidOperationException.With.Message.EqualTo("Double 10x100: input x was changed at 0"));
    }

    [Test]
    public unsafe void A_write_beyond_the_end_fails()
    {
        using var backend = new ReferenceBackend(1);
        var row = Double(Right);
        var start = row.Start();
        using var tensors = new CaseTensors(backend, row, start);
        row.Run(backend, tensors.Operands);
        using var beyond = new Tensor(backend, Shared(tensors.Operands[1]), tensors.Operands[1].Offset + Length, new Shape(1));
        beyond.Upload([1f]);
        Assert.That(tensors.Results,
            Throws.InvalidOperationException.With.Message.EqualTo("Double 10x100: element 1000 was written beside y of 10 x 100"));
    }

    [Test]
    public void A_read_beyond_the_end_shows_as_NaN()
    {
        using var backend = new ReferenceBackend(1);
        var row = Double(Right);
        using var tensors = new CaseTensors(backend, row, row.Start());
        using var beyond = new Tensor(backend, Shared(tensors.Operands[0]), tensors.Operands[0].Offset + Length, new Shape(64));
        Assert.That(beyond.ToArray(), Is.All.NaN);
    }

    [Test]
    public void Cases_start_the_same_every_time_and_differ_from_each_other()
    {
        var (a, b) = (CaseList.All[2], CaseList.All[4]);
        var start = a.Start();
        Assert.That(a.Start(), Is.EqualTo(start));
        Assert.That(start[0][0], Is.Not.EqualTo(b.Start()[0][0]));
    }

    private static Storage Shared(Tensor x)
    {
        x.Storage.References++;
        return x.Storage;
    }
}
