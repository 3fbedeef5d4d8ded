using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>
/// A product as Hopper's kernels compute it: one warp brings tiles by bulk tensor copies, over three stages, a warpgroup multiplies them by
/// wgmma, and mbarriers say when a stage is full and when
/// it is empty.
/// </summary>
internal sealed class PipelineTests
{
    private const int Rows = 64, Columns = 32, Depth = 64, Stages = 3, TileA = 2 * Rows * Depth, TileB = 2 * Columns * Depth, Steps = 7;

    /// <summary>
    /// Stages begin at byte 1024 of sm; full mbarriers at 0, 8, 16, empty ones at 32, 40, 48. %r10 is the stage, %r11 the parity, %r12 the
    /// step, %r13 where the stage lies, %r14 its full mbarrier.
    /// </summary>
    private const string Next = """
        add.u32 %r10, %r10, 1; setp.eq.u32 %m2, %r10, 3; @%m2 mov.u32 %r10, 0; @%m2 xor.b32 %r11, %r11, 1;
        add.u32 %r12, %r12, 1; setp.lt.u32 %m2, %r12, 7;
        """;

    private static readonly string Stage = $"mad.lo.u32 %r13, %r10, {TileA + TileB}, %s; mad.lo.u32 %r14, %r10, 8, %s;";

    private const string WaitEmpty = "empty: mbarrier.try_wait.parity.shared::cta.b64 %m3, [%r14+32], %r15; @!%m3 bra empty;";

    private const string WaitFull = "full: mbarrier.try_wait.parity.shared::cta.b64 %m3, [%r14], %r11; @!%m3 bra full;";

    private const string Release = "mbarrier.arrive.shared::cta.b64 _, [%r14+32];", WaitProducts = "wgmma.wait_group.sync.aligned 0;";

