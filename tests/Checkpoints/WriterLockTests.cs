using BDense.Kernels;
using BDense.Model.FileSystem;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class WriterLockTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void A_second_writer_is_refused_with_the_pid_until_the_first_has_ended()
    {
        var first = WriterLock.OfFolder(_folder.Path);
        Assert.That(() => WriterLock.OfFolder(_folder.Path), Throws.TypeOf<BDenseException>()
            .With.Message.EqualTo(
                $"{_folder.Path} is being written by another process (pid {Environment.ProcessId}); wait for it to end, or stop it"));
        // A file's lock is its own.
        using (WriterLock.OfFile(_folder["state.npz"]))
            Assert.That(() => WriterLock.OfFile(_folder["state.npz"]),
                Throws.TypeOf<BDenseException>().With.Message.Contains("state.npz is being written by another process (pid "));
        first.Dispose();
        WriterLock.OfFolder(_folder.Path).Dispose();
    }

    [Test]
    public void The_next_writer_clears_what_dead_ones_left_and_nothing_else()
    {
        foreach (string file in new[] { ".config.json.0123.tmp", ".step-000004.0123.tmp/model.safetensors", ".x.npz.0123.tmp", "kept.tmp",
            ".kept", "a/.b.0123.tmp", ".lock.pid" })
            _folder.Write(file, "1"u8);
        using (WriterLock.OfFile(_folder["x.npz"]))
            Assert.That(File.Exists(_folder[".x.npz.0123.tmp"]), Is.False);
        Assert.That(File.Exists(_folder[".config.json.0123.tmp"]), "a file's writer clears its own");
        using (var writer = WriterLock.OfFolder(_folder.Path))
            Assert.That(writer.IsInPlace());
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { ".lock", ".x.npz.lock", "kept.tmp", ".kept", "a" }));
        Assert.That(File.Exists(_folder["a/.b.0123.tmp"]));
    }

    [Test]
    public void A_folder_that_goes_or_is_replaced_is_noticed()
    {
        string path = _folder["run"];
        Directory.CreateDirectory(path);
        using var writer = WriterLock.OfFolder(path);
        Directory.Move(path, _folder["moved"]);
        Assert.That(writer.IsInPlace(), Is.False);
        Directory.CreateDirectory(path);
        using var other = WriterLock.OfFolder(path);
        Assert.That((writer.IsInPlace(), other.IsInPlace()), Is.EqualTo((false, true)));
    }
}
