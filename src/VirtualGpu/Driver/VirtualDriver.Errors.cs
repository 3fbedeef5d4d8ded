using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Driver;

public sealed unsafe partial class VirtualDriver
{
    /// <summary>Text that stays where it is until the process ends, as callers expect of a driver's.</summary>
    private static readonly Dictionary<CudaResult, (nint Name, nint Words)> ErrorTexts = CudaResults.All.ToDictionary(
        result => result,
        result => (Marshal.StringToCoTaskMemUTF8(CudaResults.Name(result)), Marshal.StringToCoTaskMemUTF8(CudaResults.Words(result))));

    /// <summary>Needs no cuInit; a number that is no error gives null and CUDA_ERROR_INVALID_VALUE.</summary>
    public CudaResult cuGetErrorName(CudaResult error, byte** text) => ErrorText(error, text, name: true);

    /// <inheritdoc cref="cuGetErrorName"/>
    public CudaResult cuGetErrorString(CudaResult error, byte** text) => ErrorText(error, text, name: false);

    private CudaResult ErrorText(CudaResult error, byte** text, bool name) => Call(initialised: false, body: () =>
    {
        Require(text != null);
        bool known = ErrorTexts.TryGetValue(error, out var both);
        *text = known ? (byte*)(name ? both.Name : both.Words) : null;
        return known ? CudaResult.Success : CudaResult.InvalidValue;
    });
}
