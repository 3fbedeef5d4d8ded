using BDense.Kernels;
using BDense.Kernels.Tracing;
using FusedRmsNorm;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>What can be written down, what is computed at once, and what is refused.</summary>
public sealed class TracingBackendTests
{
    [Test]
    public void What_depends_on_no_input_is_computed_and_the_rest_is_written_down()
    {
        using var backend = new TracingBackend(1);
        var trace = backend.Record(2, recorder =>
        {
            using Tensor x = backend.Empty(new Shape(2, 3)), known = backend.FromArray([1, 2, 3, 1, 2, 3], new Shape(2, 3)),
                y = backend.Empty(new Shape(2, 3));
            recorder.Input("x", x);
            backend.Scale(known, 10, known);
            backend.LinearCombination([1, 2], [x, known], y);
            backend.Silu(x, x); // Nobody asks for it.
            recorder.Output("y", y);
        });
        var step = (CombinationStep)trace.Steps.Single();
        Assert.That(step.X[0], Is.TypeOf<TraceRead>());
        Assert.That(((TraceConstant)step.X[1]).Values, Is.EqualTo(new float[] { 10, 20, 30 }), "one row for all samples");
    }

    [Test]
    public void A_tensor_that_is_written_again_holds_another_value()
    {
        using var backend = new TracingBackend(1);
        var trace = backend.Record(2, recorder =>
        {
            using var x = backend.Empty(new Shape(2, 3));
            recorder.Input("x", x);
            backend.Scale(x, 2, x);
            backend.Scale(x, 3, x);
            recorder.Output("y", x);
        });
        Assert.That(trace.Steps, Has.Count.EqualTo(2));
        Assert.That(((TraceRead)((CombinationStep)trace.Steps[1]).X[0]).Value, Is.SameAs(trace.Steps[0].Output));
        Assert.That(((TraceRead)trace.Outputs[0].Operand).Value, Is.SameAs(trace.Steps[1].Output));
    }

    private static IEnumerable<TestCaseData<Action<TracingBackend, Tensor>, string>> Refusals()
    {
        yield return new((b, x) =>
        {
            using var sum = b.Empty(new Shape(1));
            b.Sum(x, sum);
        }, "Sum: an operation that cannot be recorded")
        { TestName = "Tracing refuses an operation that it has not" };
        yield return new((b, x) =>
        {
            using Tensor gamma = b.Zeros(new Shape(4)), y = b.Empty(x.Shape), rms = b.Empty(new Shape(2));
            b.RmsNormForward(x, gamma, 1e-5f, false, y, rms);
        }, "RmsNormForward: an operation that cannot be recorded")
        { TestName = "Tracing refuses an operation from outside" };
        yield return new((_, x) => x.ToArray(), "looks at numbers that depend on its input") { TestName = "Tracing refuses a look" };
        yield return new((b, x) =>
        {
            using var other = b.FromArray([1, 2, 3, 4, 5, 6, 7, 8], x.Shape);
            b.Add(x, other, x);
        }, "differ between the samples of a batch")
        { TestName = "Tracing refuses known numbers of one batch" };
        yield return new((b, x) =>
        {
            using Tensor part = x.View(0, new Shape(1, 4)), y = b.Empty(part.Shape);
            b.Silu(part, y);
        }, "a part, 1 x 4, of what depends on an input is read alone")
        { TestName = "Tracing refuses a part" };
        yield return new((b, x) =>
        {
            using var y = b.Empty(new Shape(2, 1));
            b.Linear(new LinearShape(2, 4, 1), x, x.Reshape(new Shape(8)).View(0, new Shape(1, 4)), null, y);
        }, "a convolution's weights depend on an input")
        { TestName = "Tracing refuses weights that depend on an input" };
    }

    [TestCaseSource(nameof(Refusals))]
    public void What_cannot_be_written_down_is_refused_in_one_line(Action<TracingBackend, Tensor> pass, string mentioned)
    {
        using var backend = new TracingBackend(1);
        Assert.That(() => backend.Record(2, recorder =>
        {
            using var x = backend.Empty(new Shape(2, 4));
            recorder.Input("x", x);
            pass(backend, x);
        }), Throws.TypeOf<BDenseException>().With.Message.Contains(mentioned).And.Message.Not.Contains("\n"));
    }
}
