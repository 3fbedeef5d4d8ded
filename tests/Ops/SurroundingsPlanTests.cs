using BDense.Kernels;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>What surrounds a convolution is decided by pure functions: no device here.</summary>
public sealed class SurroundingsPlanTests
{
    private const ConvolutionParts None = ConvolutionParts.None, Pro = ConvolutionParts.Prologue, Res = ConvolutionParts.Resampling,
        Epi = ConvolutionParts.Epilogue, Mom = ConvolutionParts.Moments, All = ConvolutionParts.All;

    private static readonly ConvolutionSupport Everything = new(All, Res, Pro | Res), Nothing = default, NoWgrad = new(All, Res, Res);

    private static readonly ConvolutionSupport ByAlignment = new(All, Res, Pro | Res, Pro | Epi), NoResampling = new(Pro | Epi, None, Pro);

    private static IEnumerable<TestCaseData> Decisions()
    {
        // Asked, resampling, fused, kept; support; forward, dgrad, wgrad within; forward and wgrad within where a tensor is not aligned.
        yield return Row("nothing asked", None, Resampling.None, All, false, Everything, None, None, None, None, None);
        yield return Row("all within", All, Resampling.Up, All, true, Everything, All, Res, Pro | Res, All, Pro | Res);
        yield return Row("no fusion", All, Resampling.Up, None, true, Everything, None, None, None, None, None);
        yield return Row("no device", All, Resampling.Up, All, true, Nothing, None, None, None, None, None);
        yield return Row("epilogue alone is fused", All, Resampling.Up, Epi, true, Everything, Epi, None, None, Epi, None);
        yield return Row("what is not there is not within", Epi, Resampling.None, All, true, Everything, Epi, None, None, Epi, None);
        yield return Row("wgrad composes what forward has", Pro, Resampling.None, All, true, NoWgrad, Pro, None, None, Pro, None);
        yield return Row("normalised before it is resampled apart", Pro | Res, Resampling.Up, All, true, NoResampling, None, None,
            None, None, None);
        yield return Row("the same without the fusion", Pro | Res, Resampling.Up, Pro, true, Everything, None, None, None, None, None);
        yield return Row("copies in the load", Res, Resampling.Up, All, true, Everything, Res, Res, Res, Res, Res);
        yield return Row("means of x as it is: kept", Res, Resampling.Down, All, true, Everything, None, None, None, None, None);
        yield return Row("means of x as it is: sampling", Res, Resampling.Down, All, false, Everything, Res, Res, Res, Res, Res);
        yield return Row("means of what is normalised in the load", Pro | Res, Resampling.Down, All, true, Everything, Pro | Res, Res,
            Pro | Res, Pro | Res, Pro | Res);
        yield return Row("means where the prologue is not fused", Pro | Res, Resampling.Down, Res, true, Everything, None, None,
            None, None, None);
        yield return Row("unaligned", All, Resampling.Up, All, true, ByAlignment, All, Res, Pro | Res, Res, Res);
        yield return Row("moments of what the launch stores", Epi | Mom, Resampling.None, All, true, Everything, Epi | Mom, None, None,
            Epi | Mom, None);
        yield return Row("moments of what is made behind the launch", Epi | Mom, Resampling.None, Mom, true, Everything, None, None, None,
            None, None);
        yield return Row("unaligned, moments go with the epilogue", Epi | Mom, Resampling.None, All, true, ByAlignment, Epi | Mom, None,
            None, None, None);
        yield return Row("unaligned without resampling", Pro | Epi, Resampling.None, All, true, ByAlignment, Pro | Epi, None,
            Pro, None, None);
    }

