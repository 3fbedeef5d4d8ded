using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>What products of convolutions and matrices are computed in. Tensors and sums are float32 always.</summary>
public enum Precision
{
    /// <summary>float32, on every device.</summary>
    Fp32,

    /// <summary>Tensor cores, factors rounded to 10 bits of mantissa: relative error of a product up to 2^-10.</summary>
    Tf32,

    /// <summary>Tensor cores, factors rounded to 7 bits of mantissa: relative error of a product up to 2^-7.</summary>
    Bf16,
}

/// <summary>The one place where a kernel is chosen for forward, dgrad and matrix products.</summary>
internal static class ConvolutionPlan
{
    /// <summary>
    /// The precision a shape is computed in: the one asked for where the tensor-core kernels take the shape, else the next more exact
    /// one that does. They copy 16 bytes of channels at a time (4 in float32, 8 in BF16), store pairs of channels, and are not worth
    /// their 128 x 128 tile for a few channels, such as an image's.
    /// </summary>
    /// <param name="asked">What the backend is set to.</param>
    /// <param name="sourceChannels">Channels that a tap sums over.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    public static Precision Choose(Precision asked, int sourceChannels, int channels, bool aligned)
    {
        bool fits = aligned && channels % 2 == 0 && channels >= 12 && sourceChannels >= 12;
        if (asked == Precision.Bf16 && fits && sourceChannels % 8 == 0)
            return Precision.Bf16;
        return asked != Precision.Fp32 && fits && sourceChannels % 4 == 0 ? Precision.Tf32 : Precision.Fp32;
    }

    /// <exception cref="BDenseException">The device has no tensor cores of that kind.</exception>
    public static void Require(Precision precision, Accelerator accelerator, string name)
    {
        if (precision == Precision.Fp32)
            return;
        string text = precision.ToString().ToLowerInvariant();
        if (accelerator is not CudaAccelerator cuda)
            throw new BDenseException($"precision {text} needs the tensor cores of an NVIDIA GPU; {name} has fp32 only");
        if (cuda.Architecture.Major < 8)
            throw new BDenseException($"precision {text} needs compute capability 8.0 or newer; {name} ({cuda.Name}) has {cuda.Architecture.Major}.{cuda.Architecture.Minor}");
    }
}
