using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>
/// Bulk copies, with a tensor map and without: where bytes arrive, and faults planted, each beside the variant that is right.
/// </summary>
internal sealed class TensorCopyTests
{
    public const string Made = """
        setp.eq.u32 %m0, %t, 0;
        @%m0 mbarrier.init.shared::cta.b64 [%s], 1;
        @%m0 fence.mbarrier_init.release.cluster;
        bar.sync 0;
        """;

    public const string Wait = "wait: mbarrier.try_wait.parity.shared::cta.b64 %m1, [%s], 0; @!%m1 bra wait;";

    private static string Expect(int bytes) => $"@%m0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%s], {bytes};";

    private static string Load(int rank, string coordinates) =>
        $"@%m0 cp.async.bulk.tensor.{rank}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%s+1024], [%map, "
            + $"{{{coordinates}}}], [%s];";

    /// <summary>The shared memory from byte 1024 of the array on goes to q.</summary>
    private static string Dump(int bytes) => $$"""
        mov.u32 %r0, %t;
        dump:
        setp.ge.u32 %m2, %r0, {{bytes / 4}};
        @%m2 bra dumped;
        mad.lo.u32 %r1, %r0, 4, %s;
        ld.shared.b32 %r2, [%r1+1024];
        mul.wide.u32 %d0, %r0, 4;
        add.u64 %d0, %d0, %q;
        st.global.b32 [%d0], %r2;
        add.u32 %r0, %r0, 128;
        bra dump;
        dumped:
        """;

    private static float[] Numbers(int count) => [.. Enumerable.Range(1, count).Select(k => (float)k)];

    [Test]
    public void Bytes_without_a_map_arrive()
    {
        using var kernel = new HopperKernel($$"""
            {{Made}} {{Expect(2048)}}
            @%m0 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%s+1024], [%p+16], 2048, [%s];
            {{Wait}} {{Dump(2048)}}
            """);
        ulong q = kernel.Room(2048);
        kernel.Run(kernel.Array(Numbers(1024)), q);
        Assert.That(kernel.Read<float>(q, 512), Is.EqualTo(Numbers(1024).Skip(4).Take(512)));
    }

    [TestCase(0, 3, 5)]
    [TestCase(1, 0, 0)]
    [TestCase(2, -2, 27)]
    [TestCase(3, 30, -3)]
    [TestCase(3, 7, 1)]
    public void A_box_arrives_swizzled_with_zeros_around_the_tensor(int swizzle, int x, int y)
    {
        // 37 x 29 floats, rows 40 apart; boxes of 8 rows as long as the swizzle covers.
        const int Columns = 37, Rows = 29, Pitch = 40;
        int span = swizzle == 0 ? 16 : 16 << swizzle, width = span / 4, bytes = 8 * span;
        float[] tensor = Numbers(Rows * Pitch), found;
        using (var kernel = new HopperKernel($"{Made} {Expect(bytes)} mov.b32 %r4, {x}; {Load(2, $"%r4, {y}")} {Wait} {Dump(bytes)}"))
        {
            ulong p = kernel.Array(tensor), q = kernel.Room(bytes);
            kernel.Run(p, q, map: TensorMaps.Encode(p, TensorMaps.Float32, [Columns, Rows], [4 * Pitch], [(uint)width, 8], swizzle));
            found = kernel.Read<float>(q, bytes / 4);
        }
        for (int row = 0; row < 8; row++)
        {
            for (int column = 0; column < width; column++)
            {
                bool inside = x + column is >= 0 and < Columns && y + row is >= 0 and < Rows;
                int piece = column / 4 ^ (row * span / 128 & width / 4 - 1);
                Assert.That(found[row * width + piece * 4 + column % 4], Is.EqualTo(inside ? tensor[(y + row) * Pitch + x + column] : 0),
                    $"row {row}, column {column}");
            }
        }
    }

