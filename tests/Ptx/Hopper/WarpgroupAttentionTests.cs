using System.Text.RegularExpressions;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Hopper;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using NUnit.Framework;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>Attention and its gradients on wgmma, held to what the kernels on mma.sync are held to.</summary>
[TestFixture]
internal sealed class WarpgroupAttentionTests
{
    /// <summary>Less than a block; one group's and a few more; three blocks of 64 and two of 128, the last of them full.</summary>
    [Test]
    public void Equals_the_oracle([Values(64, 128, 256)] int head, [Values(50, 139, 256)] int tokens, [Values] bool isRounded)
    {
        using var problem = Problem(head, tokens, isRounded);
        foreach (var pass in AttentionKernel.Backward(head).Prepend(AttentionPass.Forward))
        {
            var counts = Run(problem, new WarpgroupAttentionKernel(head, pass, isRounded));
            Assert.That(counts.Total.Conflicts, Is.EqualTo(1), $"{pass}: shared memory without bank conflicts");
        }
        problem.IsRight();
    }

    [TestCase(AttentionPass.Forward, @"wgmma\.wait_group\.sync\.aligned 1;", "", FindingKind.MatrixRegisters,
        TestName = "Scores weighed before they are computed")]
    [TestCase(AttentionPass.Forward, @"wgmma\.fence\.sync\.aligned;", "", FindingKind.MatrixRegisters,
        TestName = "Weights multiplied that are not made known")]
    [TestCase(AttentionPass.Forward, WaitFull, Done, FindingKind.CopyNotAwaited, TestName = "A block that is not waited for")]
    [TestCase(AttentionPass.Forward, WaitEmpty, Done, FindingKind.Race, TestName = "A block replaced while it is multiplied")]
    [TestCase(AttentionPass.KeyValueGradient, @"wgmma\.wait_group\.sync\.aligned 1;", "", FindingKind.MatrixRegisters,
        TestName = "Differences taken before they are computed")]
    public void Planted_faults_are_found(AttentionPass pass, string part, string by, FindingKind kind)
    {
        using var problem = Problem(64, 700);
        var kernel = new WarpgroupAttentionKernel(64, pass, IsRounded: true);
        Run(problem, kernel);
        var written = kernel.Write();
        string planted = Regex.Replace(written.Text, part, by);
        Assert.That(planted, Is.Not.EqualTo(written.Text), "the fault was planted");
        var finding = Assert.Throws<FindingException>(() => Run(problem, kernel, written with { Text = planted }))!.Finding;
        TestContext.Out.WriteLine(finding);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
    }

    private const string WaitFull = @"(mbarrier\.try_wait\.parity\.shared::cta\.b64 (%p\d+), \[%r\d+\], %r\d+;)",
        WaitEmpty = @"(mbarrier\.try_wait\.parity\.shared::cta\.b64 (%p\d+), \[%r\d+\+32\], %r\d+;)", Done = "setp.eq.u32 $2, 0, 0;";

    private static AttentionProblem Problem(int head, int tokens, bool isRounded = true) =>
        new(n: 2, tokens, heads: head == 256 ? 1 : 2, head, MmaShape.Bf16, isRounded);

    private static LaunchCounts Run(AttentionProblem problem, WarpgroupAttentionKernel kernel, WrittenKernel? text = null)
    {
        var arguments = problem.Arguments(kernel.Pass);
        return problem.Gpu.Run(text ?? kernel.Write(), problem.Groups(WarpgroupAttentionKernel.Rows), new WarpgroupAttentionArguments
        {
            Projections = kernel.IsRounded
                ? WrittenLaunch.Map(kernel.Projections(arguments.Qkv, problem.N, problem.Tokens, problem.Heads)) : default,
            OutputGradient = kernel.IsRounded
                ? WrittenLaunch.Map(kernel.Outputs(arguments.Dy, problem.N, problem.Tokens, problem.Heads)) : default,
            Problem = arguments,
        });
    }
}
