using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private Precision _precision;

    /// <summary>What convolutions and matrix products multiply in; float32 unless set. wgrad and attention stay float32.</summary>
    /// <exception cref="BDenseException">The device does not have it.</exception>
    public Precision Precision
    {
        get => _precision;
        set
        {
            ConvolutionPlan.Require(value, _accelerator, Name);
            _precision = value;
        }
    }

    /// <summary>Forward on tensor cores: true if it was done, false where the shape or the precision asks for the ordinary kernels.</summary>
    private bool TensorConv2d(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        var precision = ConvolutionPlan.Choose(Precision, s.C, s.K, Aligned(x) && Aligned(w) && Aligned(y));
        if (precision == Precision.Fp32)
            return false;
        TensorGemm(precision, TensorConvolution.Forward(s), x, w, bias, y);
        return true;
    }

    /// <summary>dgrad on tensor cores: the same sum with the weights' two channel axes exchanged.</summary>
    private bool TensorDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        var precision = ConvolutionPlan.Choose(Precision, s.K, s.C, Aligned(dy) && Aligned(dx));
        if (precision == Precision.Fp32)
            return false;
        using var crsk = Empty(new Shape(s.C, s.R, s.S, s.K));
        Launch(ExchangeChannelsKernel, w.Length, View(w), s.K, s.R * s.S, s.C, View(crsk));
        TensorGemm(precision, TensorConvolution.Dgrad(s), dy, crsk, null, dx);
        return true;
    }

    /// <summary>c = a b for one product: a 1x1 convolution over M pixels, once both operands have their sum's axis innermost.</summary>
    private bool TensorMatMul(in MatMulShape s, Tensor a, Tensor b, Tensor c)
    {
        var precision = ConvolutionPlan.Choose(Precision, s.K, s.N, Aligned(a) && Aligned(b) && Aligned(c));
        if (s.Batch != 1 || precision == Precision.Fp32)
            return false;
        using var rows = s.TransA ? Transposed(a, s.K, s.M) : a.Share();
        using var columns = s.TransB ? b.Share() : Transposed(b, s.K, s.N);
        TensorGemm(precision, TensorConvolution.Forward(new Conv2dShape(s.M, 1, 1, s.K, s.N, 1, 1)), rows, columns, null, c);
        return true;
    }

    private Tensor Transposed(Tensor x, int rows, int columns)
    {
        var y = Empty(new Shape(columns, rows));
        Launch(TransposeKernel, x.Length, View(x), rows, columns, View(y));
        return y;
    }

    private void TensorGemm(Precision precision, TensorConvolution g, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        g.HasBias = bias is null ? 0 : 1;
        g.Y = Address(y);
        if (precision == Precision.Tf32)
        {
            (g.X, g.W) = (Address(x), Address(w));
            LaunchGroups(TensorConvTf32Kernel, g.Groups, g, View(bias ?? w));
            return;
        }
        using Tensor shortX = ToBFloat16(x), shortW = ToBFloat16(w);
        g.SourceBytes /= 2;
        (g.X, g.W) = (Address(shortX), Address(shortW));
        LaunchGroups(TensorConvBf16Kernel, g.Groups, g, View(bias ?? w));
    }

    private static long Address(Tensor x) => ((DeviceStorage)x.Storage).Buffer.NativePtr + 4L * x.Offset;

    /// <summary>x in BF16, two values in the place of a float; x's length is even.</summary>
    private Tensor ToBFloat16(Tensor x)
    {
        var y = Empty(new Shape(x.Length / 2));
        Launch(ToBFloat16Kernel, y.Length, View(x).Cast<Float2>(), View(y));
        return y;
    }

    /// <summary>y[i] = x[2i], x[2i+1] in BF16, the first in the lower half. One thread a pair; 8 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ToBFloat16Kernel(Index1D i, ArrayView<Float2> x, ArrayView<float> y)
    {
        var pair = x[i];
        y[i] = Interop.IntAsFloat(RoundBFloat16(pair.X) | RoundBFloat16(pair.Y) << 16);
    }

    /// <summary>To nearest, ties to even; NaN stays NaN.</summary>
    internal static uint RoundBFloat16(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        return (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFF : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }

    /// <summary>y[c,t,k] = x[k,t,c]: weights for dgrad. One thread an element, written in order; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void ExchangeChannelsKernel(Index1D i, ArrayView<float> x, int outer, int taps, int inner, ArrayView<float> y)
    {
        int rest = i / outer;
        int k = i - rest * outer;
        int c = rest / taps;
        int t = rest - c * taps;
        y[i] = x[(k * taps + t) * inner + c];
    }
}
