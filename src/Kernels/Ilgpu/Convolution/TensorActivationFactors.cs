using BDense.Kernels.Ilgpu.Generated;

namespace BDense.Kernels.Ilgpu.Convolution;

/// <summary>The prologue act(scale[n,c] x + shift[n,c]) as the tensor-core kernels take it (<see cref="TensorActivation"/>).</summary>
internal struct TensorActivationFactors
{
    /// <summary>Device address of [N,2C], in float32; a multiple of 16.</summary>
    public long Address;

    /// <summary>From a sample's scales to its shifts: 4 C.</summary>
    public int ShiftBytes;

    /// <summary>
    /// act(u) = u / (1 + 2^(Slope u + Offset)): with SiLU the exponent is -u / ln 2, without it -infinity, so that there is nothing to
    /// branch on.
    /// </summary>
    public float Slope, Offset;

    public static TensorActivationFactors Of(long address, int channels, bool silu) => new()
    {
        Address = address,
        ShiftBytes = channels * sizeof(float),
        Slope = silu ? -1.44269504f : 0f,
        Offset = silu ? 0f : float.NegativeInfinity,
    };
}
