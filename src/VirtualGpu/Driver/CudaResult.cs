namespace BDense.VirtualGpu.Driver;

/// <summary>CUresult of cuda.h: those that this driver returns. <see cref="CudaResults"/> has their names and words.</summary>
public enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    InvalidDevice = 101,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    InvalidPtx = 218,
    UnsupportedPtxVersion = 222,
    InvalidHandle = 400,
    IllegalState = 401,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    LaunchTimeout = 702,
    ContextIsDestroyed = 709,
    HostMemoryAlreadyRegistered = 712,
    HostMemoryNotRegistered = 713,
    MisalignedAddress = 716,
    LaunchFailed = 719,
    NotSupported = 801,
    StreamCaptureUnsupported = 900,
    StreamCaptureInvalidated = 901,
    StreamCaptureImplicit = 906,
    CapturedEvent = 907,
    StreamCaptureWrongThread = 908,
    Unknown = 999,
}

/// <summary>What cuGetErrorName and cuGetErrorString say.</summary>
public static class CudaResults
{
    private static readonly Dictionary<CudaResult, (string Name, string Words)> Texts = new()
    {
        [CudaResult.Success] = ("CUDA_SUCCESS", "no error"),
        [CudaResult.InvalidValue] = ("CUDA_ERROR_INVALID_VALUE", "invalid argument"),
        [CudaResult.OutOfMemory] = ("CUDA_ERROR_OUT_OF_MEMORY", "out of memory"),
        [CudaResult.NotInitialized] = ("CUDA_ERROR_NOT_INITIALIZED", "initialization error"),
        [CudaResult.InvalidDevice] = ("CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"),
        [CudaResult.InvalidContext] = ("CUDA_ERROR_INVALID_CONTEXT", "invalid device context"),
        [CudaResult.NoBinaryForGpu] = ("CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"),
        [CudaResult.InvalidPtx] = ("CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"),
        [CudaResult.UnsupportedPtxVersion] = ("CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "the provided PTX was compiled with an unsupported toolchain."),
        [CudaResult.InvalidHandle] = ("CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"),
        [CudaResult.IllegalState] = ("CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"),
        [CudaResult.NotFound] = ("CUDA_ERROR_NOT_FOUND", "named symbol not found"),
        [CudaResult.NotReady] = ("CUDA_ERROR_NOT_READY", "device not ready"),
        [CudaResult.IllegalAddress] = ("CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"),
        [CudaResult.LaunchOutOfResources] = ("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"),
        [CudaResult.LaunchTimeout] = ("CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"),
        [CudaResult.ContextIsDestroyed] = ("CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"),
        [CudaResult.HostMemoryAlreadyRegistered] = ("CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
            "part or all of the requested memory range is already mapped"),
        [CudaResult.HostMemoryNotRegistered] = ("CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED",
            "pointer does not correspond to a registered memory region"),
        [CudaResult.MisalignedAddress] = ("CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"),
        [CudaResult.LaunchFailed] = ("CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"),
        [CudaResult.NotSupported] = ("CUDA_ERROR_NOT_SUPPORTED", "operation not supported"),
        [CudaResult.StreamCaptureUnsupported] = ("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
            "operation not permitted when stream is capturing"),
        [CudaResult.StreamCaptureInvalidated] = ("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
            "operation failed due to a previous error during capture"),
        [CudaResult.StreamCaptureImplicit] = ("CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
            "operation would make the legacy stream depend on a capturing blocking stream"),
        [CudaResult.CapturedEvent] = ("CUDA_ERROR_CAPTURED_EVENT",
            "operation not permitted on an event last recorded in a capturing stream"),
        [CudaResult.StreamCaptureWrongThread] = ("CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
            "attempt to terminate a thread-local capture sequence from another thread"),
        [CudaResult.Unknown] = ("CUDA_ERROR_UNKNOWN", "unknown error"),
    };

    /// <summary>As CUDA_ERROR_INVALID_VALUE; null for a number that is none of these.</summary>
    public static string? Name(CudaResult result) => Texts.TryGetValue(result, out var text) ? text.Name : null;

    /// <summary>In words; null for a number that is none of these.</summary>
    public static string? Words(CudaResult result) => Texts.TryGetValue(result, out var text) ? text.Words : null;

    /// <summary>What a context's calls return after a kernel did this.</summary>
    public static CudaResult Of(FindingKind kind) => kind switch
    {
        FindingKind.OutOfBounds or FindingKind.UseAfterFree => CudaResult.IllegalAddress,
        FindingKind.Misaligned => CudaResult.MisalignedAddress,
        FindingKind.Endless => CudaResult.LaunchTimeout,
        FindingKind.Resources => CudaResult.LaunchOutOfResources,
        FindingKind.Arguments => CudaResult.InvalidValue,
        _ => CudaResult.LaunchFailed,
    };

    internal static IEnumerable<CudaResult> All => Texts.Keys;
}
