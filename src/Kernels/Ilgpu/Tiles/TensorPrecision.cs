using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ptx;

namespace BDense.Kernels.Ilgpu;

/// <summary>What tensor cores multiply in, and the line for people where that is not what was asked for.</summary>
public sealed partial class IlgpuBackend
{
    private readonly HashSet<(string Operation, int From, int To)> _noticed = [];

    private Precision _precision;

    /// <summary>
    /// What convolutions, matrix products and attention multiply in; float32 unless set. With BF16 activations are BF16 in memory, too
    /// (<see cref="Backend.ActivationType"/>).
    /// </summary>
    /// <exception cref="BDenseException">The device does not have it.</exception>
    public Precision Precision
    {
        get => _precision;
        set
        {
            ConvolutionPlan.Require(value, _accelerator, Name);
            _precision = value;
            ActivationType = value == Precision.Bf16 ? ElementType.BFloat16 : ElementType.Float32;
        }
    }

    /// <summary>The tensor cores' instruction of a precision other than float32.</summary>
    private static MmaShape ShapeOf(Precision precision) => precision == Precision.Bf16 ? MmaShape.Bf16 : MmaShape.Tf32;

    /// <summary>
    /// Says once for each operation and its channels (of a product: the sum's length and the columns) that another precision than the one
    /// asked for is used.
    /// </summary>
    internal void NoticePrecision(string operation, int from, int to, Precision got)
    {
        if (got != Precision && OnNotice is { } notice && _noticed.Add((operation, from, to)))
            notice(ConvolutionPlan.Fall(Precision, got, operation, from, to));
    }

    /// <summary>The same for attention, by heads and tokens.</summary>
    private void NoticePrecision(in AttentionShape s, Precision got, bool backward)
    {
        string operation = backward ? "attention's gradient" : "attention";
        if (got != Precision && OnNotice is { } notice && _noticed.Add((operation, s.HeadSize, s.Tokens)))
            notice(AttentionPlan.Fall(Precision, got, operation, s, backward, SharedLimit));
    }
}