    [Test]
    public void Four_dimensions_and_steps_are_walked()
    {
        // Extents 8, 3, 4, 2; of the second dimension every other, of the third all.
        float[] tensor = Numbers(8 * 3 * 4 * 2), found;
        using (var kernel = new HopperKernel($"{Made} {Expect(8 * 2 * 2 * 2 * 4)} {Load(4, "0, 0, 1, 0")} {Wait} {Dump(256)}"))
        {
            ulong p = kernel.Array(tensor), q = kernel.Room(256);
            kernel.Run(p, q, map: TensorMaps.Encode(p, TensorMaps.Float32, [8, 3, 4, 2], [32, 96, 384], [8, 3, 2, 2], steps: [1, 2, 1, 1]));
            found = kernel.Read<float>(q, 64);
        }
        var expected = from w in Enumerable.Range(0, 2)
                       from z in Enumerable.Range(1, 2)
                       from y in (int[])[0,
            2]
                       from x in Enumerable.Range(0, 8)
                       select tensor[((w * 4 + z) * 3 + y) * 8 + x];
        Assert.That(found, Is.EqualTo(expected));
    }

    [Test]
    public void What_lies_outside_may_be_NaN()
    {
        using var kernel = new HopperKernel($"{Made} {Expect(128)} {Load(1, "28")} {Wait} {Dump(128)}");
        ulong p = kernel.Array(Numbers(32)), q = kernel.Room(128);
        kernel.Run(p, q, map: TensorMaps.Encode(p, TensorMaps.Float32, [32], [], [32], fill: 1));
        Assert.That(kernel.Read<float>(q, 32), Is.EqualTo(Numbers(32).Skip(28).Concat(Enumerable.Repeat(float.NaN, 28))));
    }

    private const string Fill = "mad.lo.u32 %r1, %t, 4, %s; cvt.rn.f32.u32 %f0, %t; st.shared.f32 [%r1+1024], %f0;",
        Fence = "fence.proxy.async.shared::cta; bar.sync 0;",
        StoreBox = "@%m0 cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%map, {%r4, 1}], [%s+1024]; "
            + "cp.async.bulk.commit_group;",
        WaitRead = "cp.async.bulk.wait_group.read 0; bar.sync 0;";

    private static readonly string Store = $"setp.eq.u32 %m0, %t, 0; mov.b32 %r4, -2; {Fill} {Fence} {StoreBox} {WaitRead} {Fill}";

