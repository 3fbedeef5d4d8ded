using System.Text.RegularExpressions;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>What belongs to these kernels, taken away: the virtual GPU finds it, each beside the kernel that is right.</summary>
[TestFixture]
internal sealed class PlantedFaultTests
{
    private static readonly WarpgroupTile s_tile = new(128, 64, 1, 4);

    [TestCase("fence.proxy.async.shared::cta;", "", FindingKind.ProxyFence)]
    [TestCase("cp.async.wait_group 1;", "cp.async.wait_group 2;", FindingKind.CopyNotAwaited)]
    [TestCase("bar.sync 0;", "", FindingKind.Race)]
    [TestCase("wgmma.wait_group.sync.aligned 1;", "wgmma.wait_group.sync.aligned 3;", FindingKind.Race)]
    [TestCase("wgmma.fence.sync.aligned;", "", FindingKind.MatrixRegisters)]
    public void In_rung_11(string part, string by, FindingKind kind)
    {
        var problem = new ProductProblem(1, 100, 60, 600, MmaShape.Bf16, false, false);
        var kernel = new AsyncProductKernel(s_tile, MmaShape.Bf16, false, false).Write();
        IsFound(kernel, part, by, kind, (gpu, text) => gpu.Run(text, problem.Tiles(s_tile), new MatrixProductArguments
        {
            A = gpu.Put(problem.A, MmaShape.Bf16),
            B = gpu.Put(problem.B, MmaShape.Bf16),
            C = gpu.Put(problem.C),
            M = problem.M,
            N = problem.N,
            K = problem.K,
            Alpha = 1,
        }));
    }

    private const string WaitFull = @"(mbarrier\.try_wait\.parity\.shared::cta\.b64 (%p\d+), \[%r\d+\], %r\d+;)",
        WaitEmpty = @"(mbarrier\.try_wait\.parity\.shared::cta\.b64 (%p\d+), \[%r\d+\+32\], %r\d+;)", Done = "setp.eq.u32 $2, 0, 0;";

    [TestCase(@"\], 24576;", "], 24560;", FindingKind.BarrierNotReached, TestName = "Fewer bytes expected than come")]
    [TestCase(@"mbarrier\.arrive\.expect_tx\.shared::cta\.b64 _, (\[%r\d+\]), 24576;", "mbarrier.arrive.shared::cta.b64 _, $1;",
        FindingKind.Unwritten, TestName = "No bytes expected")]
    [TestCase(WaitFull, Done, FindingKind.CopyNotAwaited, TestName = "A stage that is not waited for")]
    [TestCase(WaitEmpty, Done, FindingKind.Race, TestName = "A stage that is filled while it is multiplied")]
    [TestCase(@"fence\.mbarrier_init\.release\.cluster;", "", FindingKind.ProxyFence, TestName = "Mbarriers that are not made known")]
    [TestCase(@"wgmma\.wait_group\.sync\.aligned 1;", "", FindingKind.Race, TestName = "A stage released before its products are computed")]
    [TestCase(@"wgmma\.wait_group\.sync\.aligned 0;", "", FindingKind.MatrixRegisters, TestName = "Sums stored before they are computed")]
    public void In_rung_13(string part, string by, FindingKind kind)
    {
        var problem = new ProductProblem(1, 300, 60, 600, MmaShape.Bf16, false, false);
        var kernel = new BulkProductKernel(s_tile, MmaShape.Bf16, false, false, IsPersistent: true);
        IsFound(kernel.Write(), part, by, kind, (gpu, text) => gpu.Run(text, 1, problem.Arguments(gpu, kernel).Arguments));
    }

    [TestCase("fence.proxy.async.shared::cta;", "", FindingKind.ProxyFence)]
    [TestCase(@"cp\.async\.mbarrier\.arrive\.noinc\.shared\.b64 (\[%r\d+\]);", "mbarrier.arrive.shared::cta.b64 _, $1;",
        FindingKind.CopyNotAwaited)]
    public void In_a_convolution(string part, string by, FindingKind kind)
    {
        var problem = new ConvolutionProblem(MmaShape.Bf16, isDgrad: false, stride: 1, c: 72, k: 80);
        var kernel = new WarpgroupConvolutionKernel(s_tile, MmaShape.Bf16, IsTransposed: false, IsSliced: false);
        IsFound(kernel.Write(), part, by, kind, (gpu, text) =>
        {
            var arguments = problem.Arguments(gpu);
            gpu.Run(text, 1, new WarpgroupConvolutionArguments
            {
                Weights = WrittenLaunch.Map(kernel.Weights(arguments.W, problem.Channels, ConvolutionProblem.Taps, problem.Source)),
                Problem = arguments,
            });
        });
    }

    /// <summary>Atoms 512 bytes apart instead of 1,024: no rule of the machine is broken, the sums are wrong.</summary>
    [Test]
    public void A_wrong_stride_in_a_descriptor_gives_wrong_sums()
    {
        var problem = new ProductProblem(1, 100, 60, 600, MmaShape.Bf16, false, false);
        var kernel = new BulkProductKernel(s_tile, MmaShape.Bf16, false, false, IsPersistent: true);
        string right = $"{1L << 62 | 64L << 32 | 1L << 16}", wrong = $"{1L << 62 | 32L << 32 | 1L << 16}";
        var written = kernel.Write();
        Assert.That(written.Text, Does.Contain(right));
        using var gpu = new WrittenLaunch();
        var (arguments, c) = problem.Arguments(gpu, kernel);
        gpu.Run(written with { Text = written.Text.Replace(right, wrong) }, 1, arguments);
        Assert.That(WrittenLaunch.Worst(gpu.Get(c, problem.C.Length), problem.Expected()), Is.GreaterThan(0.1));
    }

    private static void IsFound(WrittenKernel kernel, string part, string by, FindingKind kind, Action<WrittenLaunch, WrittenKernel> run)
    {
        string planted = Regex.Replace(kernel.Text, part, by);
        Assert.That(planted, Is.Not.EqualTo(kernel.Text), "the fault was planted");
        using (var gpu = new WrittenLaunch())
            run(gpu, kernel);
        using var judge = new WrittenLaunch();
        var finding = Assert.Throws<FindingException>(() => run(judge, kernel with { Text = planted }))!.Finding;
        TestContext.Out.WriteLine(finding);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
    }
}
