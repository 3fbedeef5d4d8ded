namespace BDense.VirtualGpu.Driver;

/// <summary>Why a call does nothing. It ends in <see cref="VirtualDriver"/>, which returns the code.</summary>
internal sealed class DriverRefusal(CudaResult result) : Exception
{
    public CudaResult Result { get; } = result;
}
