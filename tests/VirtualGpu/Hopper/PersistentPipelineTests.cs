using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>
/// As the fastest kernels do it: two consuming warpgroups share each stage, let one wgmma group stay on its way while they release the
/// stage
/// before, one thread of each arriving; blocks go on to a second tile; results leave through shared memory by bulk tensor stores. Nothing
/// may be found, and what is planted must be.
/// </summary>
internal sealed class PersistentPipelineTests
{
    private const int Rows = 128, Columns = 32, Depth = 64, Steps = 5, Stages = 3, Tiles = 2;

    private const int TileA = 2 * Rows * Depth, TileB = 2 * Columns * Depth, Staging = 1024 + Stages * (TileA + TileB), Threads = 384;

    private const string Copy = "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes";

    private static readonly string Stage = $"mad.lo.u32 %r13, %r10, {TileA + TileB}, %s; mad.lo.u32 %r14, %r10, 8, %s;";

    private const string Next = """
        add.u32 %r10, %r10, 1; setp.eq.u32 %m2, %r10, 3; @%m2 mov.u32 %r10, 0; @%m2 xor.b32 %r11, %r11, 1;
        add.u32 %r12, %r12, 1; setp.lt.u32 %m2, %r12, 5;
        """;

    private const string WaitOne = "wgmma.wait_group.sync.aligned 1;", StagingFence = "fence.proxy.async.shared::cta;",
        ReadWait = "cp.async.bulk.wait_group.read 0;";

    private const string ReleaseBefore = "setp.ne.and.u32 %m6, %r12, 0, %m5; @%m6 mbarrier.arrive.shared::cta.b64 _, [%r22+32];";

    private static string Accumulators => string.Join(", ", Enumerable.Range(0, Columns / 2).Select(k => $"%f{k}"));

    private static string Products => string.Concat(Enumerable.Range(0, Depth / 16).Select(_ =>
        $"wgmma.mma_async.sync.aligned.m64n{Columns}k16.f32.bf16.bf16 {{{Accumulators}}}, %d4, %d5, %m4, 1, 1, 0, 0; "
        + "setp.eq.u32 %m4, 0, 0; add.u64 %d4, %d4, 2; add.u64 %d5, %d5, 2; "));

    private static string Stores => string.Concat(Enumerable.Range(0, Columns / 4).Select(k =>
        $"st.shared.v2.f32 [%r24+{k / 2 * 32 + k % 2 * 8 * 4 * Columns}], {{%f{2 * k}, %f{2 * k + 1}}}; "));

    private static string Make(int stage) =>
        $"mbarrier.init.shared::cta.b64 [%s+{8 * stage}], 1; mbarrier.init.shared::cta.b64 [%s+{32 + 8 * stage}], 2; ";

    private static string Body => $$"""
        setp.eq.u32 %m0, %t, 0;
        @!%m0 bra made;
        {{Make(0)}} {{Make(1)}} {{Make(2)}}
        fence.mbarrier_init.release.cluster;
        made:
        bar.sync 0;
        mov.u32 %r10, 0; mov.u32 %r11, 0; mov.u32 %r21, 0;
        shr.u32 %r20, %t, 7;
        setp.ne.u32 %m1, %r20, 0;
        @%m1 bra consumers;
        setp.ne.u32 %m1, %t, 0;
        @%m1 bra done;
        newtile:
        mov.u32 %r12, 0;
        mul.lo.u32 %r18, %r21, {{Columns}};
        produce:
        {{Stage}}
        xor.b32 %r15, %r11, 1;
        empty: mbarrier.try_wait.parity.shared::cta.b64 %m3, [%r14+32], %r15; @!%m3 bra empty;
        mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r14], {{TileA + TileB}};
        mul.lo.u32 %r16, %r12, {{Depth}};
        {{Copy}} [%r13+1024], [%map, {%r16, 0}], [%r14];
        {{Copy}} [%r13+{{1024 + TileA}}], [%map2, {%r16, %r18}], [%r14];
        {{Next}}
        @%m2 bra produce;
        add.u32 %r21, %r21, 1; setp.lt.u32 %m2, %r21, {{Tiles}};
        @%m2 bra newtile;
        bra done;
        consumers:
        sub.u32 %r20, %r20, 1;
        and.b32 %r19, %t, 127; setp.eq.u32 %m5, %r19, 0;
        // Where this thread's first pair goes.
        and.b32 %r23, %t, 3; shl.b32 %r23, %r23, 3;
        bfe.u32 %r25, %t, 2, 3; mad.lo.u32 %r23, %r25, {{4 * Columns}}, %r23;
        bfe.u32 %r25, %t, 5, 2; mad.lo.u32 %r23, %r25, {{16 * 4 * Columns}}, %r23;
        mad.lo.u32 %r26, %r20, {{64 * 4 * Columns}}, %s;
        add.u32 %r26, %r26, {{Staging}}; add.u32 %r24, %r26, %r23;
        add.u32 %r28, %r20, 1; shl.b32 %r29, %r20, 6;
        nexttile:
        mov.u32 %r12, 0;
        setp.ne.u32 %m4, 0, 0;
        consume:
        {{Stage}}
        full: mbarrier.try_wait.parity.shared::cta.b64 %m3, [%r14], %r11; @!%m3 bra full;
        add.u32 %r17, %r13, 1024; shr.u32 %r17, %r17, 4; cvt.u64.u32 %d4, %r17; add.u64 %d5, %d4, {{TileA / 16}};
        mul.wide.u32 %d6, %r20, {{TileA / 32}}; add.u64 %d4, %d4, %d6;
        or.b64 %d4, %d4, 0x4000004000010000; or.b64 %d5, %d5, 0x4000004000010000;
        wgmma.fence.sync.aligned;
        {{Products}}
        wgmma.commit_group.sync.aligned;
        {{WaitOne}}
        {{ReleaseBefore}}
        mov.u32 %r22, %r14;
        {{Next}}
        @%m2 bra consume;
        wgmma.wait_group.sync.aligned 0;
        @%m5 mbarrier.arrive.shared::cta.b64 _, [%r22+32];
        {{Stores}}
        {{StagingFence}}
        setp.eq.u32 %m6, %r20, 0;
        @%m6 bar.sync 1, 128;
        @!%m6 bar.sync 2, 128;
        mul.lo.u32 %r27, %r21, {{Columns}};
        @%m5 cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%p, {%r27, %r29}], [%r26];
        @%m5 cp.async.bulk.commit_group;
        @%m5 {{ReadWait}}
        @%m6 bar.sync 1, 128;
        @!%m6 bar.sync 2, 128;
        add.u32 %r21, %r21, 1; setp.lt.u32 %m2, %r21, {{Tiles}};
        @%m2 bra nexttile;
        done:
        """;

