using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class BatchesTests
{
    [Test]
    public void EveryEpochHoldsEveryImageOnce([Values(1, 2, 3, 10, 64, 65, 1000, 4097)] int count)
    {
        for (ulong epoch = 0; epoch < 3; epoch++)
            Assert.That(Enumerable.Range(0, count).Select(i => Batches.Permute(i, count, 7, epoch)).Order(),
                Is.EqualTo(Enumerable.Range(0, count)));
    }

    [Test]
    public void EpochsAndSeedsDifferAndLookShuffled()
    {
        const int Count = 1000;
        int[] Order(ulong seed, ulong epoch) => [.. Enumerable.Range(0, Count).Select(i => Batches.Permute(i, Count, seed, epoch))];
        foreach (var (a, b) in new[] { (Order(1, 0), Order(1, 1)), (Order(1, 0), Order(2, 0)),
            (Order(1, 0), [.. Enumerable.Range(0, Count)]) })
        {
            // Two random permutations agree in 1 place on average.
            Assert.That(a.Zip(b).Count(pair => pair.First == pair.Second), Is.LessThan(8));
            // Spearman's rank correlation has a standard deviation of 0.03.
            double correlation =
                1 - 6 * a.Zip(b).Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / (Count * (Count * (double)Count - 1));
            Assert.That(Math.Abs(correlation), Is.LessThan(0.15));
        }
    }

    [Test]
    public void AStepDependsOnItsNumberAlone()
    {
        // A batch larger than the epoch, and steps asked for in any order.
        var batches = new Batches(10, 16, Seed: 3, Flip: true);
        var first = Enumerable.Range(0, 5).Select(step => At(batches, step)).ToList();
        foreach (int step in new[] { 4, 0, 2 })
            Assert.That(At(new Batches(10, 16, 3, true), step), Is.EqualTo(first[step]));
        Assert.That(first.SelectMany(batch => batch).GroupBy(pair => pair.Index).Select(group => group.Count()), Is.All.EqualTo(8));
    }

    [Test]
    public void HalfOfTheImagesAreFlipped()
    {
        Assert.That(At(new Batches(1000, 1000, 5, Flip: true), 0).Count(pair => pair.Flip), Is.InRange(430, 570));
        Assert.That(At(new Batches(1000, 1000, 5), 0).Any(pair => pair.Flip), Is.False);
    }

    private static (int Index, bool Flip)[] At(Batches batches, long step)
    {
        var (indices, flips) = (new int[batches.BatchSize], new bool[batches.BatchSize]);
        batches.At(step, indices, flips);
        return [.. indices.Zip(flips)];
    }
}
