namespace BDense.Kernels.Reference;

// Not yet written operations; a line leaves as its operation arrives, and the file with the last.
public sealed unsafe partial class ReferenceBackend
{
    protected override void AdamCore(in AdamStep s, Tensor p, Tensor g, Tensor m, Tensor v, Tensor? ema, Tensor squaredNorm) => throw new NotSupportedException();

    protected override void BroadcastAddCore(Tensor x, Tensor e, Tensor y) => throw new NotSupportedException();

    protected override void BroadcastAddBackwardCore(Tensor dy, Tensor de) => throw new NotSupportedException();

    protected override void ConcatCore(Tensor a, Tensor b, Tensor y) => throw new NotSupportedException();

    protected override void SplitCore(Tensor y, Tensor a, Tensor b) => throw new NotSupportedException();

    protected override void DropoutCore(Tensor x, float p, RandomKey key, Tensor y) => throw new NotSupportedException();

    protected override void FillCore(Tensor y, float value) => throw new NotSupportedException();

    protected override void ClampCore(Tensor x, float low, float high, Tensor y) => throw new NotSupportedException();

    protected override void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst) => throw new NotSupportedException();

    protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor stats) => throw new NotSupportedException();

    protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift) => throw new NotSupportedException();

    protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y) => throw new NotSupportedException();

    protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y) => throw new NotSupportedException();

    protected override void RandomUniformCore(RandomKey key, Tensor y) => throw new NotSupportedException();

    protected override void RandomNormalCore(RandomKey key, Tensor y) => throw new NotSupportedException();

    protected override void SumCore(Tensor x, Tensor y) => throw new NotSupportedException();

    protected override void SumOfSquaresCore(Tensor x, Tensor y) => throw new NotSupportedException();

    protected override void DownsampleCore(Tensor x, Tensor y, float factor) => throw new NotSupportedException();

    protected override void UpsampleCore(Tensor x, Tensor y, float factor) => throw new NotSupportedException();

    protected override void SiluCore(Tensor x, Tensor y) => throw new NotSupportedException();

    protected override void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx) => throw new NotSupportedException();

    protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads, Tensor targets, Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses) => throw new NotSupportedException();

    protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map, Tensor states) => throw new NotSupportedException();

    protected override void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads) => throw new NotSupportedException();
}
