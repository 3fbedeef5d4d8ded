using BDense.Kernels.Ilgpu.Cuda;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Which errors of the driver end a process's use of CUDA. After these every call fails with the same code, in every context of the
/// process; what they name is some launch before the call that returns them.
/// </summary>
internal static class DeviceFault
{
    /// <summary>By cuda.h. The numbers stand in where ILGPU's enumeration does not know the name.</summary>
    private static readonly string[] Sticky =
    [
        "CUDA_ERROR_ECC_UNCORRECTABLE", "214", "CUDA_ERROR_NVLINK_UNCORRECTABLE", "220", "CUDA_ERROR_ILLEGAL_ADDRESS", "700",
        "CUDA_ERROR_LAUNCH_TIMEOUT", "702", "CUDA_ERROR_CONTEXT_IS_DESTROYED", "709", "CUDA_ERROR_ASSERT", "710",
        "CUDA_ERROR_HARDWARE_STACK_ERROR", "714", "CUDA_ERROR_ILLEGAL_INSTRUCTION", "715", "CUDA_ERROR_MISALIGNED_ADDRESS", "716",
        "CUDA_ERROR_INVALID_ADDRESS_SPACE", "717", "CUDA_ERROR_INVALID_PC", "718", "CUDA_ERROR_LAUNCH_FAILED", "719",
    ];

    /// <summary>The same in the words of cuGetErrorString, which is all that a message of ILGPU's has.</summary>
    private static readonly string[] Words =
    [
        "uncorrectable ECC error", "uncorrectable NVLink error", "illegal memory access", "the launch timed out", "context is destroyed",
        "device-side assert", "hardware stack error", "an illegal instruction was encountered", "misaligned address",
        "not supported on global/shared address space", "invalid program counter", "unspecified launch failure",
    ];

    public static bool IsSticky(string errorName) => Sticky.Contains(errorName);

    /// <summary>Whether a text (a failed test's message) tells of such an error.</summary>
    public static bool Tells(string text) =>
        Array.Exists(Sticky, name => name[0] == 'C' && text.Contains(name, StringComparison.Ordinal))
        || text.Contains(nameof(DeviceFaultException), StringComparison.Ordinal)
        || Array.Exists(Words, words => text.Contains(words, StringComparison.OrdinalIgnoreCase));

    /// <summary>To append to an error's words: what the virtual GPU found, if that is the device.</summary>
    public static string Finding => VirtualCuda.LastFinding is { } finding ? ": " + finding : "";

    /// <summary>The driver's own name of an error.</summary>
    public static string NameOf(AcceleratorException e) => e switch
    {
        CudaException cuda => cuda.Error,
        CLException cl => cl.Error.ToString(),
        _ => e.GetType().Name,
    };
}
