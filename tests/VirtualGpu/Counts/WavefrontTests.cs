using BDense.VirtualGpu;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>Bank conflicts, where anyone can count them.</summary>
internal sealed class WavefrontTests
{
    private static IEnumerable<TestCaseData> Patterns()
    {
        yield return Row("a row of floats", 4, lane => 4 * lane, uint.MaxValue, 1, 1);
        yield return Row("the same word for all", 4, _ => 64, uint.MaxValue, 1, 1);
        yield return Row("bytes of the same words", 1, lane => lane, uint.MaxValue, 1, 1);
        yield return Row("a column of 32 x 32", 4, lane => 128 * lane, uint.MaxValue, 32, 1);
        yield return Row("a column of 32 x 33", 4, lane => 132 * lane, uint.MaxValue, 1, 1);
        yield return Row("a stride of 2", 4, lane => 8 * lane, uint.MaxValue, 2, 1);
        yield return Row("a stride of 2, the first half of the lanes", 4, lane => 8 * lane, 0xffff, 1, 1);
        yield return Row("pairs in a row", 8, lane => 8 * lane, uint.MaxValue, 2, 2);
        yield return Row("pairs, each 256 bytes apart", 8, lane => 256 * lane, uint.MaxValue, 32, 2);
        yield return Row("fours in a row", 16, lane => 16 * lane, uint.MaxValue, 4, 4);
        yield return Row("fours, one quarter of the warp", 16, lane => 16 * lane, 0xff, 1, 1);
        yield return Row("fours, rows of 128 bytes", 16, lane => 128 * lane, uint.MaxValue, 32, 4);
        yield return Row("fours, rows of 144 bytes", 16, lane => 144 * lane, uint.MaxValue, 4, 4);
        yield return Row("fours, rows of 64 bytes", 16, lane => 64 * lane, uint.MaxValue, 16, 4);
        yield return Row("rows of ldmatrix, 128 bytes apart and swizzled", 16, lane => 128 * lane + (lane % 8 << 4), uint.MaxValue, 4, 4);

        static TestCaseData Row(string name, int bytes, Func<int, int> address, uint lanes, int wavefronts, int ideal) =>
            new TestCaseData(bytes, address, lanes, wavefronts, ideal).SetName($"Wavefronts of {name}");
    }

    [TestCaseSource(nameof(Patterns))]
    public void Wavefronts_are_those_of_the_pattern(int bytes, Func<int, int> address, uint lanes, int wavefronts, int ideal)
    {
        var launch = new SyntheticLaunch(GpuModel.H100);
        var total = launch.Block(0, () => launch.Shared(InstructionClass.SharedLoad, bytes, lane => (ulong)address(lane), lanes))
            .Finish().Total;
        Assert.That((total.SharedRequests, total.Wavefronts, total.IdealWavefronts), Is.EqualTo((1L, (long)wavefronts, (long)ideal)));
    }
}
