using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>wgmma against a loop in double precision, its operands laid out by NVIDIA's tables.</summary>
internal sealed class WarpgroupProductTests
{
    private static readonly int[] Spans = [16, 32, 64, 128];

    private static IEnumerable<TestCaseData> EveryShape()
    {
        foreach (bool narrow in (bool[])[true, false])
        {
            for (int columns = 8; columns <= 256; columns += 8)
                yield return new TestCaseData(columns, narrow, Spans[columns / 8 % 4]);
        }
    }

    private static IEnumerable<TestCaseData> EveryLayout()
    {
        foreach (int columns in (int[])[8, 64, 136])
        {
            foreach (int span in Spans)
            {
                foreach (int padding in (int[])[0, 1024])
                {
                    for (int majors = 0; majors < 4; majors++)
                        yield return new TestCaseData(columns, true, CanonicalLayout.Dense(span, (majors & 1) == 0, padding),
                            CanonicalLayout.Dense(Spans[(span / 32 + 1) % 4], majors < 2));
                    yield return new TestCaseData(columns, false, CanonicalLayout.Dense(span, true),
                        CanonicalLayout.Dense(span, true, padding));
                }
            }
        }
    }

    [TestCaseSource(nameof(EveryShape))]
    public void Each_shape_multiplies(int columns, bool narrow, int span) =>
        IsRight(new WarpgroupProductCase(columns, narrow, CanonicalLayout.Dense(span, true), CanonicalLayout.Dense(span, true)));

    [TestCaseSource(nameof(EveryLayout))]
    public void Each_layout_is_read(int columns, bool narrow, object a, object b) =>
        IsRight(new WarpgroupProductCase(columns, narrow, (CanonicalLayout)a, (CanonicalLayout)b));

    [TestCase(64, true)]
    [TestCase(256, true)]
    [TestCase(64, false)]
    public void A_comes_from_registers(int columns, bool narrow)
    {
        IsRight(new WarpgroupProductCase(columns, narrow, null, CanonicalLayout.Dense(128, true)));
        if (narrow)
            IsRight(new WarpgroupProductCase(columns, narrow, null, CanonicalLayout.Dense(64, false)) { ScaleA = -1 });
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_step_along_k_moves_the_start_within_a_swizzled_row(bool narrow)
    {
        foreach (int step in (int[])[32, 64, 96])
        {
            var layout = CanonicalLayout.Dense(128, true) with { Start = step };
            IsRight(new WarpgroupProductCase(32, narrow, layout, layout));
        }
    }

    [TestCase(1, -1, true)]
    [TestCase(-1, 1, true)]
    [TestCase(-1, -1, true)]
    [TestCase(1, 1, false)]
    [TestCase(-1, 1, false)]
    public void Scales_are_applied(int scaleA, int scaleB, bool adds)
    {
        var layout = CanonicalLayout.Dense(128, true);
        IsRight(new WarpgroupProductCase(24, true, layout, layout) { ScaleA = scaleA, ScaleB = scaleB, Adds = adds });
        IsRight(new WarpgroupProductCase(24, false, layout, layout) { ScaleA = scaleA, ScaleB = scaleB, Adds = adds });
    }

    [Test]
    public void NVIDIAs_assembler_takes_every_shape()
    {
        var dense = CanonicalLayout.Dense(128, true);
        string all = string.Concat(EveryShape().Select(c =>
            new WarpgroupProductCase((int)c.Arguments[0]!, (bool)c.Arguments[1]!, dense, dense).Instruction + "\n"));
        Assert.That(HopperKernel.Assemble(HopperKernel.Text($"wgmma.fence.sync.aligned; {all} {WarpgroupProductCase.Waits} st.global.f32 "
            + $"[%p], %f0;", 128)), Is.Empty);
    }

    [TestCase("sm_90", "fence.sync.aligned;", "sm_90a")]
    [TestCase("sm_90a", "mma_async.sync.aligned.m64n12k16.f32.bf16.bf16 {%f0, %f1, %f2, %f3, %f4, %f5}, %d4, %d5, %m1, 1, 1, 0, 0;",
        "not a product")]
    [TestCase("sm_90a", "mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f0, %f1, %f2}, %d4, %d5, %m1, 1, 1, 0, 0;", "4 registers")]
    [TestCase("sm_90a", "mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f0, %f1, %f2, %f2}, %d4, %d5, %m1, 1, 1, 0, 0;", "twice")]
    [TestCase("sm_90a", "mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f0, %f1, %f2, %f3}, %d4, %d5, %m1, 0, 1, 0, 0;", "from -1 to 1")]
    [TestCase("sm_90a", "mma_async.sync.aligned.m64n8k8.f32.tf32.tf32 {%f0, %f1, %f2, %f3}, %d4, %d5, %m1, 1, 1, 0, 0;", "takes 6")]
    [TestCase("sm_90a", "wait_group.sync.aligned %r0;", "constant")]
    public void What_is_none_is_refused(string target, string statement, string why) =>
        Assert.That(() => PtxModule.Read(HopperKernel.Text("wgmma." + statement, target: target)),
            Throws.InstanceOf<PtxException>().With.Message.Contains(why));

    private static void IsRight(WarpgroupProductCase product)
    {
        foreach (var (found, expected, place) in product.Run())
        {
            if (found != expected)
                Assert.Fail($"{place}: {found}, expected {expected}");
        }
    }
}