    private static TestCaseData Row(string name, ConvolutionParts asked, Resampling resampling, ConvolutionParts fused, bool kept,
        ConvolutionSupport support,
        ConvolutionParts forward, ConvolutionParts dgrad, ConvolutionParts wgrad, ConvolutionParts unaligned,
        ConvolutionParts unalignedWgrad) =>
        new TestCaseData(new SurroundingsRequest(asked, resampling, fused, kept), support, forward, dgrad, wgrad, unaligned,
            unalignedWgrad).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Decisions))]
    public void Each_part_is_within_or_apart(SurroundingsRequest request, ConvolutionSupport support, ConvolutionParts forward,
        ConvolutionParts dgrad,
        ConvolutionParts wgrad, ConvolutionParts unaligned, ConvolutionParts unalignedWgrad)
    {
        var plan = SurroundingsPlan.Of(request, support);
        Assert.That((plan.Forward, plan.Dgrad, plan.Wgrad), Is.EqualTo((forward, dgrad, wgrad)));
        Assert.That(plan.Within(plan.Forward, aligned: true), Is.EqualTo(forward));
        Assert.That((plan.Within(plan.Forward, aligned: false), plan.Within(plan.Wgrad, aligned: false)),
            Is.EqualTo((unaligned, unalignedWgrad)));
        foreach (var part in new[] { Pro, Res, Epi, Mom })
            Assert.That(plan.IsApart(part), Is.EqualTo(request.Asked.HasFlag(part) && !forward.HasFlag(part)), part.ToString());
    }

    /// <summary>Every request and every support: what holds always.</summary>
    [Test]
    public void A_plan_has_within_only_what_is_asked_fused_and_supported()
    {
        int plans = 0;
        foreach (var (asked, fused, has, hasWgrad) in from a in Sets()
                                                      from f in Sets()
                                                      from h in Sets()
                                                      from w in Sets().Where(w => !w.HasFlag(Epi) && !w.HasFlag(Mom))
                                                      select (a, f, h,
            w))
        {
            foreach (var resampling in asked.HasFlag(Res) ? new[] { Resampling.Up, Resampling.Down } : [Resampling.None])
            {
                foreach (bool kept in new[] { false, true })
                {
                    var plan = SurroundingsPlan.Of(new SurroundingsRequest(asked, resampling, fused, kept),
                        new ConvolutionSupport(has, Res, hasWgrad, Pro | Epi));
                    Assert.That(plan.Forward & ~(asked & fused & has), Is.EqualTo(None));
                    Assert.That(plan.Wgrad & ~(plan.Forward & hasWgrad), Is.EqualTo(None));
                    Assert.That(plan.Dgrad & ~(plan.Forward & Res), Is.EqualTo(None));
                    foreach (var within in new[] { plan.Forward, plan.Wgrad, plan.Within(plan.Forward, false),
                        plan.Within(plan.Wgrad, false) })
                    {
                        Assert.That(asked.HasFlag(Res) && within.HasFlag(Pro) && !within.HasFlag(Res), Is.False,
                            "normalised behind a resampling");
                        Assert.That(asked.HasFlag(Epi) && within.HasFlag(Mom) && !within.HasFlag(Epi), Is.False,
                            "measured in front of the epilogue");
                    }
                    plans++;
                }
            }
        }
        Assert.That(plans, Is.EqualTo(16 * 16 * 4 * 2 * (8 * 1 + 8 * 2)));
    }

    private static IEnumerable<ConvolutionParts> Sets() => Enumerable.Range(0, 16).Select(bits => (ConvolutionParts)bits);

    [Test]
    public void The_reference_has_all_but_a_normalisation_before_copies()
    {
        var s = Conv2dShape.Same(2, 4, 4, 3, 5, 3);
        Assert.That(Reference(s, Resampling.None), Is.EqualTo(new ConvolutionSupport(Pro | Res | Epi, None, Pro | Res)));
        Assert.That(Reference(s, Resampling.Down), Is.EqualTo(new ConvolutionSupport(Pro | Res | Epi, None, Pro | Res)));
        Assert.That(Reference(s, Resampling.Up), Is.EqualTo(new ConvolutionSupport(Res | Epi, Res, Res)));
        // Four convolutions of 2x2 taps are those of a 3x3 kernel alone.
        Assert.That(Reference(Conv2dShape.Same(2, 4, 4, 3, 5, 1), Resampling.Up), Is.EqualTo(new ConvolutionSupport(Epi, None, None)));

        static ConvolutionSupport Reference(in Conv2dShape s, Resampling resampling) => ReferenceBackend.SupportFor(s, resampling);
    }

    // N, H and W are 8, 16 and 16: 2,048 pixels.
    [TestCase(Precision.Fp32, nameof(Tiling.Cache), 64, 64, Resampling.None, Epi, None, None)]
    [TestCase(Precision.Fp32, nameof(Tiling.Cache), 64, 64, Resampling.Up, Epi | Res, Res, Res)]
    [TestCase(Precision.Fp32, nameof(Tiling.Cache), 64, 64, Resampling.Down, Epi, None, None)]
    [TestCase(Precision.Fp32, nameof(Tiling.Cache), 3, 64, Resampling.None, None, None, None, Description = "an image's channels")]
    [TestCase(Precision.Fp32, nameof(Tiling.Shared), 64, 64, Resampling.None, Pro | Epi, None, Pro)]
    [TestCase(Precision.Fp32, nameof(Tiling.Shared), 16, 64, Resampling.None, Pro | Epi, None, None,
        Description = "wgrad's 144 rows are too few for its tiles")]
    [TestCase(Precision.Fp32, nameof(Tiling.Shared), 64, 64, Resampling.Up, Epi | Res, Res, Res)]
    [TestCase(Precision.Fp32, nameof(Tiling.Shared), 64, 16, Resampling.None, Epi, None, None, Description = "columns too few")]
    [TestCase(Precision.Tf32, nameof(Tiling.Shared), 64, 64, Resampling.None, Pro | Epi | Mom, None, Pro)]
    [TestCase(Precision.Tf32, nameof(Tiling.Shared), 64, 64, Resampling.Up, Epi | Mom, None, None,
        Description = "tensor cores have the 3x3 kernel alone")]
    [TestCase(Precision.Tf32, nameof(Tiling.Shared), 3, 64, Resampling.None, Epi | Mom, None, None)]
    [TestCase(Precision.Tf32, nameof(Tiling.Shared), 64, 3, Resampling.None, Pro | Epi, None, None,
        Description = "blocks have pairs of channels; wgrad copies both by fours")]
    [TestCase(Precision.Bf16, nameof(Tiling.Shared), 64, 64, Resampling.None, Pro | Epi | Mom, None, Pro)]
    [TestCase(Precision.Bf16, nameof(Tiling.Shared), 20, 64, Resampling.None, Pro | Epi | Mom, None, Pro, Description = "by fours in TF32")]
    public void What_ILGPU_kernels_have(
        Precision precision, string tiling, int c, int k, Resampling resampling, ConvolutionParts forward, ConvolutionParts dgrad,
        ConvolutionParts wgrad)
    {
        var support = ConvolutionPlan.SupportFor(precision, Enum.Parse<Tiling>(tiling), Conv2dShape.Same(8, 16, 16, c, k, 3), resampling,
            resampling == Resampling.Up);
        Assert.That(support, Is.EqualTo(new ConvolutionSupport(forward, dgrad, wgrad, Pro | Epi | Mom)));
    }
}
