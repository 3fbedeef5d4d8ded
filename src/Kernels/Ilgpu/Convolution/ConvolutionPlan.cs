using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace BDense.Kernels.Ilgpu.Convolution;

/// <summary>Where the float32 kernels keep what several threads use.</summary>
internal enum Tiling
{
    /// <summary>In the cache: a processor's OpenCL has no other shared memory, and pays for every barrier.</summary>
    Cache,

    /// <summary>In shared memory, on a GPU, for products that are large enough.</summary>
    Shared,

    /// <summary>In shared memory wherever the kernel takes the shape: for tests.</summary>
    SharedAlways,
}

/// <summary>
/// The one place where a kernel is chosen for convolutions, their gradients and matrix products; a tensor-core kernel's tile is
/// <see cref="Tiles.TensorPlan"/>'s.
/// </summary>
internal static class ConvolutionPlan
{
    /// <summary>
    /// The precision of a convolution, dgrad or wgrad without a prologue: the one asked for, whatever the channels. Tensor-core kernels
    /// copy 16 bytes of them at a time (4 in float32, 8 in BF16); where that does not divide them, as an image's, a copy with zeros behind
    /// the last is made first (<see cref="Padded"/>). Any number of channels of the result: a narrow tile stores odd ones.
    /// </summary>
    /// <param name="asked">What the backend is set to.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    public static Precision Choose(Precision asked, bool aligned) => aligned ? asked : Precision.Fp32;

    /// <summary>Channels with those that are missing to 16 bytes.</summary>
    public static int Padded(Precision precision, int channels) =>
        precision == Precision.Bf16 ? (channels + 7) / 8 * 8 : (channels + 3) / 4 * 4;

    /// <summary>
    /// The same with a prologue, which takes channels as they are: the precision asked for where the kernels take the shape, else the next
    /// more exact one that does. Fewer than 12 channels are not worth it.
    /// </summary>
    /// <param name="asked">What the backend is set to.</param>
    /// <param name="sourceChannels">Channels that a tap sums over.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    public static Precision Choose(Precision asked, int sourceChannels, int channels, bool aligned)
    {
        bool fits = aligned && channels > 0 && sourceChannels >= 12;
        if (asked == Precision.Bf16 && fits && sourceChannels % 8 == 0)
            return Precision.Bf16;
        return asked != Precision.Fp32 && fits && sourceChannels % 4 == 0 ? Precision.Tf32 : Precision.Fp32;
    }

    /// <summary>
    /// The same for wgrad with a prologue, whose result is the weights: both channel counts are copied 16 bytes at a time.
    /// </summary>
    public static Precision ChooseWgrad(Precision asked, int sourceChannels, int channels, bool aligned)
    {
        bool fits = aligned && sourceChannels >= 12 && channels >= 12;
        if (asked == Precision.Bf16 && fits && sourceChannels % 8 == 0 && channels % 8 == 0)
            return Precision.Bf16;
        return asked != Precision.Fp32 && fits && sourceChannels % 4 == 0 && channels % 4 == 0 ? Precision.Tf32 : Precision.Fp32;
    }

    /// <summary>
    /// The same for matrix products: A and B are copied 16 bytes at a time along whatever axis is innermost in memory, C is stored two
    /// columns at a time. Both transposed has no kernel: nothing here asks for it.
    /// </summary>
    public static Precision ChooseProduct(Precision asked, in MatMulShape s, bool aligned)
    {
        // A row's bytes are counted in 32 bits.
        if (!aligned || s.K < 12 || s.N % 2 != 0 || (s.TransA && s.TransB) || Math.Max(s.K, Math.Max(s.M, s.N)) > int.MaxValue / 4)
            return Precision.Fp32;
        int innerA = s.TransA ? s.M : s.K, innerB = s.TransB ? s.K : s.N;
        if (asked == Precision.Bf16 && innerA % 8 == 0 && innerB % 8 == 0)
            return Precision.Bf16;
        return asked != Precision.Fp32 && innerA % 4 == 0 && innerB % 4 == 0 ? Precision.Tf32 : Precision.Fp32;
    }

    /// <summary>The line for people where another precision than the one asked for is used: more exact, and slower.</summary>
    public static string Fall(Precision asked, Precision got, string operation, int from, int to) =>
        $"{operation} {from} -> {to} is computed in {got.Text()}, not {asked.Text()}: tensor cores take what they neither pad nor "
            + $"convert by eights (bf16) or fours (tf32), at least 12, from addresses that 16 divides";

