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
        string left = $".x.npz.{Guid.NewGuid():N}.tmp", others = $".x.npz.zip.{Guid.NewGuid():N}.tmp";
        foreach (string file in new[] { ".config.json.0123.tmp", ".step-000004.0123.tmp/model.safetensors", left, others,
            "kept.tmp", ".kept",
            "a/.b.0123.tmp", ".lock.pid", ".x.npz.lock", ".x.npz.lock.pid" })
            _folder.Write(file, "1"u8);
        using (WriterLock.OfFile(_folder["x.npz"]))
            Assert.That(File.Exists(_folder[left]), Is.False);
        Assert.That(File.Exists(_folder[others]), "of another file, whose name begins alike");
        Assert.That(File.Exists(_folder[".config.json.0123.tmp"]), "a file's writer clears its own");
        using (var writer = WriterLock.OfFolder(_folder.Path))
            Assert.That(writer.IsInPlace());
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { ".lock", "kept.tmp", ".kept", "a" }), "a file's lock goes with it, a dead writer's too");
        Assert.That(File.Exists(_folder["a/.b.0123.tmp"]));
    }

    /// <summary>
    /// The lock's file goes each time that it is given back; whoever opened it before that must not take it for the lock.
    /// </summary>
    [Test]
    public void Writers_that_come_and_go_are_never_two_at_once()
    {
        int inside = 0, most = 0, turns = 0;
        var writers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            while (Volatile.Read(ref turns) < 300)
            {
                try
                {
                    using var alone = WriterLock.OfFile(_folder["x.npz"]);
                    int now = Interlocked.Increment(ref inside);
                    if (now > Volatile.Read(ref most))
                        Volatile.Write(ref most, now);
                    Interlocked.Increment(ref turns);
                    Interlocked.Decrement(ref inside);
                }
                catch (BDenseException e) when (e.Message.Contains("is being written by another process", StringComparison.Ordinal))
                {
                    // Another's turn.
                }
            }
        })).ToList();
        writers.ForEach(w => w.Start());
        writers.ForEach(w => w.Join());
        Assert.That(most, Is.EqualTo(1));
    }

    /// <summary>As a writer is that opened the lock's file, and locked it when another had already removed it.</summary>
    [Test]
    public void A_lock_without_a_name_is_seen_to_be_none()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("told on Linux alone");
        string path = _folder[".x.lock"];
        using var first = Files.Open(path);
        Assert.That(Files.IsNamed(first, path), Is.True);
        Files.Delete(path);
        Assert.That(Files.IsNamed(first, path), Is.False, "removed");
        using var second = Files.Open(path);
        Assert.That((Files.IsNamed(first, path), Files.IsNamed(second, path)), Is.EqualTo(((bool?)false, (bool?)true)),
            "another in its place");
    }

    [Test]
    public void A_links_lock_is_that_of_the_file_it_leads_to()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("links need rights there");
        _folder.Write("real/x.npz", "1"u8);
        File.CreateSymbolicLink(_folder["link.npz"], _folder["real/x.npz"]);
        using var alone = WriterLock.OfFile(_folder["link.npz"]);
        Assert.That(() => WriterLock.OfFile(_folder["real/x.npz"]), Throws.TypeOf<BDenseException>());
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
