using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>Loads and stores move what they should, in every space, width and pattern of addresses.</summary>
internal sealed class LoadStoreTests
{
    /// <summary>%d0 and %d1: this thread's element in p and q, of so many bytes.</summary>
    private static string Elements(int bytes) => $"""
        mul.wide.u32 %d0, %t, {bytes}; add.u64 %d1, %q, %d0; add.u64 %d0, %p, %d0;
        """;

    [TestCase("u32", "%r0", 4, false)]
    [TestCase("f32", "%f0", 4, true)]
    [TestCase("v2.f32", "{%f0, %f1}", 8, true)]
    [TestCase("v4.f32", "{%f0, %f1, %f2, %f3}", 16, true)]
    [TestCase("v4.b32", "{%r0, %r1, %r2, %r3}", 16, false)]
    [TestCase("b64", "%d2", 8, true)]
    [TestCase("f64", "%g2", 8, true)]
    [TestCase("v2.u64", "{%d2, %d3}", 16, true)]
    [TestCase("u8", "%r0", 1, true)]
    [TestCase("b16", "%h0", 2, true)]
    [TestCase("v2.b16", "{%h0, %h1}", 4, true)]
    [TestCase("v4.u8", "{%r0, %r1, %r2, %r3}", 4, false)]
    [TestCase("u32", "%d2", 4, true)]
    [TestCase("v2.u32", "{%d2, %d3}", 8, true)]
    [TestCase("v4.u32", "{%d2, %d3, %d4, %d5}", 16, true)]
    public void What_is_loaded_is_stored(string type, string registers, int bytes, bool judge)
    {
        byte[] values = new byte[45 * bytes];
        new Random(1).NextBytes(values);
        using var kernel = new TestKernel($"""
            {Elements(bytes)}
            ld.global.{type} {registers}, [%d0];
            st.global.{type} [%d1], {registers};
            """, judge);
        ulong p = kernel.Array(values), q = kernel.Room(values.Length);
        kernel.Run(p, q, threads: 45);
        Assert.That(kernel.Read<byte>(q, values.Length), Is.EqualTo(values));
    }

    [TestCase("v4.b32", "{%r0, %r1, %r2, %r3}", 16)]
    [TestCase("b32", "%r0", 4)]
    [TestCase("v2.b32", "{%r0, %r1}", 8)]
    [TestCase("b64", "%d2", 8)]
    public void Scattered_lanes_and_lanes_kept_out_move_their_own(string type, string registers, int bytes)
    {
        byte[] values = new byte[32 * bytes];
        new Random(2).NextBytes(values);
        using var kernel = new TestKernel($"""
            mul.lo.u32 %r9, %t, 11;
            and.b32 %r9, %r9, 31;
            mul.wide.u32 %d0, %r9, {bytes};
            add.u64 %d1, %q, %d0;
            add.u64 %d0, %p, %d0;
            setp.ne.u32 %m0, %t, 5;
            @%m0 ld.global.{type} {registers}, [%d0];
            @%m0 st.global.{type} [%d1], {registers};
            """);
        ulong p = kernel.Array(values), q = kernel.Room(values.Length);
        kernel.Run(p, q);
        values.AsSpan(5 * 11 % 32 * bytes, bytes).Clear();
        Assert.That(kernel.Read<byte>(q, values.Length), Is.EqualTo(values));
    }

    [Test]
    public void One_address_for_all_is_read_by_all()
    {
        using var kernel = new TestKernel($"""
            {Elements(4)}
            ld.global.f32 %f0, [%p+8];
            st.global.f32 [%d1], %f0;
            """);
        ulong p = kernel.Array(1f, 2f, 3f), q = kernel.Room(128);
        kernel.Run(p, q);
        Assert.That(kernel.Read<float>(q, 32), Is.All.EqualTo(3f));
    }

