using BDense.VirtualGpu;
using BDense.VirtualGpu.Memory;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>Allocations: addresses, what they cost, what is remembered of them.</summary>
internal sealed unsafe class GlobalMemoryTests
{
    [Test]
    public void Addresses_are_aligned_apart_and_the_same_in_every_run()
    {
        using GlobalMemory one = new(1 << 20), other = new(1 << 20);
        ulong[] Allocate(GlobalMemory memory) => [.. ((long[])[1, 512, 513, 4]).Select(memory.Allocate)];
        ulong[] addresses = Allocate(one);
        Assert.That(addresses, Is.EqualTo(Allocate(other)));
        Assert.That(addresses[0], Is.EqualTo(GlobalMemory.Base));
        Assert.That(addresses, Has.All.Matches<ulong>(a => a % 512 == 0 && GlobalMemory.Owns(a)));
        Assert.That(addresses.Zip(addresses.Skip(1), (a, b) => b - a), Is.EqualTo(new ulong[] { 1024, 1024, 1536 }));
    }

    [Test]
    public void Memory_is_returned_and_addresses_are_not()
    {
        using var memory = new GlobalMemory(4096);
        ulong a = memory.Allocate(2048), b = memory.Allocate(1025);
        Assert.That((memory.FreeBytes, memory.Allocate(1024)), Is.EqualTo((512L, 0UL)));
        Assert.That(memory.Free(a + 1), Is.False, "not where it begins");
        Assert.That((memory.Free(a), memory.Free(a), memory.FreeBytes), Is.EqualTo((true, false, 2560L)));
        Assert.That(memory.Allocate(2048), Is.GreaterThan(b));
        Assert.That((memory.Allocate(0), memory.Allocate(-1), memory.Allocate(long.MaxValue)), Is.EqualTo((0UL, 0UL, 0UL)));
    }

    [Test]
    public void Pointers_are_given_for_what_lies_in_one_allocation()
    {
        using var memory = new GlobalMemory(1 << 20);
        ulong a = memory.Allocate(100), b = memory.Allocate(100);
        Assert.That(memory.Find(a + 50, 50) - memory.Find(a, 100), Is.EqualTo(50L));
        Assert.That(memory.Find(a + 50, 51) is null, Is.True);
        Assert.That(memory.Find(a - 1, 1) is null, Is.True);
        Assert.That(memory.Find(a, (long)(b - a) + 1) is null, Is.True);
        memory.Free(a);
        Assert.That(memory.Find(a, 1) is null, Is.True);
        Assert.That(memory.Find(b, 100) is not null, Is.True);
    }

    [Test]
    public void Memory_that_is_not_touched_costs_nothing()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("elsewhere it is up to the allocator");
        using var gpu = new Gpu(GpuModel.H100);
        long before = Environment.WorkingSet;
        ulong address = gpu.Memory.Allocate(70L << 30);
        Assert.That(address, Is.Not.Zero);
        *gpu.Memory.Find(address + (69UL << 30), 1) = 1;
        gpu.Memory.MarkWritten(address, 70L << 30);
        Assert.That(Environment.WorkingSet - before, Is.LessThan(64 << 20));
    }

    [Test]
    public void Bits_of_written_bytes_agree_with_a_list([Values] bool aligned)
    {
        var random = new Random(3);
        byte[] bits = new byte[64];
        bool[] expected = new bool[500];
        fixed (byte* at = bits)
        {
            for (int run = 0; run < 2000; run++)
            {
                int count = aligned ? 1 << random.Next(5) : random.Next(1, 200), from = random.Next(expected.Length - count);
                from = aligned ? from / count * count : from;
                bool all = expected.AsSpan(from, count).IndexOf(false) < 0;
                Assert.That(aligned ? WrittenBits.AreAligned(at, from, count) : WrittenBits.Are(at, from, count), Is.EqualTo(all));
                int first = expected.AsSpan(from, count).IndexOf(false);
                Assert.That(WrittenBits.FirstUnset(at, from, count), Is.EqualTo(first < 0 ? -1 : from + first));
                if (random.Next(6) != 0)
                    continue;
                if (aligned)
                    WrittenBits.SetAligned(at, from, count);
                else
                    WrittenBits.Set(at, from, count);
                expected.AsSpan(from, count).Fill(true);
                if (expected.AsSpan().IndexOf(false) < 0)
                {
                    Array.Clear(bits);
                    Array.Clear(expected);
                }
            }
        }
    }

    [Test]
    public void Many_allocations_come_and_go()
    {
        using var memory = new GlobalMemory(1 << 20);
        ulong first = 0;
        for (int k = 0; k < 200_000; k++)
        {
            ulong address = memory.Allocate(512);
            first = k == 0 ? address : first;
            Assert.That(memory.Free(address), Is.True);
        }
        ulong kept = memory.Allocate(1 << 20);
        Assert.That((memory.Find(kept, 1 << 20) is not null, memory.Find(first, 1) is null, memory.FreeBytes),
            Is.EqualTo((true, true, 0L)));
    }
}