    [Test]
    public void A_box_is_stored_as_far_as_it_lies_in_the_tensor()
    {
        using var kernel = new HopperKernel(Store);
        ulong p = kernel.Array(new float[8 * 4]);
        kernel.Run(p, map: TensorMaps.Encode(p, TensorMaps.Float32, [7, 4], [32], [8, 16], swizzle: 1));
        float[] found = kernel.Read<float>(p, 32);
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 8; x++)
            {
                int row = y - 1, column = x + 2, at = row * 8 + (column / 4 ^ row / 4 & 1) * 4 + column % 4;
                Assert.That(found[8 * y + x], Is.EqualTo(y >= 1 && column < 8 && x < 7 ? at : 0), $"{x}, {y}");
            }
        }
    }

    [Test]
    public void Bytes_without_a_map_are_stored()
    {
        using var kernel = new HopperKernel($"setp.eq.u32 %m0, %t, 0; {Fill} {Fence} @%m0 cp.async.bulk.global.shared::cta.bulk_group "
            + $"[%p], [%s+1024], 512; cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;");
        ulong p = kernel.Room(512);
        kernel.Run(p);
        Assert.That(kernel.Read<float>(p, 128), Is.EqualTo(Enumerable.Range(0, 128).Select(k => (float)k)));
    }

    [TestCase(Fence, "bar.sync 0;", FindingKind.ProxyFence)]
    [TestCase(Fence, "fence.proxy.async.shared::cta;", FindingKind.Unwritten)]
    [TestCase(WaitRead, "bar.sync 0;", FindingKind.Race)]
    [TestCase(WaitRead, "cp.async.bulk.wait_group.read 1; bar.sync 0;", FindingKind.Race)]
    [TestCase(WaitRead, "cp.async.bulk.wait_group.read 0;", FindingKind.Race)]
    [TestCase("[%s+1024]; cp", "[%s+1040]; cp", FindingKind.Misaligned)]
    [TestCase("[%s+1024]; cp", "[%s+65536]; cp", FindingKind.OutOfBounds)]
    [TestCase("[%map,", "[%p,", FindingKind.Descriptor)]
    [TestCase("mov.b32 %r4, -2;", "mov.b32 %r4, -2; add.u64 %map, %map, 32;", FindingKind.Misaligned)]
    public void Faults_of_stores_are_found(string part, string by, FindingKind kind) => IsFound(Store, part, by, kind);

    private const string FillOthers = "sub.u32 %r5, 127, %t; mad.lo.u32 %r1, %r5, 4, %s; st.shared.b32 [%r1+1024], %t;";

    private static readonly string LoadBox = $"{Made} mov.b32 %r4, 1; {Expect(512)} {Load(2, "%r4, 1")} {Wait} {Dump(512)} bar.sync 0; "
        + $"{FillOthers}";

    [TestCase(Wait, "", FindingKind.CopyNotAwaited)]
    [TestCase(Wait, "@%m0 bra one; bra other; one: " + Wait + " other:", FindingKind.CopyNotAwaited)]
    [TestCase("@%m0 fence.mbarrier_init.release.cluster;", "", FindingKind.ProxyFence)]
    [TestCase("_, [%s], 512;", "_, [%s], 496;", FindingKind.BarrierNotReached)]
    [TestCase("_, [%s], 512;", "_, [%s], 528;", FindingKind.BarrierNotReached)]
    [TestCase("[%s], 0; @!%m1", "[%s], 1; @!%m1", FindingKind.BarrierNotReached)]
    [TestCase("}], [%s];", "}], [%s+8];", FindingKind.Mbarrier)]
    [TestCase("}], [%s];", "}], [%s+4];", FindingKind.Misaligned)]
    [TestCase("bytes [%s+1024]", "bytes [%s+64]", FindingKind.Misaligned)]
    [TestCase("bytes [%s+1024]", "bytes [%s]", FindingKind.Mbarrier)]
    [TestCase("bar.sync 0; sub", "sub", FindingKind.Race)]
    [TestCase(".2d.", ".3d.", FindingKind.Descriptor)]
    public void Faults_of_loads_are_found(string part, string by, FindingKind kind) => IsFound(LoadBox, part, by, kind, by == ".3d.");

    /// <summary>Copies in one phase; whoever overwrites what arrived, with another copy, must know that all have read it.</summary>
    [Test]
    public void A_copy_over_what_others_still_read_is_found()
    {
        string again = $"{{0}} {Expect(512)} {Load(2, "%r4, 1")} "
            + $"{Wait.Replace("wait:", "again:").Replace("bra wait", "bra again").Replace("0;", "1;")}";
        IsRight(LoadBox.Replace(FillOthers, again.Replace("{0}", "")));
        IsFound(LoadBox.Replace(FillOthers, again.Replace("{0}", "")), "bar.sync 0; ", "", FindingKind.Race, replaceLast: true);
    }

    [Test]
    public void What_threads_stored_and_a_copy_overwrites_needs_a_fence() =>
        IsFound(LoadBox.Replace("bar.sync 0;", $"{Fill} fence.proxy.async; bar.sync 0;"), "fence.proxy.async;", "", FindingKind.ProxyFence);

    private static void IsRight(string body)
    {
        using var kernel = new HopperKernel(body);
        Run(kernel);
    }

    private static void IsFound(string right, string part, string by, FindingKind kind, bool third = false, bool replaceLast = false)
    {
        IsRight(right);
        int last = right.LastIndexOf(part, StringComparison.Ordinal);
        string wrong = replaceLast ? right[..last] + by + right[(last + part.Length)..] : right.Replace(part, by);
        Assert.That(wrong, Is.Not.EqualTo(right));
        if (third)
            wrong = wrong.Replace("{%r4, 1}", "{%r4, 1, 1}");
        using var kernel = new HopperKernel(wrong);
        Assert.That(Assert.Throws<FindingException>(() => Run(kernel))!.Finding, Has.Property(nameof(Finding.Kind)).EqualTo(kind));
    }

    private static void Run(HopperKernel kernel)
    {
        ulong p = kernel.Array(new float[32 * 32]), q = kernel.Room(4096);
        kernel.Run(p, q, map: TensorMaps.Encode(p, TensorMaps.Float32, [30, 30], [128], [8, 16], swizzle: 1));
    }
}
