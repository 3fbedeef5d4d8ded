using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>Bytes by level, of patterns whose traffic is known.</summary>
internal sealed class CacheTests
{
    private const ulong A = 0x5000_0000_0000, B = 0x5100_0000_0000, C = 0x5200_0000_0000;

    [TestCase(1 << 16)]
    [TestCase(1 << 21, Description = "more than any first level")]
    public void A_copy_reads_and_writes_each_byte_once(int length)
    {
        var counts = Run(new(GpuModel.H100), length / 4096, (launch, block) =>
        {
            for (int warp = 0; warp < 32; warp++)
            {
                ulong at = (ulong)(block * 4096 + warp * 128);
                launch.Global(InstructionClass.GlobalLoad, 4, lane => A + at + 4 * (ulong)lane);
                launch.Global(InstructionClass.GlobalStore, 4, lane => B + at + 4 * (ulong)lane);
            }
        });
        Assert.Multiple(() =>
        {
            Assert.That((counts.MemoryBytesRead, counts.MemoryBytesWritten), Is.EqualTo((length, length)));
            Assert.That((counts.FirstLevelBytes, counts.SecondLevelBytesRead, counts.SecondLevelBytesWritten),
                Is.EqualTo((length, length, length)));
            Assert.That((counts.BytesAskedRead, counts.BytesAskedWritten), Is.EqualTo((length, length)));
        });
    }

    [Test]
    public void A_strided_copy_moves_whole_sectors_and_reads_those_that_it_writes_in_part()
    {
        // 1,024 floats, one a sector, to as many sectors.
        var counts = Run(new(GpuModel.H100), 1, (launch, _) =>
        {
            for (int warp = 0; warp < 32; warp++)
            {
                ulong at = (ulong)warp * 1024;
                launch.Global(InstructionClass.GlobalLoad, 4, lane => A + at + 32 * (ulong)lane);
                launch.Global(InstructionClass.GlobalStore, 4, lane => B + at + 32 * (ulong)lane);
            }
        });
        Assert.That((counts.MemoryBytesRead, counts.MemoryBytesWritten), Is.EqualTo((2 * 32 * 1024, 32 * 1024)));
    }

    [Test]
    public void A_naive_transpose_asks_more_of_the_second_level_than_of_memory()
    {
        const int n = 256;
        var counts = Run(new(GpuModel.H100), n, (launch, row) =>
        {
            for (int column = 0; column < n; column += 32)
            {
                launch.Global(InstructionClass.GlobalLoad, 4, lane => A + 4 * (ulong)(row * n + column + lane));
                launch.Global(InstructionClass.GlobalStore, 4, lane => B + 4 * (ulong)((column + lane) * n + row));
            }
        });
        Assert.Multiple(() =>
        {
            Assert.That((counts.MemoryBytesRead, counts.MemoryBytesWritten), Is.EqualTo((4 * n * n, 4 * n * n)),
                "blocks complete each other's sectors in the second level");
            Assert.That(counts.SecondLevelBytesWritten, Is.EqualTo(32 * n * n), "a sector for every float");
            Assert.That(counts.Of(InstructionClass.GlobalStore).SectorsPerRequest, Is.EqualTo(32));
        });
    }

    [Test]
    public void A_product_by_tiles_reads_each_operand_once_from_memory_and_its_tiles_from_the_second_level()
    {
        // 256 x 256 x 256 by tiles of 32 x 32, each a block that copies 32 x 256 of A and 256 x 32 of B.
        const int n = 256, tile = 32;
        var counts = Run(new(GpuModel.H100), n / tile * (n / tile), (launch, block) =>
        {
            int top = block / (n / tile) * tile, left = block % (n / tile) * tile;
            for (int k = 0; k < n; k += tile)
            {
                for (int r = 0; r < tile; r++)
                {
                    launch.Global(InstructionClass.GlobalLoad, 4, lane => A + 4 * (ulong)((top + r) * n + k + lane));
                    launch.Global(InstructionClass.GlobalLoad, 4, lane => B + 4 * (ulong)((k + r) * n + left + lane));
                }
            }
            for (int r = 0; r < tile; r++)
                launch.Global(InstructionClass.GlobalStore, 4, lane => C + 4 * (ulong)((top + r) * n + left + lane));
        });
        Assert.Multiple(() =>
        {
            Assert.That(counts.MemoryBytesRead, Is.EqualTo(2 * 4 * n * n));
            Assert.That(counts.MemoryBytesWritten, Is.EqualTo(4 * n * n));
            Assert.That(counts.SecondLevelBytesRead, Is.EqualTo(2L * 4 * n * n * (n / tile)));
        });
    }

