using System.Runtime.InteropServices;
using BDense.Kernels.Ptx;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>Calls of the CUDA driver that ILGPU does not make.</summary>
internal static class CudaDriver
{
    /// <summary>
    /// CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES and CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN of cuda.h.
    /// </summary>
    private const int MaxDynamicSharedSizeBytes = 8, MaxSharedMemoryPerBlockOptIn = 97;

    private delegate int FuncSetAttribute(nint function, int attribute, int value);

    private delegate int DeviceGetAttribute(out int value, int attribute, int device);

    /// <summary>Makes tensor maps, for bulk copies; CUDA 12 has it.</summary>
    /// <exception cref="BDenseException">The driver is older.</exception>
    public static EncodeTensorMap EncodeTensorMap => s_encode.Value
        ?? throw new BDenseException($"the CUDA driver has no {EncodeTiled}, which kernels for Hopper need: 12.0 or later has it");

    /// <summary>Whether it does.</summary>
    public static bool HasTensorMaps => s_encode.Value is not null;

    private const string EncodeTiled = "cuTensorMapEncodeTiled";

    // Once: two are made for each product on Hopper.
    private static readonly Lazy<EncodeTensorMap?> s_encode = new(
        () => NativeLibrary.TryGetExport(CudaLibrary.Load(), EncodeTiled, out _) ? Function<EncodeTensorMap>(EncodeTiled) : null);

    private static T Function<T>(string name)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(CudaLibrary.Load(), name));

    /// <summary>Lets a kernel be launched with so much dynamic shared memory; without this the driver refuses more than 48 KiB.</summary>
    public static void AllowDynamicShared(nint function, int bytes) =>
        Check("cuFuncSetAttribute", Function<FuncSetAttribute>("cuFuncSetAttribute")(function, MaxDynamicSharedSizeBytes, bytes));

    /// <summary>The most shared memory that a group of this device can ask for.</summary>
    public static int SharedLimit(int device)
    {
        Check("cuDeviceGetAttribute",
            Function<DeviceGetAttribute>("cuDeviceGetAttribute")(out int value, MaxSharedMemoryPerBlockOptIn, device));
        return value;
    }

    private static void Check(string call, int error)
    {
        if (error != 0)
            throw new BDenseException($"the CUDA driver refuses {call}: error {error}");
    }
}
