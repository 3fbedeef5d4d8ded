using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

[TestFixture]
internal sealed class TensorTests
{
    private readonly ReferenceBackend _backend = new(1);

    [OneTimeTearDown]
    public void Close() => _backend.Dispose();

    [TearDown]
    public void Nothing_leaks() => Assert.That(_backend.Pool.CurrentBytes, Is.Zero);

    private Tensor Range(params ReadOnlySpan<int> extents)
    {
        var shape = new Shape(extents);
        return _backend.FromArray([.. Enumerable.Range(0, shape.Length).Select(i => (float)i)], shape);
    }

    [Test]
    public void A_view_looks_at_the_same_elements()
    {
        using var x = Range(3, 4);
        using var row = x.View(4, new(4));
        using var inner = row.View(1, new(2));
        Assert.That(inner.ToArray(), Is.EqualTo(new[] { 5f, 6f }));
        inner.Upload([-5f, -6f]);
        Assert.That(x.ToArray(), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, -5, -6, 7, 8, 9, 10, 11 }));
    }

    [TestCase(-1, 3)]
    [TestCase(0, 13)]
    [TestCase(10, 3)]
    [TestCase(13, 0)]
    [TestCase(int.MaxValue, 2)]
    public void A_view_beyond_the_tensor_is_refused(int offset, int length)
    {
        using var x = Range(3, 4);
        Assert.That(() => x.View(offset, new(length)),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains($"a view of {length} at {offset} does not fit into 3 x 4"));
        Assert.That(x.IsShared, Is.False, "a refused view holds nothing");
    }

    [Test]
    public void A_view_of_a_view_stays_within_it()
    {
        using var x = Range(12);
        using var part = x.View(4, new(4));
        Assert.That(() => part.View(2, new(3)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_reshape_keeps_elements_and_their_number()
    {
        using var x = Range(3, 4);
        using var y = x.Reshape(new(2, 6));
        Assert.That(y.ToArray(), Is.EqualTo(x.ToArray()));
        Assert.That(() => x.Reshape(new(5)),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("3 x 4 cannot be read as 5: 12 elements against 5"));
    }

    [Test]
    public void A_second_dispose_does_nothing()
    {
        var x = Range(4);
        var share = x.Share();
        x.Dispose();
        x.Dispose();
        Assert.That(share.ToArray(), Is.EqualTo(new[] { 0f, 1, 2, 3 }), "the other handle still holds the storage");
        share.Dispose();
        share.Dispose();
    }

    [Test]
    public void Use_after_dispose_is_refused()
    {
        var x = Range(4);
        x.Dispose();
        Assert.That(x.IsDisposed);
        Assert.That(x.ToString(), Is.EqualTo("4 on cpu (disposed)"));
        Assert.That(x.ToArray, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => x.Upload(new float[4]), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => x.View(0, new(1)), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(x.Share, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => x.IsShared, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Sharing_is_known()
    {
        using var x = Range(4);
        Assert.That(x.IsShared, Is.False);
        using (x.Share())
            Assert.That(x.IsShared);
        Assert.That(x.IsShared, Is.False);
    }

    [Test]
    public void Copies_of_the_wrong_length_are_refused()
    {
        using var x = Range(2, 3);
        Assert.That(() => x.Upload(new float[5]),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("5 values do not fit a tensor of 2 x 3"));
        Assert.That(() => x.Download(new float[7]),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("a tensor of 2 x 3 does not fit 7 values"));
        Assert.That(() => _backend.FromArray(new float[5], new(2, 3)), Throws.TypeOf<BDenseException>());
    }

    [Test]
    public void A_shape_knows_its_extents()
    {
        var shape = new Shape(2, 3, 5);
        Assert.That((shape.Rank, shape.Length, shape[0], shape[-1], shape.ToString()), Is.EqualTo((3, 30, 2, 5, "2 x 3 x 5")));
        Assert.That(new Shape([]).Length, Is.EqualTo(1));
        Assert.That(new Shape(2, 0, 3).Length, Is.Zero);
        Assert.That(shape == new Shape(2, 3, 5) && shape != new Shape(2, 15) && shape != new Shape(30));
        Assert.That(() => shape[3], Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => shape[-4], Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void An_impossible_shape_is_refused()
    {
        Assert.That(() => new Shape(1, 2, 3, 4, 5, 6),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("a tensor has at most 5 extents, not 6"));
        Assert.That(() => new Shape(2, -1),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("a tensor's extent cannot be negative: 2 x -1"));
        Assert.That(() => new Shape(65536, 65536),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("a tensor of 65536 x 65536 has more than"));
        Assert.That(() => new Shape(65536, 65536, 0), Throws.TypeOf<BDenseException>());
    }
}
