using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>Faults planted around a wgmma, each beside the variant that is right.</summary>
internal sealed class WarpgroupFaultTests
{
    private const string Fences = WarpgroupProductCase.Fences, Waits = WarpgroupProductCase.Waits,
        Commit = "wgmma.commit_group.sync.aligned; ";

    private static readonly WarpgroupProductCase FromMemory = new(8, true, CanonicalLayout.Dense(128, true),
        CanonicalLayout.Dense(128, true));
    private static readonly WarpgroupProductCase FromRegisters = FromMemory with { LayoutA = null };

    [Test]
    public void Stores_without_a_proxy_fence_are_found() =>
        IsFound(FromMemory, Fences, "bar.sync 0; wgmma.fence.sync.aligned;", FindingKind.ProxyFence, "no fence.proxy.async lies between");

    /// <summary>The fence may also stand behind the barrier, by those who read.</summary>
    [Test]
    public void A_proxy_fence_is_for_what_its_thread_knows_of()
    {
        IsRight(FromMemory, Fences, "bar.sync 0; fence.proxy.async; wgmma.fence.sync.aligned;");
        // Each warp's fence knows of its own stores alone; only after the barrier of those of all.
        IsFound(FromMemory, Fences, "setp.eq.u32 %m2, %t, 0; @%m2 fence.proxy.async; bar.sync 0; wgmma.fence.sync.aligned;",
            FindingKind.ProxyFence);
        IsFound(FromMemory, Fences, "setp.lt.u32 %m2, %t, 32; @%m2 fence.proxy.async; bar.sync 0; wgmma.fence.sync.aligned;",
            FindingKind.ProxyFence);
    }

    [Test]
    public void A_barrier_that_is_missing_is_found() =>
        IsFound(FromMemory, Fences, "fence.proxy.async; wgmma.fence.sync.aligned;", FindingKind.Race);

    [Test]
    public void A_wgmma_fence_that_is_missing_is_found() =>
        IsFound(FromMemory, Fences, "fence.proxy.async; bar.sync 0;", FindingKind.MatrixRegisters, "no wgmma.fence");

    [Test]
    public void Registers_written_behind_the_fence_are_found()
    {
        IsFound(FromMemory, Fences, Fences + "add.f32 %f1, %f1, %f1;", FindingKind.MatrixRegisters, "an accumulator was read or written");
        IsFound(FromRegisters, Fences, Fences + "mov.b32 %r5, %r4;", FindingKind.MatrixRegisters, "a fragment of A was read or written");
        IsRight(FromMemory, Fences, Fences + "add.f32 %f9, %f9, %f9;");
        // Only where a lane runs it.
        IsRight(FromMemory, Fences, Fences + "setp.gt.u32 %m2, %t, 999; @%m2 add.f32 %f1, %f1, %f1;");
    }

    [Test]
    public void Accumulators_read_between_two_wgmmas_need_a_fence()
    {
        string twice = $"{Waits} add.f32 %f1, %f1, 0f00000000; {{0}} {FromMemory.Instruction} {Waits}";
        IsFinding(FromMemory, FromMemory.Body.Replace(Waits, twice.Replace("{0}", "")), FindingKind.MatrixRegisters);
        FromMemory.Run(FromMemory.Body.Replace(Waits, twice.Replace("{0}", "wgmma.fence.sync.aligned;"))).ToList();
    }

    [TestCase("")]
    [TestCase(Commit)]
    [TestCase(Commit + "wgmma.wait_group.sync.aligned 1;")]
    [TestCase("wgmma.wait_group.sync.aligned 0;")]
    [TestCase(Commit + Commit + "wgmma.wait_group.sync.aligned 2;")]
    public void Accumulators_read_before_the_wait_are_found(string wait) =>
        IsFound(FromMemory, Waits, wait, FindingKind.MatrixRegisters, "was not waited for");

    [Test]
    public void Fragments_overwritten_before_the_wait_are_found()
    {
        IsFound(FromRegisters, Waits, "mov.b32 %r5, 0;" + Waits, FindingKind.MatrixRegisters, "a fragment of A in a wgmma");
        IsRight(FromRegisters, Waits, "mov.b32 %r9, 0;" + Waits + "mov.b32 %r5, 0;");
    }

    [Test]
    public void Groups_are_waited_for_in_order()
    {
        string two = Commit + FromMemory.Instruction.Replace("%f0, %f1, %f2, %f3", "%f4, %f5, %f6, %f7") + Commit;
        string body = FromMemory.Body.Replace(Waits, two + "wgmma.wait_group.sync.aligned 1; {0} wgmma.wait_group.sync.aligned 0;");
        FromMemory.Run(body.Replace("{0}", "add.f32 %f8, %f0, %f1;")).ToList();
        IsFinding(FromMemory, body.Replace("{0}", "add.f32 %f8, %f0, %f4;"), FindingKind.MatrixRegisters);
    }

