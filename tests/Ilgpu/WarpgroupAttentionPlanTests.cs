using BDense.Kernels;
using BDense.Kernels.Ilgpu.Attention;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Which attention goes on Hopper's own instructions.</summary>
internal sealed class WarpgroupAttentionPlanTests
{
    private const int SharedOfH100 = 227 << 10, Aligned = 0x200000;

    [TestCase(64, 65, Aligned, SharedOfH100, true)]
    [TestCase(128, 256, Aligned, SharedOfH100, true)]
    [TestCase(256, 256, Aligned, SharedOfH100, true)]
    [TestCase(64, 64, Aligned, SharedOfH100, false)]
    [TestCase(32, 256, Aligned, SharedOfH100, false)]
    [TestCase(96, 256, Aligned, SharedOfH100, false)]
    [TestCase(64, 256, Aligned + 8, SharedOfH100, false)]
    [TestCase(256, 256, Aligned, 163 << 10, false)]
    public void Warpgroups_take_it(int head, int tokens, int addresses, int sharedLimit, bool expected) =>
        Assert.That(AttentionPlan.IsForWarpgroups(new AttentionShape(2, tokens, 2, head), addresses, sharedLimit), Is.EqualTo(expected));
}
