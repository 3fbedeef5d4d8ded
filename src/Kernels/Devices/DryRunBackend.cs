using BDense.Kernels.Reference;

namespace BDense.Kernels.Devices;

/// <summary>
/// A device that computes nothing and holds nothing: every operation checks its arguments, reports its cost and returns. It tells what a
/// network would cost, in multiply-adds (<see cref="Macs"/>) and in memory (<see cref="MemoryPool.PeakBytes"/>), however large it is.
/// </summary>
/// <remarks>Downloads give zeros.</remarks>
public class DryRunBackend : Backend
{
    public override string Name => "dry-run";

    public override string Description => "computes nothing, counts multiply-adds and bytes";

    /// <summary>Multiply-adds so far of convolutions, linear layers, attention and matrix products; the rest is counted as none.</summary>
    public long Macs { get; private set; }

    protected override Storage Allocate(int length) => new NoStorage(length);

    protected internal override void UploadCore(Tensor destination, ReadOnlySpan<float> source) { }

    protected internal override void DownloadCore(Tensor source, Span<float> destination) => destination.Clear();

    protected override void BroadcastAddCore(Tensor x, Tensor e, Tensor y) { }

    protected override void BroadcastAddBackwardCore(Tensor dy, Tensor de) { }

    protected override void ConcatCore(Tensor a, Tensor b, Tensor y) { }

    protected override void SplitCore(Tensor y, Tensor a, Tensor b) { }

    protected override void RandomUniformCore(RandomKey key, Tensor y) { }

    protected override void RandomNormalCore(RandomKey key, Tensor y) { }

    protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads,
        Tensor targets, Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses)
    { }

    protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map, Tensor states) { }

    protected override void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads) { }

    protected override void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse) => Macs += s.Macs;

    protected override void AttentionBackwardCore(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse,
        Tensor dqkv) => Macs += 5 * s.Macs / 2;

    protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y,
        Tensor stats)
    { }

    protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma,
        Tensor beta, Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift)
    { }

    protected override void SiluCore(Tensor x, Tensor y) { }

    protected override void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx) { }

    protected override void FillCore(Tensor y, float value) { }

    protected override void MultiplyCore(Tensor a, Tensor b, Tensor y) { }

    protected override void SoftmaxCore(Tensor x, Tensor y) { }

    protected override void SoftmaxBackwardCore(Tensor dy, Tensor y, Tensor dx) { }

    protected override void TransposeCore(Tensor x, Tensor y) { }

    protected override void RhoCore(Distance rho, float delta, Tensor d, Tensor y) { }

    protected override void RhoDerivativeCore(Distance rho, float delta, Tensor d, Tensor y) { }

    protected override void ClampCore(Tensor x, float low, float high, Tensor y) { }

    protected override void Conv2dCore(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y) => Macs += s.Macs;

    protected override void Conv2dDgradCore(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx) => Macs += s.Macs;

    protected override void Conv2dWgradCore(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias) => Macs += s.Macs;

    /// <summary>As the CPU reference.</summary>
    public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) => ReferenceBackend.SupportFor(s, resampling);

    /// <remarks>Counts the multiply-adds of the formula, also where the upsampled form takes fewer.</remarks>
    protected override void FusedConv2dCore(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue,
        Tensor y) => Macs += s.Macs;

    protected override void FusedConv2dWgradCore(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw,
        Tensor? dbias) => Macs += s.Macs;

    protected override void UpsampleWeightsCore(Tensor w, Tensor large) { }

    protected override void UpsampleWeightsBackwardCore(Tensor dlarge, Tensor dw) { }

    protected override void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y) { }

    protected override void GroupNormFactorsCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor factors,
        Tensor stats)
    { }

    protected override void SumCore(Tensor x, Tensor y) { }

    protected override void SumOfSquaresCore(Tensor x, Tensor y) { }

    protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm, Tensor? schedule) { }

    protected override void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst) { }

    protected override void DownsampleCore(Tensor x, Tensor y, float factor) { }

    protected override void UpsampleCore(Tensor x, Tensor y, float factor) { }

    protected override void DropoutCore(Tensor x, float p, RandomKey key, Tensor y) { }

    protected override void MatMulCore(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate) => Macs += s.Macs;

    protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y) { }

    protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y) { }

    private sealed class NoStorage(int length) : Storage(length)
    {
        public override void Dispose() { }
    }
}
