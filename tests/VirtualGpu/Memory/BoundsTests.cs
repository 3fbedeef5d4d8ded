using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>Alignment, bounds and freed memory, judged or not, each beside the variant that is right.</summary>
[TestFixture(true)]
[TestFixture(false)]
internal sealed class BoundsTests(bool judge)
{
    private const string Mine = "mul.wide.u32 %d0, %t, 4; add.u64 %d1, %q, %d0; add.u64 %d0, %p, %d0;";

    [Test]
    public void An_access_behind_the_end_is_found_to_the_byte()
    {
        using var kernel = new TestKernel($"{Mine} ld.global.f32 %f0, [%d0]; st.global.f32 [%d0], %f0;", judge);
        kernel.Run(kernel.Array(new float[32]));
        var finding = kernel.Found(kernel.Array(new float[31]));
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.OutOfBounds));
        Assert.That(finding.Thread, Is.EqualTo(new Dim3(31, 0, 0)));
        Assert.That(finding.Place!.Text, Does.Contain("ld.global.f32 %f0, [%d0]"));
        Assert.That(finding.Message, Does.Contain("0 bytes behind the end of the nearest allocation of 124 bytes"));
    }

    [Test]
    public void A_vector_that_begins_inside_and_ends_outside_is_found()
    {
        using var kernel = new TestKernel("mov.u32 %r0, 0; st.global.v4.b32 [%p+16], {%r0, %r0, %r0, %r0};", judge);
        kernel.Run(kernel.Room(32), threads: 1);
        var finding = kernel.Found(kernel.Room(31), threads: 1);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.OutOfBounds));
        Assert.That(finding.Message, Does.Contain("1 of them lie behind the end of the allocation of 31 bytes"));
    }

    [Test]
    public void A_copy_whose_source_is_outside_is_found()
    {
        using var kernel =
            new TestKernel(
                ".shared .align 16 .b8 a[32]; mov.u64 %d2, a; cp.async.cg.shared.global [%d2+0], [%p+16], 16; cp.async.wait_all;", judge);
        kernel.Run(kernel.Array(new byte[32]), threads: 1);
        Assert.That(kernel.Found(kernel.Array(new byte[31]), threads: 1).Kind, Is.EqualTo(FindingKind.OutOfBounds));
    }

    [Test]
    public void A_copy_of_fewer_bytes_than_arrive_reads_no_more()
    {
        using var kernel = new TestKernel("""
            .shared .align 16 .b8 a[48];
            mov.u64 %d2, a;
            cp.async.cg.shared.global [%d2+0], [%p+16], 16, 7;
            cp.async.cg.shared.global [%d2+16], [%p+4096], 16, 0;
            cp.async.ca.shared.global [%d2+32], [%p+4], 4;
            cp.async.wait_all;
            ld.shared.v4.b32 {%r0, %r1, %r2, %r3}, [%d2];
            st.global.v4.b32 [%q], {%r0, %r1, %r2, %r3};
            ld.shared.v4.b32 {%r0, %r1, %r2, %r3}, [%d2+16];
            st.global.v4.b32 [%q+16], {%r0, %r1, %r2, %r3};
            ld.shared.b32 %r0, [%d2+32];
            st.global.b32 [%q+32], %r0;
            """, judge);
        ulong p = kernel.Array(Enumerable.Range(1, 23).Select(k => (byte)k).ToArray()), q = kernel.Room(36);
        kernel.Run(p, q, threads: 1);
        byte[] expected = [17, 18, 19, 20, 21, 22, 23, .. new byte[25], 5, 6, 7, 8];
        Assert.That(kernel.Read<byte>(q, 36), Is.EqualTo(expected));
        Assert.That(kernel.Found(kernel.Array(new byte[22]), q, threads: 1).Kind, Is.EqualTo(FindingKind.OutOfBounds));
    }

    [TestCase("ld.global.v4.f32 {%f0, %f1, %f2, %f3}", "p", 8, 16)]
    [TestCase("ld.global.v2.f32 {%f0, %f1}", "p", 4, 8)]
    [TestCase("ld.global.u64 %d2", "p", 4, 8)]
    [TestCase("ld.global.u16 %r1", "p", 1, 2)]
    [TestCase("ld.shared.v4.f32 {%f0, %f1, %f2, %f3}", "shared", 8, 16)]
    [TestCase("ld.shared.f32 %f0", "shared", 2, 4)]
    [TestCase("ld.local.u64 %d2", "local", 4, 8)]
    public void Misaligned_accesses_are_found(string load, string where, int wrong, int right)
    {
        string declare = where == "p" ? "mov.b64 %d3, %p;" : $$"""
            .{{where}} .align 16 .b8 a[64];
            mov.u64 %d3, a;
            mov.u32 %r0, 0;
            st.{{where}}.v4.b32 [%d3], {%r0, %r0, %r0, %r0};
            st.{{where}}.v4.b32 [%d3+16], {%r0, %r0, %r0, %r0};
            st.{{where}}.v4.b32 [%d3+32], {%r0, %r0, %r0, %r0};
            """;
        using var good = new TestKernel($"{declare} {load}, [%d3+{right}];", judge);
        good.Run(good.Array(new byte[64]), threads: 1);
        using var bad = new TestKernel($"{declare} {load}, [%d3+{wrong}];", judge);
        var finding = bad.Found(bad.Array(new byte[64]), threads: 1);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.Misaligned));
        Assert.That(finding.Message, Does.Contain($"which is not a multiple of {right}"));
    }

    [Test]
    public void A_copy_that_is_misaligned_on_either_side_is_found([Values] bool source)
    {
        using var kernel = new TestKernel($"""
            .shared .align 16 .b8 a[64];
            mov.u64 %d2, a;
            cp.async.ca.shared.global [%d2{(source ? "" : "+4")}], [%p{(source ? "+4" : "")}], 8;
            cp.async.wait_all;
            """, judge);
        Assert.That(kernel.Found(kernel.Array(new byte[64]), threads: 1).Kind, Is.EqualTo(FindingKind.Misaligned));
    }

    [Test]
    public void Freed_memory_is_known_for_what_it_was()
    {
        using var kernel = new TestKernel($"{Mine} ld.global.f32 %f0, [%d0];", judge);
        ulong before = kernel.Array(new float[64]), p = kernel.Array(new float[64]), behind = kernel.Array(new float[64]);
        kernel.Run(p);
        Assert.That(kernel.Gpu.Memory.Free(p), Is.True);
        var finding = kernel.Found(p + 128);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.UseAfterFree));
        Assert.That(finding.Message, Does.Contain("byte 128 of an allocation of 256 bytes").And.Contain("freed"));
        kernel.Run(before);
        kernel.Run(behind);
        Assert.That(kernel.Array(new float[64]), Is.GreaterThan(behind), "addresses are not given out again");
    }

    [Test]
    public void Null_pointers_are_named()
    {
        using var kernel = new TestKernel($"{Mine} ld.global.f32 %f0, [%d0];", judge);
        var finding = kernel.Found(0);
        Assert.That((finding.Kind, finding.Message),
            Is.EqualTo((FindingKind.OutOfBounds, "4 bytes of global memory at 0x0: a null pointer")));
    }

    [TestCase(0xfffffffffffffffcUL)]
    [TestCase(0x0002_7000_0000_0000UL)]
    public void An_address_far_from_all_allocations_is_said_to_be(ulong address)
    {
        using var kernel = new TestKernel("ld.global.f32 %f0, [%p];", judge);
        kernel.Array(new float[32]);
        Assert.That(kernel.Found(address).Message, Does.EndWith(": there is no allocation near it"));
    }

    [Test]
    public void One_byte_is_one_byte()
    {
        using var kernel = new TestKernel("ld.global.u8 %r0, [%p+1];", judge);
        kernel.Run(kernel.Array(new byte[2]), threads: 1);
        Assert.That(kernel.Found(kernel.Array(new byte[1]), threads: 1).Message,
            Does.StartWith("1 byte of global memory").And.Contain("0 bytes behind the end of the nearest allocation of 1 byte at"));
    }

    [TestCase("shared")]
    [TestCase("local")]
    public void Addresses_of_32_bits_wrap(string space)
    {
        using var kernel = new TestKernel($"""
            .{space} .align 4 .b8 a[128];
            mov.u32 %r0, a;
            mad.lo.u32 %r0, %t, 4, %r0;
            sub.u32 %r1, %r0, 64;
            st.{space}.u32 [%r1+64], %t;
            ld.{space}.u32 %r2, [%r0];
            mul.wide.u32 %d0, %t, 4;
            add.u64 %d0, %d0, %p;
            st.global.u32 [%d0], %r2;
            """, judge);
        ulong p = kernel.Room(128);
        kernel.Run(p);
        Assert.That(kernel.Read<int>(p, 32), Is.EqualTo(Enumerable.Range(0, 32)));
        kernel.Run(p, threads: 5);
    }

    [TestCase("shared", "a", 16, true)]
    [TestCase("shared", "a", 17, false)]
    [TestCase("shared", "b", 4, true)]
    [TestCase("shared", "b", 5, false)]
    [TestCase("local", "a", 16, true)]
    [TestCase("local", "a", 17, false)]
    public void Shared_and_local_accesses_stay_in_their_arrays(string space, string array, int index, bool right)
    {
        using var kernel = new TestKernel($"""
            .{space} .align 4 .b8 a[68];
            .{space} .align 16 .b8 b[20];
            mov.u32 %r0, {array};
            st.{space}.u32 [%r0+{4 * index}], %t;
            """, judge);
        if (right)
        {
            kernel.Run(threads: 1);
            return;
        }
        var finding = kernel.Found(threads: 1);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.OutOfBounds));
        Assert.That(finding.Message, Does.Contain($"0 bytes behind the end of {array}"));
    }

    [Test]
    public void More_alignment_than_was_declared_cannot_be_relied_on()
    {
        using var kernel = new TestKernel(".shared .align 4 .b8 a[64]; mov.u32 %r0, a; st.shared.v2.u32 [%r0], {%t, %t};", judge);
        Assert.That(kernel.Found(threads: 1).Kind, Is.EqualTo(FindingKind.Misaligned));
    }

    [Test]
    public void Dynamic_shared_memory_is_as_long_as_the_launch_says()
    {
        using var kernel = new TestKernel("mov.u32 %r0, dynamic; mad.lo.u32 %r0, %t, 4, %r0; st.shared.u32 [%r0], %t;", judge,
            shared: ".extern .shared .align 16 .b8 dynamic[];");
        kernel.Run(dynamicShared: 128);
        Assert.That(() => kernel.Run(dynamicShared: 124),
            Throws.TypeOf<FindingException>().With.Message.Contains("0 bytes behind the end of dynamic, which has 124"));
    }
}
