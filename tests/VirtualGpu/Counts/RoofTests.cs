using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>The busiest part limits.</summary>
internal sealed class RoofTests
{
    [Test]
    public void Memory_limits_a_copy_and_takes_its_bytes_over_the_bandwidth()
    {
        var launch = new SyntheticLaunch(GpuModel.H100);
        const int length = 1 << 22;
        launch.Block(0, () =>
        {
            for (int warp = 0; warp < length / 512; warp++)
            {
                launch.Global(InstructionClass.GlobalLoad, 16, lane => 0x5000_0000_0000 + (ulong)(512 * warp + 16 * lane));
                launch.Global(InstructionClass.GlobalStore, 16, lane => 0x5100_0000_0000 + (ulong)(512 * warp + 16 * lane));
            }
        });
        var counts = launch.Finish();
        var memory = Roof.Of(counts).Parts.Single(p => p.Name == "memory");
        // Data sheet: 3.35 TB/s.
        Assert.That(memory.Cycles / (1000.0 * GpuModel.H100.ClockKHz), Is.EqualTo(2 * length / 3.352e12).Within(0.01).Percent);
    }

    [Test]
    public void Shared_memory_limits_a_column_walk()
    {
        var launch = new SyntheticLaunch(GpuModel.A100);
        launch.Block(0, () =>
        {
            for (int k = 0; k < 100; k++)
                launch.Shared(InstructionClass.SharedLoad, 4, lane => 128 * (ulong)lane);
        });
        var roof = Roof.Of(launch.Finish());
        Assert.That(roof.Limiter, Is.EqualTo(new BusyPart("shared memory", 3200)));
    }
}
