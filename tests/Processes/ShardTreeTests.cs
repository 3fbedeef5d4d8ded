using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Processes;
using NUnit.Framework;

namespace BDense.Tests.Processes;

/// <summary>One order of adding up, whoever adds.</summary>
public sealed class ShardTreeTests
{
    private const int Length = 37;

    /// <summary>Of very different sizes, so that another order gives other bits.</summary>
    private static float[] Shard(int i)
    {
        var random = new Random(i);
        return [.. Enumerable.Range(0, Length).Select(_ => (float)(Math.Exp(8 * random.NextDouble()) * (random.NextDouble() - 0.5)))];
    }

    private static float[] Sum(IEnumerable<float[]> vectors)
    {
        using var backend = new ReferenceBackend(1);
        using var tree = new ShardTree(backend, Length);
        foreach (var vector in vectors)
        {
            using var x = backend.FromArray(vector, new Shape(Length));
            tree.Add(x);
        }
        using var sum = backend.Empty(new Shape(Length));
        tree.Take(sum);
        return sum.ToArray();
    }

    /// <summary>A whole subtree each, then the tree over those.</summary>
    [TestCase(8, 1)]
    [TestCase(8, 2)]
    [TestCase(8, 4)]
    [TestCase(8, 8)]
    [TestCase(16, 4)]
    public void Subtrees_and_their_tree_give_the_bits_of_the_whole(int shards, int processes)
    {
        var whole = Sum(Enumerable.Range(0, shards).Select(Shard));
        int each = shards / processes;
        var parts = Sum(Enumerable.Range(0, processes).Select(p => Sum(Enumerable.Range(p * each, each).Select(Shard))));
        Assert.That(parts, Is.EqualTo(whole));
    }

    [Test]
    public void It_is_the_sum_and_not_one_after_the_other()
    {
        var tree = Sum(Enumerable.Range(0, 8).Select(Shard));
        var inARow = new float[Length];
        for (int i = 0; i < 8; i++)
            inARow = [.. inARow.Zip(Shard(i), (a, b) => a + b)];
        Assert.That(tree, Is.Not.EqualTo(inARow));
        for (int i = 0; i < Length; i++)
        {
            double exact = Enumerable.Range(0, 8).Sum(s => (double)Shard(s)[i]),
                size = Enumerable.Range(0, 8).Sum(s => Math.Abs(Shard(s)[i]));
            Assert.That(tree[i], Is.EqualTo(exact).Within(size * 3 * Math.Pow(2, -24)));
        }
    }

    [Test]
    public void Three_shards_are_no_tree() => Assert.That(() => Sum(Enumerable.Range(0, 3).Select(Shard)),
        Throws.TypeOf<BDenseException>().With.Message.Contains("not 3"));

    [Test]
    public void Nothing_is_left_over()
    {
        using var backend = new ReferenceBackend(1);
        long before = backend.Pool.CurrentBytes;
        using (var tree = new ShardTree(backend, Length))
        {
            using var x = backend.FromArray(Shard(0), new Shape(Length));
            for (int i = 0; i < 5; i++)
                tree.Add(x);
        }
        Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
    }

    [TestCase(10, 4)]
    [TestCase(1, 4)]
    [TestCase(0, 2)]
    [TestCase(1_000_003, 8)]
    public void Parts_cover_a_vector_once(int total, int count)
    {
        var parts = new Parts(total, count);
        Assert.That(Enumerable.Range(0, count).Sum(parts.Length), Is.EqualTo(total));
        for (int p = 0; p < count; p++)
            Assert.That(parts.Start(p) + parts.Length(p), Is.EqualTo(parts.Start(p + 1)));
    }
}