    [Test]
    public void The_product_is_right()
    {
        float[,] a = Matrix(1, Rows), b = Matrix(2, Tiles * Columns);
        using var kernel = new HopperKernel(Body);
        float[] found = Run(kernel, a, b);
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Tiles * Columns; column++)
            {
                double sum = 0;
                for (int k = 0; k < Steps * Depth; k++)
                    sum += (double)a[row, k] * b[column, k];
                Assert.That(found[row * Tiles * Columns + column], Is.EqualTo(sum).Within(1e-3), $"row {row}, column {column}");
            }
        }
    }

    [TestCase(WaitOne, "wgmma.wait_group.sync.aligned 2;", FindingKind.Race)]
    [TestCase("_, [%r22+32];\nmov", "_, [%r14+32];\nmov", FindingKind.BarrierNotReached)]
    [TestCase(ReleaseBefore + "\nmov.u32 %r22, %r14;", "mov.u32 %r22, %r14;\n@%m5 mbarrier.arrive.shared::cta.b64 _, [%r22+32];",
        FindingKind.Race)]
    [TestCase(StagingFence, "", FindingKind.ProxyFence)]
    [TestCase("@%m5 " + ReadWait, "", FindingKind.Race)]
    [TestCase("wgmma.wait_group.sync.aligned 0;", "", FindingKind.MatrixRegisters)]
    public void Faults_are_found(string part, string by, FindingKind kind)
    {
        string body = Body.ReplaceLineEndings("\n");
        Assert.That(body, Does.Contain(part));
        using var kernel = new HopperKernel(body.Replace(part, by));
        var finding = Assert.Throws<FindingException>(() => Run(kernel, Matrix(1, Rows), Matrix(2, Tiles * Columns)))!.Finding;
        TestContext.Out.WriteLine(finding);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
    }

    private static float[] Run(HopperKernel kernel, float[,] a, float[,] b)
    {
        ulong first = kernel.Array(Narrow(a)), second = kernel.Array(Narrow(b)), product = kernel.Room(4 * Rows * Tiles * Columns);
        ulong pitch = 2 * Steps * Depth;
        // The product's map lies in global memory.
        ulong p = kernel.Array(TensorMaps.Encode(product, TensorMaps.Float32, [Tiles * Columns, Rows], [4 * Tiles * Columns],
            [Columns, 64]));
        kernel.Run(p, threads: Threads, shared: Staging + 4 * Rows * Columns,
            map: TensorMaps.Encode(first, TensorMaps.BFloat16, [Steps * Depth, Rows], [pitch], [Depth, Rows], swizzle: 3),
            map2: TensorMaps.Encode(second, TensorMaps.BFloat16, [Steps * Depth, Tiles * Columns], [pitch], [Depth, Columns], swizzle: 3));
        return kernel.Read<float>(product, Rows * Tiles * Columns);
    }

    private static ushort[] Narrow(float[,] matrix) =>
        [.. matrix.Cast<float>().Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))];

    /// <summary>Values that BF16 holds, rows of the whole depth.</summary>
    private static float[,] Matrix(int seed, int rows)
    {
        var random = new Random(seed);
        var matrix = new float[rows, Steps * Depth];
        for (int k = 0; k < matrix.Length; k++)
        {
            uint bits = BitConverter.SingleToUInt32Bits((float)(random.NextDouble() - 0.5) * 4) & 0xFFFF_0000;
            matrix[k / (Steps * Depth), k % (Steps * Depth)] = BitConverter.UInt32BitsToSingle(bits);
        }
        return matrix;
    }
}
