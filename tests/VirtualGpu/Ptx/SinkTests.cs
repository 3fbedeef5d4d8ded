using BDense.Tests.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Ptx;

/// <summary>Destinations that are thrown away: <c>_</c>.</summary>
internal sealed class SinkTests
{
    [TestCase("mov.b64 %d1, 0x700000005; mov.b64 {%r0, _}, %d1;", 5)]
    [TestCase("mov.b64 %d1, 0x700000005; mov.b64 {_, %r0}, %d1;", 7)]
    [TestCase("setp.lt.s32 %p1|_, 1, 2; selp.b32 %r0, 3, 4, %p1;", 3)]
    [TestCase("setp.lt.s32 _|%p1, 1, 2; selp.b32 %r0, 3, 4, %p1;", 4)]
    [TestCase("shfl.sync.idx.b32 _|%p1, %t, 3, 31, 0xffffffff; selp.b32 %r0, 3, 4, %p1;", 3)]
    [TestCase("shfl.sync.idx.b32 %r0|_, %t, 3, 31, 0xffffffff;", 3)]
    [TestCase(".shared .b32 sum; mov.b32 %r1, 0; st.shared.b32 [sum], %r1; bar.sync 0; atom.shared.add.u32 _, [sum], 2; bar.sync 0; "
        + "ld.shared.b32 %r0, [sum];", 64)]
    public void What_goes_to_a_sink_leaves_the_rest(string body, int expected) =>
        Assert.That(ControlKernel.Run(body), Is.All.EqualTo(expected));
}