    private static string CopyA =>
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r13+1024], [%map, {%r16, 0}], [%r14];";

    private static string Accumulators => string.Join(", ", Enumerable.Range(0, Columns / 2).Select(k => $"%f{k}"));

    private static string Products => string.Concat(Enumerable.Range(0, Depth / 16).Select(k =>
        $"wgmma.mma_async.sync.aligned.m64n{Columns}k16.f32.bf16.bf16 {{{Accumulators}}}, %d4, %d5, %m4, 1, 1, 0, 0; setp.eq.u32 %m4, 0, "
            + $"0; add.u64 %d4, %d4, 2; add.u64 %d5, %d5, 2; "));

    private static string Body => $$"""
        setp.eq.u32 %m0, %t, 0;
        @!%m0 bra made;
        {{string.Concat(Enumerable.Range(0, Stages).Select(k => $"mbarrier.init.shared::cta.b64 [%s+{8 * k}], 1; "
            + $"mbarrier.init.shared::cta.b64 [%s+{32 + 8 * k}], 128; "))}}
        fence.mbarrier_init.release.cluster;
        made:
        bar.sync 0;
        mov.u32 %r10, 0; mov.u32 %r11, 0; mov.u32 %r12, 0;
        setp.lt.u32 %m1, %t, 128;
        @%m1 bra consumers;
        setmaxnreg.dec.sync.aligned.u32 40;
        setp.ne.u32 %m1, %t, 128;
        @%m1 bra done;
        produce:
        {{Stage}}
        xor.b32 %r15, %r11, 1;
        {{WaitEmpty}}
        mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r14], {{TileA + TileB}};
        mul.lo.u32 %r16, %r12, {{Depth}};
        {{CopyA}}
        cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
            [%r13+{{1024 + TileA}}], [%map2, {%r16, 0}], [%r14];
        {{Next}}
        @%m2 bra produce;
        bra done;
        consumers:
        setmaxnreg.inc.sync.aligned.u32 232;
        setp.ne.u32 %m4, 0, 0;
        consume:
        {{Stage}}
        {{WaitFull}}
        add.u32 %r17, %r13, 1024; shr.u32 %r17, %r17, 4; cvt.u64.u32 %d4, %r17; add.u64 %d5, %d4, {{TileA / 16}};
        or.b64 %d4, %d4, 0x4000004000010000; or.b64 %d5, %d5, 0x4000004000010000;
        wgmma.fence.sync.aligned;
        {{Products}}
        wgmma.commit_group.sync.aligned;
        {{WaitProducts}}
        {{Release}}
        {{Next}}
        @%m2 bra consume;
        mul.wide.u32 %d7, %t, {{2 * Columns}};
        add.u64 %d7, %d7, %q;
        {{string.Concat(Enumerable.Range(0, Columns / 2).Select(k => $"st.global.f32 [%d7+{4 * k}], %f{k}; "))}}
        done:
        """;

    [Test]
    public void The_product_is_right()
    {
        float[,] a = Matrix(1, Rows), b = Matrix(2, Columns);
        using var kernel = new HopperKernel(Body);
        float[] found = Run(kernel, a, b, out _);
        for (int thread = 0; thread < 128; thread++)
        {
            for (int value = 0; value < Columns / 2; value++)
            {
                var (row, column) = WarpgroupFragments.Accumulator(narrow: true, thread, value);
                double sum = 0;
                for (int k = 0; k < Steps * Depth; k++)
                    sum += (double)a[row, k] * b[column, k];
                Assert.That(found[thread * Columns / 2 + value], Is.EqualTo(sum).Within(1e-3), $"row {row}, column {column}");
            }
        }
    }

    [Test]
    public void It_is_the_same_without_the_judge()
    {
        using var judged = new HopperKernel(Body);
        using var plain = new HopperKernel(Body, judge: false);
        Assert.That(Run(plain, Matrix(1, Rows), Matrix(2, Columns), out _),
            Is.EqualTo(Run(judged, Matrix(1, Rows), Matrix(2, Columns), out _)));
    }

    [Test]
    public void It_is_counted()
    {
        using var kernel = new HopperKernel(Body, count: true);
        Run(kernel, Matrix(1, Rows), Matrix(2, Columns), out var counts);
        Assert.Multiple(() =>
        {
            // Four warps, each 16 rows: as many products of 16 x 8 x 16 as the matrices have.
            Assert.That(counts!.WarpgroupProducts, Is.EqualTo(Rows / 16 * (Columns / 8) * (Steps * Depth / 16)));
            Assert.That(counts.Of(InstructionClass.WarpgroupMatrix).Executions, Is.EqualTo(4 * Steps * Depth / 16));
            Assert.That(counts.Of(InstructionClass.BulkLoad).BytesAsked, Is.EqualTo(Steps * (TileA + TileB)));
            Assert.That(counts.Of(InstructionClass.BulkLoad).Sectors, Is.EqualTo(Steps * (TileA + TileB) / 32));
            Assert.That(counts.Of(InstructionClass.BulkLoad).Wavefronts, Is.EqualTo(Steps * (TileA + TileB) / 128));
            Assert.That(counts.MemoryBytesRead, Is.EqualTo(Steps * (TileA + TileB)));
            // Each byte of the tiles is read once by a wgmma, 128 a wavefront: the swizzle leaves no conflicts.
            Assert.That(counts.Of(InstructionClass.WarpgroupMatrix).Wavefronts, Is.EqualTo(Steps * (TileA + TileB) / 128));
            Assert.That(Roof.Of(counts).Parts.Single(p => p.Name == "tensor cores").Cycles, Is.EqualTo(counts.WarpgroupProducts));
        });
    }

    [TestCase(WaitFull, "full:", FindingKind.CopyNotAwaited)]
    [TestCase(WaitEmpty, "empty:", FindingKind.Race)]
    [TestCase(WaitProducts, "", FindingKind.Race)]
    [TestCase(WaitProducts, "wgmma.wait_group.sync.aligned 1;", FindingKind.Race)]
    [TestCase(WaitProducts + "\n" + Release, Release + "\n" + WaitProducts, FindingKind.Race)]
    [TestCase("xor.b32 %r15, %r11, 1;", "mov.b32 %r15, %r11;", FindingKind.BarrierNotReached)]
    [TestCase(", [%r14], 12288;", ", [%r14], 12272;", FindingKind.BarrierNotReached)]
    [TestCase(", [%r14], 12288;", ", [%r14], 12304;", FindingKind.BarrierNotReached)]
    [TestCase("fence.mbarrier_init.release.cluster;", "", FindingKind.ProxyFence)]
    [TestCase("wgmma.fence.sync.aligned;", "", FindingKind.MatrixRegisters)]
    [TestCase("@%m1 bra done;\nproduce:", "setp.gt.u32 %m1, %t, 129;\n@%m1 bra done;\nproduce:", FindingKind.Mbarrier)]
    public void Faults_are_found(string part, string by, FindingKind kind)
    {
        Assert.That(Body, Does.Contain(part));
        using var kernel = new HopperKernel(Body.Replace(part, by));
        var finding = Assert.Throws<FindingException>(() => Run(kernel, Matrix(1, Rows), Matrix(2, Columns), out _))!.Finding;
        TestContext.Out.WriteLine(finding);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
    }

    private static float[] Run(HopperKernel kernel, float[,] a, float[,] b, out LaunchCounts? counts)
    {
        ulong p = kernel.Array(Narrow(a)), second = kernel.Array(Narrow(b)), q = kernel.Room(4 * Rows * Columns);
        counts = kernel.Run(p, q, threads: 256, shared: 1024 + Stages * (TileA + TileB),
            map: TensorMaps.Encode(p, TensorMaps.BFloat16, [Steps * Depth, Rows], [2 * Steps * Depth], [Depth, Rows], swizzle: 3),
            map2: TensorMaps.Encode(second, TensorMaps.BFloat16, [Steps * Depth, Columns], [2 * Steps * Depth], [Depth, Columns],
                swizzle: 3));
        return kernel.Read<float>(q, Rows * Columns);
    }

    private static ushort[] Narrow(float[,] matrix) =>
        [.. matrix.Cast<float>().Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))];

    /// <summary>Values that BF16 holds, rows of the whole depth.</summary>
    private static float[,] Matrix(int seed, int rows)
    {
        var random = new Random(seed);
        var matrix = new float[rows, Steps * Depth];
        for (int r = 0; r < rows; r++)
        {
            for (int k = 0; k < Steps * Depth; k++)
                matrix[r,
                    k] = BitConverter.UInt32BitsToSingle(
                        BitConverter.SingleToUInt32Bits((float)(random.NextDouble() - 0.5) * 4) & 0xFFFF_0000);
        }
        return matrix;
    }
}
