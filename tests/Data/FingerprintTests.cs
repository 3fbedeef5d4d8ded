using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class FingerprintTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 2 * 4 * 4 * 3).Select(i => (byte)(i * 7))];

    [Test]
    public void Names_do_not_count_and_all_that_training_sees_does()
    {
        string own = new Dataset("a", 4, 4, 3, Bytes, [0, 1]).Fingerprint;
        byte[] other = [.. Bytes];
        other[^1] ^= 1;
        Assert.That(new Dataset("b", 4, 4, 3, [.. Bytes], [0, 1], ["cat", "dog"]).Fingerprint, Is.EqualTo(own).And.Length.EqualTo(64));
        string[] others =
        [
            new Dataset("a", 4, 4, 3, other, [0, 1]).Fingerprint,
            new Dataset("a", 4, 4, 3, Bytes, [1, 0]).Fingerprint,
            new Dataset("a", 4, 4, 3, Bytes).Fingerprint,
            new Dataset("a", 4, 4, 3, Bytes[..48], [0]).Fingerprint,
            new Dataset("a", 4, 2, 3, Bytes, [0, 1, 0, 1]).Fingerprint,
            new Dataset("a", 4, 4, 3, Bytes.Select(b => b / 127.5f - 1).ToArray(), [0, 1]).Fingerprint,
        ];
        Assert.That(others.Append(own), Is.Unique);
    }

    [Test]
    public void A_limit_is_other_data()
    {
        Assert.That(Of(64), Is.Not.EqualTo(Of(32)));
        string again = Of(64);
        Assert.That(again, Is.EqualTo(Of(64)));

        static string Of(int limit) => Dataset.Open(null, new DatasetOptions(8, limit)).Fingerprint;
    }
}
