using BDense.VirtualGpu;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>Sectors a request, where anyone can count them.</summary>
internal sealed class SectorTests
{
    private const ulong At = 0x5000_0000_0000;

    private static IEnumerable<TestCaseData> Patterns()
    {
        yield return Row("a row of floats", 4, lane => At + 4 * (ulong)lane, uint.MaxValue, 4, 4);
        yield return Row("a row of floats that begins in the middle of a sector", 4, lane => At + 16 + 4 * (ulong)lane,
            uint.MaxValue, 5, 4);
        yield return Row("a row of four floats a lane", 16, lane => At + 16 * (ulong)lane, uint.MaxValue, 16, 16);
        yield return Row("a row backwards", 4, lane => At + 4 * (ulong)(31 - lane), uint.MaxValue, 4, 4);
        yield return Row("the same float for all", 4, _ => At, uint.MaxValue, 1, 1);
        yield return Row("a stride of 8 floats", 4, lane => At + 32 * (ulong)lane, uint.MaxValue, 32, 4);
        yield return Row("a stride of 2 floats", 4, lane => At + 8 * (ulong)lane, uint.MaxValue, 8, 4);
        yield return Row("a column of a matrix of 1024", 4, lane => At + 4096 * (ulong)lane, uint.MaxValue, 32, 4);
        yield return Row("one lane", 4, lane => At + 4 * (ulong)lane, 1u << 17, 1, 1);
        yield return Row("half of a row", 4, lane => At + 4 * (ulong)lane, 0xffff, 2, 2);
        yield return Row("bytes", 1, lane => At + (ulong)lane, uint.MaxValue, 1, 1);
        yield return Row("two rows of 16", 4, lane => At + (ulong)(lane / 16 * 4096 + lane % 16 * 4), uint.MaxValue, 4, 4);

        static TestCaseData Row(string name, int bytes, Func<int, ulong> address, uint lanes, int sectors, int ideal) =>
            new TestCaseData(bytes, address, lanes, sectors, ideal).SetName($"Sectors of {name}");
    }

    [TestCaseSource(nameof(Patterns))]
    public void Sectors_are_those_of_the_pattern(int bytes, Func<int, ulong> address, uint lanes, int sectors, int ideal)
    {
        var launch = new SyntheticLaunch(GpuModel.H100);
        var total = launch.Block(0, () => launch.Global(InstructionClass.GlobalLoad, bytes, address, lanes)).Finish().Total;
        Assert.Multiple(() =>
        {
            Assert.That(total.GlobalRequests, Is.EqualTo(1));
            Assert.That(total.Sectors, Is.EqualTo(sectors));
            Assert.That(total.IdealSectors, Is.EqualTo(ideal));
            Assert.That(total.BytesAsked, Is.EqualTo((long)bytes * System.Numerics.BitOperations.PopCount(lanes)));
        });
    }

    [Test]
    public void A_request_of_no_lane_is_none()
    {
        var launch = new SyntheticLaunch(GpuModel.H100);
        var total = launch.Block(0, () => launch.Global(InstructionClass.GlobalLoad, 4, _ => At, 0)).Finish().Total;
        Assert.That((total.GlobalRequests, total.Sectors), Is.EqualTo((0L, 0L)));
    }
}
