using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class NaturalOrderTests
{
    [TestCase("0,1,2,9,10,11,100")]
    [TestCase("a,a1,a2,a10,a10b,a10c,b")]
    [TestCase("x1y2,x1y10,x2y1")]
    [TestCase("01,1,02,2")]
    [TestCase("n01440764,n01443537,n02123045")]
    [TestCase("airplane,automobile,bird")]
    [TestCase("99999999999999999999,100000000000000000000")]
    public void NumbersCountAsPeopleCount(string inOrder)
    {
        string[] names = inOrder.Split(',');
        Assert.That(names.Reverse().Order(NaturalOrder.Instance), Is.EqualTo(names));
        foreach (string a in names)
        {
            foreach (string b in names)
                Assert.That(Math.Sign(NaturalOrder.Instance.Compare(a, b)),
                    Is.EqualTo(Math.Sign(Array.IndexOf(names, a) - Array.IndexOf(names, b))), $"{a} {b}");
        }
    }

    [Test]
    public void ClassFoldersAreNumberedSo_WhateverTheLimit()
    {
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 12; i++)
            folder.Write($"{i}/x.png", TestImages.Plain((byte)(i * 20), 2));
        var data = Dataset.Open(folder.Path);
        Assert.That(data.Classes, Is.EqualTo(Enumerable.Range(0, 12).Select(i => $"{i}")));
        for (int i = 0; i < 12; i++)
            Assert.That(data.ToArray(i, 1)[0], Is.EqualTo((float)(data.Labels![i] * 20 / 127.5 - 1)),
                "an image's label is its folder's number");

        var few = Dataset.Open(folder.Path, new DatasetOptions(Limit: 2));
        Assert.That((few.ClassCount, few.Count), Is.EqualTo((12, 2)));
        foreach (int i in new[] { 0, 1 })
            Assert.That(few.ToArray(i, 1)[0], Is.EqualTo((float)(few.Labels![i] * 20 / 127.5 - 1)), "as without a limit");
    }
}
