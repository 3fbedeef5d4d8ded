using System.Security.Cryptography;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class FileDigestsTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    // Below, at and above the pieces in which it is digested.
    [TestCase(0)]
    [TestCase(1000)]
    [TestCase(1 << 20)]
    [TestCase((3 << 20) + 17)]
    public void What_is_written_is_digested_on_the_way(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        using var digests = new FileDigests();
        AtomicFile.Write(_folder["x.bin"], stream =>
        {
            for (int i = 0; i < length; i += 700_001)
                stream.Write(bytes, i, Math.Min(700_001, length - i));
        });
        Assert.That(File.ReadAllBytes(_folder["x.bin"]), Is.EqualTo(bytes));
        Assert.That(digests.Of(_folder["x.bin"]), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    [Test]
    public void Nothing_is_kept_of_a_file_that_failed_nor_after_the_end()
    {
        var digests = new FileDigests();
        Assert.Throws<BDenseException>(() => AtomicFile.Write(_folder["a"], stream =>
        {
            stream.Write(new byte[5 << 20]);
            throw new IOException("No space left on device");
        }));
        digests.Dispose();
        AtomicFile.WriteText(_folder["b"], "b");
        Assert.That((digests.Of(_folder["a"]), digests.Of(_folder["b"])), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { _folder["b"] }));
    }

    /// <summary>Large arrays are digested where they are, small ones and what is between them on the way.</summary>
    [Test]
    public void Tensors_are_digested_in_the_order_they_are_written()
    {
        using var digests = new FileDigests();
        int[] lengths = [3, 1_300_000, 7, 16_384, 16_383, 2_000_000, 1];
        SafeTensors.Write(_folder["x.safetensors"],
            [.. lengths.Select((length, i) =>
                ($"t{i}", new[] { length }, Enumerable.Range(0, length).Select(v => (float)(v + i)).ToArray()))]);
        Assert.That(digests.Of(_folder["x.safetensors"]),
            Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_folder["x.safetensors"])))));
    }
}