    [TestCase("s8", -1)]
    [TestCase("u8", 255)]
    [TestCase("s16", -1)]
    [TestCase("u16", 65535)]
    [TestCase("s32", -1)]
    [TestCase("u32", 4294967295L)]
    public void Narrow_loads_are_extended_by_their_sign(string type, long expected)
    {
        using var kernel = new TestKernel($"""
            {Elements(8)}
            ld.global.{type} %d2, [%p];
            st.global.s64 [%d1], %d2;
            """);
        ulong p = kernel.Array(-1L), q = kernel.Room(256);
        kernel.Run(p, q);
        Assert.That(kernel.Read<long>(q, 32), Is.All.EqualTo(expected));
    }

    [Test]
    public void A_warp_may_load_from_several_allocations()
    {
        using var kernel = new TestKernel($"""
            and.b32 %r0, %t, 1;
            setp.eq.u32 %m0, %r0, 0;
            selp.b64 %d2, %p, %q, %m0;
            mul.wide.u32 %d0, %t, 4;
            add.u64 %d2, %d2, %d0;
            ld.global.u32 %r1, [%d2];
            add.u32 %r1, %r1, 1;
            st.global.u32 [%d2], %r1;
            """);
        ulong p = kernel.Array(Enumerable.Range(0, 32).ToArray()), q = kernel.Array(Enumerable.Range(100, 32).ToArray());
        kernel.Run(p, q);
        Assert.That(kernel.Read<int>(p, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(k => k % 2 == 0 ? k + 1 : k)));
        Assert.That(kernel.Read<int>(q, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(k => k % 2 == 0 ? 100 + k : 101 + k)));
    }

    [TestCase(".shared .align 16 .b8 a[512];", "shared")]
    [TestCase(".local .align 16 .b8 a[512];", "local")]
    public void Shared_and_local_memory_hold_what_is_stored(string declaration, string space)
    {
        using var kernel = new TestKernel($$"""
            {{declaration}}
            {{Elements(16)}}
            mov.u64 %d2, a;
            mul.wide.u32 %d3, %t, 16;
            add.u64 %d2, %d2, %d3;
            ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%d0];
            st.{{space}}.v4.f32 [%d2], {%f0, %f1, %f2, %f3};
            ld.{{space}}.f32 %f4, [%d2+4];
            ld.{{space}}.v2.f32 {%f5, %f6}, [%d2+8];
            st.global.v4.f32 [%d1], {%f4, %f5, %f6, %f0};
            """);
        ulong p = kernel.Array(Enumerable.Range(0, 128).Select(k => (float)k).ToArray()), q = kernel.Room(512);
        kernel.Run(p, q);
        Assert.That(kernel.Read<float>(q, 128), Is.EqualTo(Enumerable.Range(0, 128).Select(k => (float)(k / 4 * 4 + (k + 1) % 4))));
    }

    [Test]
    public void A_generic_address_tells_its_space()
    {
        using var kernel = new TestKernel($"""
            .shared .align 4 .b8 a[128];
            .local .align 4 .b8 l[4];
            {Elements(4)}
            mov.u64 %d2, a;
            mul.wide.u32 %d3, %t, 4;
            add.u64 %d2, %d2, %d3;
            st.shared.u32 [%d2], %t;
            cvta.shared.u64 %d2, %d2;
            mov.u64 %d3, l;
            st.local.u32 [%d3], 7;
            cvta.local.u64 %d3, %d3;
            and.b32 %r0, %t, 1;
            setp.eq.u32 %m0, %r0, 0;
            selp.b64 %d4, %d2, %d3, %m0;
            setp.eq.u32 %m1, %t, 2;
            selp.b64 %d4, %p, %d4, %m1;
            ld.u32 %r1, [%d4];
            st.u32 [%d1], %r1;
            """);
        ulong p = kernel.Array(99), q = kernel.Room(128);
        kernel.Run(p, q);
        Assert.That(kernel.Read<int>(q, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(k => k == 2 ? 99 : k % 2 == 0 ? k : 7)));
    }
}