    /// <summary>How a device likes its float32 products.</summary>
    public static Tiling Tiling(Accelerator accelerator) => accelerator switch
    {
        CudaAccelerator => Ilgpu.Convolution.Tiling.Shared,
        CLAccelerator { DeviceType: CLDeviceType.CL_DEVICE_TYPE_GPU } => Ilgpu.Convolution.Tiling.Shared,
        _ => Ilgpu.Convolution.Tiling.Cache,
    };

    /// <summary>
    /// Whether a float32 product goes through shared memory: what it loads and stores must be whole multiples of 16 bytes, and its tiles of
    /// 128 x 64 must not be mostly empty. Everything else is done by the kernels that read from the cache.
    /// </summary>
    /// <param name="tiling">The device's.</param>
    /// <param name="rows">Of the result.</param>
    /// <param name="columns">Of the result.</param>
    /// <param name="depth">Channels, or length of the sum.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    public static bool UseSharedTile(Tiling tiling, long rows, int columns, int depth, bool aligned)
    {
        if (tiling == Ilgpu.Convolution.Tiling.Cache || !aligned || columns % 4 != 0 || depth % 4 != 0 || depth == 0)
            return false;
        return tiling == Ilgpu.Convolution.Tiling.SharedAlways || (rows >= 256 && columns >= 32 && depth >= 16);
    }

    /// <summary>
    /// The same for wgrad, whose rows are taps and channels, and whose sum is over pixels: four channels are loaded at a time, any number
    /// of pixels.
    /// </summary>
    public static bool UseSharedTileWgrad(Tiling tiling, in Conv2dShape s, bool aligned)
    {
        long pixels = (long)s.N * s.P * s.Q;
        return UseSharedTile(tiling, (long)s.R * s.S * s.C, s.K, s.C, aligned)
            && (tiling == Ilgpu.Convolution.Tiling.SharedAlways ? pixels > 0 : pixels >= 16);
    }

    /// <summary>
    /// What the launches have of a convolution's surroundings. The prologue where a tile goes through shared memory, forward and in wgrad:
    /// what forward composes, wgrad finds in memory. Tensor cores take a resampled input as it lies there, and have moments of whole
    /// blocks.
    /// </summary>
    /// <param name="precision">What the backend is set to.</param>
    /// <param name="tiling">The device's.</param>
    /// <param name="s">Geometry of the convolution, after resampling.</param>
    /// <param name="resampling">Of its input.</param>
    /// <param name="isUpsampled">Whether the convolution of an upsampled input is four of the small one.</param>
    public static ConvolutionSupport SupportFor(
        Precision precision, Tiling tiling, in Conv2dShape s, Resampling resampling, bool isUpsampled)
    {
        bool tensor = Choose(precision, aligned: true) != Precision.Fp32;
        bool forward = Choose(precision, s.C, s.K, aligned: true) != Precision.Fp32
            || UseSharedTile(tiling, (long)s.N * s.P * s.Q, s.K, s.C, aligned: true);
        bool wgrad = forward
            && (ChooseWgrad(precision, s.C, s.K, aligned: true) != Precision.Fp32 || UseSharedTileWgrad(tiling, s, aligned: true));
        var epilogue = tensor || (s.C % 4 == 0 && s.K % 4 == 0) ? ConvolutionParts.Epilogue : ConvolutionParts.None;
        var up = !tensor && isUpsampled ? ConvolutionParts.Resampling : ConvolutionParts.None;
        var moments = tensor && s.OutputBlocks.IsValid ? ConvolutionParts.Moments : ConvolutionParts.None;
        const ConvolutionParts aligned = ConvolutionParts.Prologue | ConvolutionParts.Epilogue | ConvolutionParts.Moments;
        return new ConvolutionSupport(epilogue | up | moments | Prologue(forward), up, up | Prologue(wgrad), aligned);

        ConvolutionParts Prologue(bool has) => has && resampling == Resampling.None ? ConvolutionParts.Prologue : ConvolutionParts.None;
    }

    /// <param name="precision">Asked for.</param>
    /// <param name="accelerator">The device; none for the CPU reference.</param>
    /// <param name="name">The device's, for the message.</param>
    /// <exception cref="BDenseException">The device has no tensor cores of that kind.</exception>
    public static void Require(Precision precision, Accelerator? accelerator, string name)
    {
        if (precision == Precision.Fp32)
            return;
        string text = precision.Text();
        if (accelerator is not CudaAccelerator cuda)
            throw new BDenseException($"precision {text} needs the tensor cores of an NVIDIA GPU; {name} has fp32 only");
        if (cuda.Architecture.Major < 8)
            throw new BDenseException(
                $"precision {text} needs compute capability 8.0 or newer; {name} ({cuda.Name}) has {cuda.Architecture.Major}."
                    + $"{cuda.Architecture.Minor}");
    }
}
