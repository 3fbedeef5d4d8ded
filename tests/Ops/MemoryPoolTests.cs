using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

[TestFixture]
internal sealed class MemoryPoolTests
{
    private sealed class Block(int length, List<int> log) : Storage(length)
    {
        public override void Dispose() => log.Add(-Length);
    }

    private readonly List<int> _log = [];

    /// <summary>A device with room for <paramref name="room"/> floats; the log holds its allocations, and frees as negative
    /// numbers.</summary>
    private MemoryPool Device(int room = int.MaxValue)
    {
        _log.Clear();
        return new MemoryPool(length =>
        {
            if (_log.Sum() + length > room)
                throw new OutOfMemoryException();
            _log.Add(length);
            return new Block(length, _log);
        });
    }

    [TestCase(0, 64)]
    [TestCase(1, 64)]
    [TestCase(64, 64)]
    [TestCase(65, 128)]
    [TestCase(128, 128)]
    [TestCase(129, 192)]
    [TestCase(1000, 1024)]
    [TestCase(1024, 1024)]
    [TestCase(1025, 1280)]
    [TestCase(1 << 20, 1 << 20)]
    [TestCase((1 << 20) + 1, (1 << 20) + (1 << 18))]
    [TestCase(int.MaxValue, int.MaxValue)]
    public void Sizes_are_rounded_to_their_class(int length, int size) => Assert.That(MemoryPool.SizeClass(length), Is.EqualTo(size));

    [Test]
    public void A_class_wastes_at_most_a_quarter_and_keeps_the_alignment()
    {
        for (long length = 256; length < int.MaxValue; length += length / 7 + 1)
        {
            int size = MemoryPool.SizeClass((int)length);
            Assert.That(size, Is.InRange(length, (long)(1.25 * length) + 64));
            Assert.That(size % 64 == 0 || size == length, $"{length} -> {size}");
            Assert.That(MemoryPool.SizeClass(size), Is.EqualTo(size), "a class is its own class");
        }
    }

    [Test]
    public void A_returned_block_is_used_again_for_its_class_only()
    {
        using var backend = new ReferenceBackend(1);
        var a = backend.Empty(new(1000));
        var storage = a.Storage;
        a.Dispose();
        using var other = backend.Empty(new(2000));
        Assert.That(other.Storage, Is.Not.SameAs(storage));
        using var again = backend.Empty(new(1024));
        Assert.That(again.Storage, Is.SameAs(storage));
        Assert.That(backend.Pool.DeviceAllocations, Is.EqualTo(2));
    }

    [Test]
    public void The_second_of_two_equal_steps_asks_the_driver_for_nothing()
    {
        using var backend = new ReferenceBackend(1);
        void Step()
        {
            using Tensor a = backend.Empty(new(100)), b = backend.Empty(new(5000)), c = backend.Empty(new(100));
            using var d = backend.Empty(new(777));
        }
        Step();
        long first = backend.Pool.DeviceAllocations;
        Step();
        Assert.That(backend.Pool.DeviceAllocations, Is.EqualTo(first));
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
    }

    [Test]
    public void Bytes_are_counted()
    {
        using var backend = new ReferenceBackend(1);
        var pool = backend.Pool;
        var a = backend.Empty(new(1000));
        var view = a.View(10, new(20));
        Assert.That((pool.CurrentBytes, pool.PeakBytes, pool.ReservedBytes), Is.EqualTo((4096L, 4096L, 4096L)));
        a.Dispose();
        Assert.That(pool.CurrentBytes, Is.EqualTo(4096), "a view keeps the block");
        view.Dispose();
        Assert.That((pool.CurrentBytes, pool.PeakBytes, pool.ReservedBytes), Is.EqualTo((0L, 4096L, 4096L)));
        pool.ResetPeak();
        Assert.That(pool.PeakBytes, Is.Zero);
        pool.Trim();
        Assert.That(pool.ReservedBytes, Is.Zero);
    }

    [Test]
    public void A_full_device_gets_its_cache_back_before_the_pool_gives_up()
    {
        using var pool = Device(room: 2048);
        var storage = pool.Rent(1024);
        pool.Return(storage);
        Assert.That(pool.Rent(2048).Length, Is.EqualTo(2048));
        Assert.That(_log, Is.EqualTo(new[] { 1024, -1024, 2048 }));
    }

    [Test]
    public void Out_of_memory_is_one_line_with_the_figures()
    {
        using var pool = Device(room: 1 << 20);
        pool.Rent(1 << 19);
        string message = Assert.Throws<DeviceMemoryException>(() => pool.Rent(1 << 20))!.Message;
        Assert.That(message, Is.EqualTo("out of memory: 4 MiB wanted, 2 MiB in use, peak 2 MiB; use a smaller batch or network"));
        Assert.That(pool.CurrentBytes, Is.EqualTo(1 << 21), "a failed request changes nothing");
        Assert.That(pool.Rent(1 << 18).Length, Is.EqualTo(1 << 18), "what fits is still given");
    }

    [Test]
    public void An_exact_pool_hides_no_access_behind_a_block_or_after_it()
    {
        using var pool = Device();
        pool.Exact = true;
        Storage a = pool.Rent(1001), b = pool.Rent(0);
        Assert.That((a.Length, b.Length), Is.EqualTo((1001, 1)));
        pool.Return(a);
        Assert.That(_log, Is.EqualTo(new[] { 1001, 1, -1001 }), "given back at once");
        Assert.That((pool.CurrentBytes, pool.ReservedBytes), Is.EqualTo((4L, 4L)));
        Assert.That(pool.Rent(1001), Is.Not.SameAs(a));
    }

    [Test]
    public void An_exact_pool_leaves_a_graphs_blocks_to_its_arena()
    {
        using var pool = Device();
        pool.Exact = true;
        var arena = new MemoryArena(pool);
        using (arena.Enter())
            pool.Return(pool.Rent(7));
        using (arena.Enter())
            pool.Return(pool.Rent(7));
        Assert.That(_log, Is.EqualTo(new[] { 7 }), "the second finds what the first returned");
        arena.Dispose();
        Assert.That(_log, Is.EqualTo(new[] { 7, -7 }));
        Assert.That(pool.ReservedBytes, Is.Zero);
    }

    [Test]
    public void The_limit_counts_like_a_full_device()
    {
        using var pool = Device();
        pool.LimitBytes = 3 * 4096;
        var a = pool.Rent(1024);
        pool.Rent(1024);
        Assert.That(() => pool.Rent(2048),
            Throws.TypeOf<DeviceMemoryException>().With.Message.StartsWith("out of memory: 0 MiB wanted, 0 MiB in use"));
        pool.Return(a);
        Assert.That(pool.Rent(2048).Length, Is.EqualTo(2048), "the cached block was given back to make room");
        Assert.That(_log, Is.EqualTo(new[] { 1024, 1024, -1024, 2048 }));
    }
}
