namespace BDense.Kernels.Ilgpu;

// Not yet written operations; a line leaves as its operation arrives, and the file with the last.
public sealed partial class IlgpuBackend
{

    protected override void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse) => throw new NotSupportedException();

    protected override void AttentionBackwardCore(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv) => throw new NotSupportedException();

    protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor stats) => throw new NotSupportedException();

    protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift) => throw new NotSupportedException();

    protected override void MatMulCore(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate) => throw new NotSupportedException();

    protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads, Tensor targets, Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses) => throw new NotSupportedException();

    protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map, Tensor states) => throw new NotSupportedException();

    protected override void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads) => throw new NotSupportedException();
}
