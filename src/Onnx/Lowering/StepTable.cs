using BDense.Kernels;
using BDense.Kernels.Tracing;

namespace BDense.Onnx.Lowering;

/// <summary>Which operation becomes which nodes.</summary>
/// <remarks>
/// <list type="table">
/// <listheader><term>operation</term><description>nodes</description></listheader>
/// <item><term>Conv2d</term><description>Conv; over one pixel Gemm</description></item>
/// <item><term>GroupNorm</term><description>Reshape, InstanceNormalization, Reshape, Mul, Add; Sigmoid and Mul of SiLU</description></item>
/// <item><term>Attention</term><description>Slice, Reshape, Transpose, MatMul, Softmax, MatMul</description></item>
/// <item><term>Downsample, Upsample</term><description>AveragePool; Resize to nearest</description></item>
/// <item><term>LinearCombination</term><description>Mul by each coefficient that is not 1, Add</description></item>
/// <item><term>Concat, Split</term><description>Concat, Slice</description></item>
/// <item><term>Embedding</term><description>Mul, Cos, Sin, Concat</description></item>
/// <item><term>Silu, Clamp, Multiply</term><description>Sigmoid and Mul, Clip, Mul</description></item>
/// </list>
/// </remarks>
internal static class StepTable
{
    public static Lowered Lower(LoweredGraph at, TraceStep step) => step switch
    {
        ConvolutionStep s => Convolutions.Convolution(at, s),
        ResampleStep s => Convolutions.Resample(at, s),
        GroupNormStep s => Normalizations.GroupNorm(at, s),
        ScaleShiftStep s => Normalizations.ScaleShift(at, s),
        AttentionStep s => Attentions.Attention(at, s),
        EmbeddingStep s => Embeddings.Embedding(at, s),
        CombinationStep s => Elementwise.Combination(at, s),
        SampleCombinationStep s => Elementwise.SampleCombination(at, s),
        BroadcastAddStep s => Elementwise.BroadcastAdd(at, s),
        MultiplyStep s => Elementwise.Multiply(at, s),
        SiluStep s => Elementwise.Silu(at, s),
        ClampStep s => Elementwise.Clamp(at, s),
        ConcatStep s => Channels.Concat(at, s),
        ChannelsStep s => Channels.Slice(at, s),
        _ => throw new BDenseException($"{step.GetType().Name}: a step that ONNX's graph has no nodes for"),
    };
}