    [Test]
    public void What_a_block_reads_again_comes_from_its_first_level()
    {
        var counts = Run(new(GpuModel.H100), 2, (launch, _) =>
        {
            for (int round = 0; round < 10; round++)
                for (int row = 0; row < 64; row++)
                    launch.Global(InstructionClass.GlobalLoad, 4, lane => A + 128 * (ulong)row + 4 * (ulong)lane);
        });
        Assert.Multiple(() =>
        {
            Assert.That(counts.FirstLevelBytes, Is.EqualTo(2 * 10 * 8192));
            Assert.That(counts.SecondLevelBytesRead, Is.EqualTo(2 * 8192), "each block once");
            Assert.That(counts.MemoryBytesRead, Is.EqualTo(8192), "both together once");
        });
    }

    [Test]
    public void Asynchronous_copies_pass_by_the_first_level()
    {
        var counts = Run(new(GpuModel.H100), 1, (launch, _) =>
        {
            for (int round = 0; round < 3; round++)
                launch.Global(InstructionClass.AsyncCopy, 16, lane => A + 16 * (ulong)lane);
        });
        Assert.That((counts.SecondLevelBytesRead, counts.MemoryBytesRead), Is.EqualTo((3 * 512, 512)));
    }

    [Test]
    public void What_does_not_fit_the_second_level_is_read_from_memory_again()
    {
        var small = GpuModel.H100 with { L2Bytes = 1 << 20 };
        var counts = Run(new(small), 2, (launch, _) =>
        {
            for (ulong row = 0; row < 2 << 20; row += 512)
                launch.Global(InstructionClass.AsyncCopy, 16, lane => A + row + 16 * (ulong)lane);
        });
        Assert.That(counts.MemoryBytesRead, Is.EqualTo(2 * (2 << 20)), "the longest unused line gives way: twice all of it");
    }

    [Test]
    public void A_cache_that_is_kept_holds_what_the_launch_before_wrote()
    {
        var cache = new SecondLevelCache(GpuModel.H100.L2Bytes);
        var first = Run(new(GpuModel.H100, cache), 1,
            (launch, _) => launch.Global(InstructionClass.GlobalStore, 16, lane => A + 16 * (ulong)lane));
        var second = Run(new(GpuModel.H100, cache), 1,
            (launch, _) => launch.Global(InstructionClass.GlobalLoad, 16, lane => A + 16 * (ulong)lane));
        Assert.That((first.MemoryBytesWritten, second.MemoryBytesRead), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Sums_do_not_depend_on_the_threads_that_run_the_blocks()
    {
        var model = GpuModel.H100 with { L2Bytes = 1 << 16 };
        var one = new SyntheticLaunch(model);
        for (int block = 0; block < 8; block++)
            one.Block(block, () => Reads(one, block));
        var two = new SyntheticLaunch(model, threads: 2);
        foreach (int block in new[] { 1, 0, 3, 5, 2, 4, 7, 6 })
            two.Block(block, () => Reads(two, block), block % 2);
        var (a, b) = (one.Finish(), two.Finish());
        Assert.Multiple(() =>
        {
            Assert.That(b.Total, Is.EqualTo(a.Total));
            Assert.That(b.MemoryBytesRead, Is.EqualTo(a.MemoryBytesRead).And.GreaterThan(8 * 16384));
        });

        static void Reads(SyntheticLaunch launch, int block)
        {
            for (int row = 0; row < 1024; row++)
                launch.Global(InstructionClass.GlobalLoad, 4, lane => A + 128 * (ulong)(row * (block + 1) % 777) + 4 * (ulong)lane);
        }
    }

    [TestCase(32, 0, 256, 8, "warps")]
    [TestCase(128, 0, 256, 2, "registers")]
    [TestCase(32, 100 << 10, 256, 2, "shared memory")]
    [TestCase(16, 0, 32, 32, "blocks")]
    public void Occupancy_is_what_the_scarcest_allows(int registers, int shared, int threads, int blocks, string limiter)
    {
        var occupancy = Occupancy.Of(GpuModel.H100, registers, shared, threads);
        Assert.That((occupancy.Blocks, occupancy.Limiter), Is.EqualTo((blocks, limiter)));
    }

    private static LaunchCounts Run(SyntheticLaunch launch, int blocks, Action<SyntheticLaunch, int> block)
    {
        for (int number = 0; number < blocks; number++)
            launch.Block(number, () => block(launch, number));
        return launch.Finish();
    }
}
