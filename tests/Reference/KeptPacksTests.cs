using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Weights are packed once for as long as they stay the same, and never used when they do not.</summary>
[TestFixture]
internal sealed class KeptPacksTests
{
    private static readonly Conv2dShape[] Shapes =
        [Conv2dShape.Same(2, 5, 6, 7, 20, 3), Conv2dShape.Same(3, 4, 4, 33, 9, 1), new(2, 8, 8, 6, 10, 3, 3, 2, 0, 1)];

    /// <summary>Every way to write into a parameter, over the whole flat buffer that the weight is a window of.</summary>
    private static readonly (string Name, Action<Backend, Tensor> Write)[] Writers =
    [
        ("upload", (b, p) => p.Upload(Values(p.Length, 77))),
        ("copy", (b, p) => { using var x = b.FromArray(Values(p.Length, 78), p.Shape); b.Copy(x, p); }),
        ("fill", (b, p) => b.Fill(p, 0.25f)),
        ("in place", (b, p) => b.Scale(p, 0.5f, p)),
        ("adam", (b, p) =>
        {
            using var g = b.FromArray(Values(p.Length, 79), p.Shape);
            using var m = b.Zeros(p.Shape);
            using var v = b.Zeros(p.Shape);
            using var norm = b.Empty(new Shape(1));
            b.SumOfSquares(g, norm);
            b.Adam(new AdamStep(0.1f, 1), p, g, m, v, null, norm);
        }),
    ];

    [Test]
    public void New_values_are_seen([ValueSource(nameof(Shapes))] Conv2dShape s, [Range(0, 4)] int writer)
    {
        using var backend = new ReferenceBackend(2);
        using var flat = backend.FromArray(Values(s.Weight.Length + 64, 1), new Shape(s.Weight.Length + 64));
        using var w = flat.View(64, s.Weight);
        for (int update = 0; update < 3; update++)
        {
            for (int use = 0; use < 3; use++)
            {
                var (y, dx) = Convolve(backend, s, w);
                using var fresh = new ReferenceBackend(1);
                using var same = fresh.FromArray(w.ToArray(), s.Weight);
                var (y0, dx0) = Convolve(fresh, s, same);
                Assert.That(y, Is.EqualTo(y0), $"forward, {Writers[writer].Name} {update}, use {use}");
                Assert.That(dx, Is.EqualTo(dx0), $"dgrad, {Writers[writer].Name} {update}, use {use}");
            }
            Writers[writer].Write(backend, flat);
        }
    }

    [Test]
    public void Values_that_stay_are_packed_once_an_update()
    {
        var s = Shapes[0];
        using var backend = new ReferenceBackend(2);
        using var w = backend.FromArray(Values(s.Weight.Length, 1), s.Weight);
        using var x = backend.FromArray(Values(s.Input.Length, 2), s.Input);
        using var y = backend.Empty(s.Output);
        long Uses(int count)
        {
            long before = backend.Packings;
            for (int i = 0; i < count; i++)
                backend.Conv2d(s, x, w, null, y);
            return backend.Packings - before;
        }
        Assert.That(Uses(5), Is.EqualTo(2), "at first nobody knows that there will be a second use");
        for (int update = 0; update < 3; update++)
        {
            backend.Scale(w, 0.9f, w);
            Assert.That(Uses(4), Is.EqualTo(1));
        }
        backend.Scale(w, 0.9f, w);
        Uses(1);
        for (int update = 0; update < 3; update++)
        {
            backend.Scale(w, 0.9f, w);
            Assert.That(Uses(1), Is.EqualTo(1), "each used once");
        }
    }

    [Test]
    public void Memory_that_comes_back_from_the_pool_is_not_mistaken()
    {
        var s = Shapes[0];
        using var backend = new ReferenceBackend(1);
        for (int round = 0; round < 4; round++)
        {
            using var w = backend.FromArray(Values(s.Weight.Length, 10 + round), s.Weight);
            for (int use = 0; use < 3; use++)
            {
                using var fresh = new ReferenceBackend(1);
                using var same = fresh.FromArray(w.ToArray(), s.Weight);
                Assert.That(Convolve(backend, s, w).Y, Is.EqualTo(Convolve(fresh, s, same).Y));
            }
        }
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
    }

    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Tiny);

    [TestCaseSource(nameof(Rows))]
    public void Whatever_an_operation_writes_has_a_new_version(OpCase row)
    {
        using var backend = new ReferenceBackend(1);
        using var tensors = new CaseTensors(backend, row, row.Start());
        var before = tensors.Operands.Select(t => t.Storage.Version).ToArray();
        row.Run(backend, tensors.Operands);
        for (int k = 0; k < before.Length; k++)
        {
            bool changed = tensors.Operands[k].Storage.Version != before[k];
            Assert.That(changed, Is.EqualTo(row.Operands[k].Role != Role.Input), row.Operands[k].Name);
        }
    }

    private static (float[] Y, float[] Dx) Convolve(Backend backend, in Conv2dShape s, Tensor w)
    {
        using var x = backend.FromArray(Values(s.Input.Length, 2), s.Input);
        using var bias = backend.FromArray(Values(s.K, 3), new Shape(s.K));
        using var dy = backend.FromArray(Values(s.Output.Length, 4), s.Output);
        using var y = backend.Empty(s.Output);
        using var dx = backend.Empty(s.Input);
        backend.Conv2d(s, x, w, bias, y);
        backend.Conv2dDgrad(s, dy, w, dx);
        return (y.ToArray(), dx.ToArray());
    }

    private static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => 2f * random.NextSingle() - 1f)];
    }
}
