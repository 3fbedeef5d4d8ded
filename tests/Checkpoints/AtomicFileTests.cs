using BDense.Kernels;
using BDense.Model;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class AtomicFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void WritesIntoNewFoldersAndReplaces()
    {
        string path = _folder["a/b/c.txt"];
        AtomicFile.WriteText(path, "one");
        AtomicFile.WriteText(path, "ö2");
        Assert.That(File.ReadAllBytes(path), Is.EqualTo("ö2"u8.ToArray()));
        Assert.That(Directory.GetFileSystemEntries(_folder["a/b"]), Has.Length.EqualTo(1));
    }

    /// <summary>As long as the system allows, in bytes: the temporary file's name has no room for all of it.</summary>
    [TestCase('a', 255)]
    [TestCase('ö', 127)]
    public void TheLongestNameIsWritten(char letter, int length)
    {
        string path = _folder[new string(letter, length)];
        AtomicFile.WriteText(path, "x");
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { path }));
    }

    [Test]
    public void AFailureKeepsTheOldFileAndLeavesNothingBeside([Values] bool fullDisk)
    {
        string path = _folder["x.bin"];
        File.WriteAllText(path, "old");
        void Body(Stream stream)
        {
            stream.Write(new byte[100_000]);
            throw fullDisk ? new IOException("No space left on device : '/tmp/.x.tmp'") : new InvalidOperationException("mine");
        }

        if (fullDisk)
            Assert.That(() => AtomicFile.Write(path, Body), Throws.TypeOf<BDenseException>().With.Message.EqualTo($"cannot write {path}: No space left on device"));
        else
            Assert.That(() => AtomicFile.Write(path, Body), Throws.InvalidOperationException.With.Message.EqualTo("mine"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { path }));
        Assert.That(File.ReadAllText(path), Is.EqualTo("old"));
    }

    [Test]
    public void AnUnwritablePlaceIsNamed()
    {
        File.WriteAllText(_folder["file"], "");
        Directory.CreateDirectory(_folder["folder"]);
        foreach (string path in new[] { _folder["file/below.txt"], _folder["folder"], "a\0b", "/proc/nowhere/x.txt" })
        {
            var e = Assert.Throws<BDenseException>(() => AtomicFile.WriteText(path, "x"));
            Assert.That(e!.Message, Does.StartWith($"cannot write {path}: ").And.Not.Contains("\n").And.Not.Contains(".tmp"));
        }
    }
}
