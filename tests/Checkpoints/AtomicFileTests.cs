using BDense.Kernels;
using BDense.Model.Checkpoints;
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
            Assert.That(() => AtomicFile.Write(path, Body),
                Throws.TypeOf<BDenseException>().With.Message.EqualTo($"cannot write {path}: No space left on device"));
        else
            Assert.That(() => AtomicFile.Write(path, Body), Throws.InvalidOperationException.With.Message.EqualTo("mine"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { path }));
        Assert.That(File.ReadAllText(path), Is.EqualTo("old"));
    }

    [Test]
    public void WhatADeadWriterLeftGoesAndALivingOnesStays()
    {
        string dead = _folder[$".x.npz.{Guid.NewGuid():N}.tmp"], young = _folder[$".x.npz.{Guid.NewGuid():N}.tmp"],
            living = _folder[$".x.npz.{Guid.NewGuid():N}.tmp"],
            other = _folder[$".y.npz.{Guid.NewGuid():N}.tmp"], foreign = _folder[".x.npz.notes.tmp"];
        foreach (string path in new[] { dead, young, living, other, foreign })
        {
            File.WriteAllText(path, "half");
            if (path != young)
                File.SetLastWriteTimeUtc(path, DateTime.UtcNow - TimeSpan.FromHours(1));
        }
        using (new FileStream(living, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            AtomicFile.RequirePlace(_folder["x.npz"]);
        Assert.That(Directory.GetFiles(_folder.Path), Is.EquivalentTo(new[] { young, living, other, foreign }));
        AtomicFile.ClearDead(_folder.Path);
        Assert.That(Directory.GetFiles(_folder.Path), Is.EquivalentTo(new[] { young, foreign }));
    }

    [Test]
    public void APlaceIsAskedForBeforeTheWork()
    {
        Directory.CreateDirectory(_folder["folder"]);
        Assert.That(() => AtomicFile.RequirePlace(_folder["folder"]),
            Throws.TypeOf<BDenseException>().With.Message.Contains("it is a folder"));
        Assert.That(() => AtomicFile.RequirePlace(_folder["new/x.npz"]), Throws.Nothing);
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(_folder["circle"], "circle");
            Assert.That(() => AtomicFile.RequirePlace(_folder["circle"]),
                Throws.TypeOf<BDenseException>().With.Message.Contains("too many links"));
            Assert.That(() => AtomicFile.RequirePlace("/dev/null"), Throws.Nothing);
        }
        Assert.That(Directory.GetFiles(_folder.Path).Where(f => !f.EndsWith("circle", StringComparison.Ordinal)), Is.Empty);
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

    [Test]
    public void ALinkStaysAndWhatItLeadsToIsWritten()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("links need a right there");
        File.WriteAllText(_folder["target"], "old");
        Directory.CreateDirectory(_folder["a"]);
        File.CreateSymbolicLink(_folder["a/link"], "../second");
        File.CreateSymbolicLink(_folder["second"], _folder["target"]);
        AtomicFile.WriteText(_folder["a/link"], "new");
        Assert.That((File.ReadAllText(_folder["target"]), new FileInfo(_folder["a/link"]).LinkTarget), Is.EqualTo(("new", "../second")));
        File.CreateSymbolicLink(_folder["nowhere"], "made");
        AtomicFile.WriteText(_folder["nowhere"], "x");
        Assert.That(File.ReadAllText(_folder["made"]), Is.EqualTo("x"));
        File.CreateSymbolicLink(_folder["circle"], "circle");
        Assert.That(() => AtomicFile.WriteText(_folder["circle"], "x"),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith($"cannot write {_folder["circle"]}: "));
    }

    [Test]
    public async Task WhatIsNoRegularFileIsWrittenIntoNotReplaced()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("there are none");
        AtomicFile.WriteText("/dev/null", "gone");
        Assert.That(File.Exists("/dev/null") && new FileInfo("/dev/null").Length == 0);
        Assert.That(() => AtomicFile.WriteText("/dev/full", "x"),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("cannot write /dev/full: No space left"));
        string pipe = _folder["pipe"];
        using (var made = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await made.WaitForExitAsync();
        var read = Task.Run(() => File.ReadAllText(pipe));
        AtomicFile.WriteText(pipe, "through");
        Assert.That(await read, Is.EqualTo("through"));
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.EqualTo(new[] { pipe }));
        // An empty file is one to be replaced.
        File.WriteAllText(_folder["empty"], "");
        AtomicFile.WriteText(_folder["empty"], "full");
        Assert.That(File.ReadAllText(_folder["empty"]), Is.EqualTo("full"));
    }
}