    [Test]
    public void An_accumulator_of_another_shape_before_the_wait_is_found()
    {
        string other = FromMemory.Instruction.Replace("m64n8k16", "m64n16k16").Replace("%f0, %f1, %f2, %f3",
            "%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7");
        string twice = FromMemory.Body.Replace(Waits, "{0}" + other + Waits);
        IsFinding(FromMemory with { Columns = 16 }, twice.Replace("{0}", ""), FindingKind.MatrixRegisters, "another shape");
    }

    [Test]
    public void Operands_overwritten_before_the_wait_are_found()
    {
        const string Store = "st.shared.b32 [%s], %t;", OneStores = "setp.eq.u32 %m2, %t, 0; @%m2 " + Store;
        IsFound(FromMemory, Waits, OneStores + Waits, FindingKind.Race, "which a wgmma of warpgroup 0 reads");
        IsFound(FromMemory, Waits, Commit + "wgmma.wait_group.sync.aligned 1; bar.sync 0;" + OneStores + Waits, FindingKind.Race);
        IsRight(FromMemory, Waits, Waits + OneStores);
    }

    [Test]
    public void Memory_that_nobody_wrote_is_found()
    {
        string body = FromMemory.Body.Replace("st.shared.b32", "setp.lt.u32 %m3, %r0, 512; @%m3 st.shared.b32");
        IsFinding(FromMemory, body, FindingKind.Unwritten);
    }

    [Test]
    public void A_matrix_beyond_the_arrays_is_found() =>
        IsFinding(FromMemory, FromMemory.Body.Replace("add.u64 %d5, %d4,", "add.u64 %d5, 0x2000,"), FindingKind.OutOfBounds);

    [Test]
    public void A_swizzled_matrix_that_begins_amid_its_pattern_is_found() =>
        IsFinding(FromMemory, FromMemory.Body.Replace(Waits, "add.u64 %d5, %d5, 8; " + FromMemory.Instruction + Waits),
            FindingKind.Descriptor, "pattern of 1024 bytes");

    [Test]
    public void Descriptors_that_differ_are_found()
    {
        string differ = "cvt.u64.u32 %d9, %t; shr.u64 %d9, %d9, {0}; add.u64 %d5, %d5, %d9;" + Fences;
        IsFound(FromMemory, Fences, differ.Replace("{0}", "0"), FindingKind.Descriptor, "where the first thread of the warpgroup has");
        IsFound(FromMemory, Fences, differ.Replace("{0}", "6"), FindingKind.Descriptor);
        IsFound(FromMemory, Fences, "setp.lt.u32 %m1, %t, 64;" + Fences, FindingKind.Descriptor, "scale-d");
    }

    [Test]
    public void A_warp_that_does_not_come_is_found()
    {
        const string Skip = "setp.ge.u32 %m2, %t, 96; @%m2 bra end;";
        string body = FromMemory.Body.Replace(Fences, Fences + Skip) + " end:";
        string message = IsFinding(FromMemory, body, FindingKind.BarrierNotReached).Message;
        Assert.That(message, Does.Contain("warps 0, 1, 2 at line").And.EndWith("warp 3 ended"));
        IsFinding(FromMemory, FromMemory.Body.Replace(Fences, Fences + "setp.ge.u32 %m2, %t, 16; @%m2 bra end;") + " end:",
            FindingKind.BarrierNotReached);
    }

    [Test]
    public void Warps_at_two_wgmmas_are_found()
    {
        string body = FromMemory.Body.Replace(FromMemory.Instruction,
            $"setp.ge.u32 %m2, %t, 96; @%m2 bra other; {FromMemory.Instruction} bra on; other: {FromMemory.Instruction} on:");
        IsFinding(FromMemory, body, FindingKind.BarrierNotReached, "come to different places");
    }

    [Test]
    public void A_warpgroup_sets_its_registers_together()
    {
        using var whole = new HopperKernel("setmaxnreg.dec.sync.aligned.u32 40;");
        whole.Run(threads: 256);
        Assert.That(whole.Found(threads: 160).Kind, Is.EqualTo(FindingKind.BarrierNotReached));
        using var part = new HopperKernel("setp.lt.u32 %m0, %t, 32; @%m0 bra end; setmaxnreg.dec.sync.aligned.u32 40; end:");
        Assert.That(part.Found().Message, Does.Contain("warps 1, 2, 3 at line"));
    }

    private static void IsRight(WarpgroupProductCase product, string part, string by) =>
        Assert.That(product.Run(product.Body.Replace(part, by)).Count(), Is.EqualTo(128 * product.Accumulators));

    private static void IsFound(WarpgroupProductCase product, string part, string by, FindingKind kind, string says = "")
    {
        Assert.That(product.Run().All(e => e.Found == e.Expected));
        IsFinding(product, product.Body.Replace(part, by), kind, says);
    }

    private static Finding IsFinding(WarpgroupProductCase product, string body, FindingKind kind, string says = "")
    {
        Assert.That(body, Is.Not.EqualTo(product.Body));
        var finding = Assert.Throws<FindingException>(() => product.Run(body).ToList())!.Finding;
        TestContext.Out.WriteLine(finding);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
        Assert.That(finding.Message, Does.Contain(says));
        return finding;
    }
}
