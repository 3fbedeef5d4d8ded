using System.Reflection;
using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Driver.Library;

/// <summary>The functions of <see cref="VirtualDriver"/> as native code calls them. No exception gets out.</summary>
internal static unsafe class Exports
{
    /// <summary>Name and address of each function here.</summary>
    public static IReadOnlyList<(string Name, nint Address)> All { get; } =
    [
        .. typeof(Exports).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Where(method => method.IsDefined(typeof(UnmanagedCallersOnlyAttribute)))
            .Select(method => (method.Name, method.MethodHandle.GetFunctionPointer())),
    ];

    private static int Call(Func<VirtualDriver, CudaResult> function)
    {
        var driver = VirtualLibrary.Driver;
        try
        {
            return (int)function(driver);
        }
        catch (Exception e)
        {
            driver.NoteFailure(e);
            return (int)CudaResult.Unknown;
        }
    }

    // Errors

    [UnmanagedCallersOnly]
    public static int cuGetErrorName(CudaResult error, byte** text) => Call(driver => driver.cuGetErrorName(error, text));

    [UnmanagedCallersOnly]
    public static int cuGetErrorString(CudaResult error, byte** text) => Call(driver => driver.cuGetErrorString(error, text));

    // Devices

    [UnmanagedCallersOnly]
    public static int cuInit(uint flags) => Call(driver => driver.cuInit(flags));

    [UnmanagedCallersOnly]
    public static int cuDriverGetVersion(int* version) => Call(driver => driver.cuDriverGetVersion(version));

    [UnmanagedCallersOnly]
    public static int cuDeviceGetCount(int* count) => Call(driver => driver.cuDeviceGetCount(count));

    [UnmanagedCallersOnly]
    public static int cuDeviceGet(int* device, int ordinal) => Call(driver => driver.cuDeviceGet(device, ordinal));

    [UnmanagedCallersOnly]
    public static int cuDeviceGetName(byte* name, int length, int device) => Call(driver => driver.cuDeviceGetName(name, length, device));

    [UnmanagedCallersOnly]
    public static int cuDeviceTotalMem_v2(nuint* bytes, int device) => Call(driver => driver.cuDeviceTotalMem_v2(bytes, device));

    [UnmanagedCallersOnly]
    public static int cuDeviceGetAttribute(int* value, int attribute, int device) =>
        Call(driver => driver.cuDeviceGetAttribute(value, attribute, device));

    [UnmanagedCallersOnly]
    public static int cuDeviceGetPCIBusId(byte* text, int length, int device) =>
        Call(driver => driver.cuDeviceGetPCIBusId(text, length, device));

    [UnmanagedCallersOnly]
    public static int cuDeviceGetUuid_v2(byte* uuid, int device) => Call(driver => driver.cuDeviceGetUuid_v2(uuid, device));

    // Contexts

    [UnmanagedCallersOnly]
    public static int cuCtxCreate_v2(nint* context, uint flags, int device) =>
        Call(driver => driver.cuCtxCreate_v2(context, flags, device));

    [UnmanagedCallersOnly]
    public static int cuCtxDestroy_v2(nint context) => Call(driver => driver.cuCtxDestroy_v2(context));

    [UnmanagedCallersOnly]
    public static int cuCtxSetCurrent(nint context) => Call(driver => driver.cuCtxSetCurrent(context));

    [UnmanagedCallersOnly]
    public static int cuCtxGetCurrent(nint* context) => Call(driver => driver.cuCtxGetCurrent(context));

    [UnmanagedCallersOnly]
    public static int cuCtxSynchronize() => Call(driver => driver.cuCtxSynchronize());

    [UnmanagedCallersOnly]
    public static int cuCtxGetCacheConfig(int* config) => Call(driver => driver.cuCtxGetCacheConfig(config));

    [UnmanagedCallersOnly]
    public static int cuCtxGetSharedMemConfig(int* config) => Call(driver => driver.cuCtxGetSharedMemConfig(config));

    // Memory

    [UnmanagedCallersOnly]
    public static int cuMemGetInfo_v2(nuint* free, nuint* total) => Call(driver => driver.cuMemGetInfo_v2(free, total));

    [UnmanagedCallersOnly]
    public static int cuMemAlloc_v2(ulong* address, nuint bytes) => Call(driver => driver.cuMemAlloc_v2(address, bytes));

    [UnmanagedCallersOnly]
    public static int cuMemFree_v2(ulong address) => Call(driver => driver.cuMemFree_v2(address));

    [UnmanagedCallersOnly]
    public static int cuMemcpyAsync(ulong destination, ulong source, nuint bytes, nint stream) =>
        Call(driver => driver.cuMemcpyAsync(destination, source, bytes, stream));

    [UnmanagedCallersOnly]
    public static int cuMemsetD8Async(ulong address, byte value, nuint count, nint stream) =>
        Call(driver => driver.cuMemsetD8Async(address, value, count, stream));

    [UnmanagedCallersOnly]
    public static int cuMemAllocHost_v2(nint* address, nuint bytes) => Call(driver => driver.cuMemAllocHost_v2(address, bytes));

    [UnmanagedCallersOnly]
    public static int cuMemFreeHost(nint address) => Call(driver => driver.cuMemFreeHost(address));

    [UnmanagedCallersOnly]
    public static int cuMemHostRegister_v2(nint address, nuint bytes, uint flags) =>
        Call(driver => driver.cuMemHostRegister_v2(address, bytes, flags));

    [UnmanagedCallersOnly]
    public static int cuMemHostUnregister(nint address) => Call(driver => driver.cuMemHostUnregister(address));

    [UnmanagedCallersOnly]
    public static int cuMemHostGetDevicePointer_v2(ulong* device, nint host, uint flags) =>
        Call(driver => driver.cuMemHostGetDevicePointer_v2(device, host, flags));

    [UnmanagedCallersOnly]
    public static int cuPointerGetAttribute(void* data, int attribute, ulong address) =>
        Call(driver => driver.cuPointerGetAttribute(data, attribute, address));

    // Streams

    [UnmanagedCallersOnly]
    public static int cuStreamCreate(nint* stream, uint flags) => Call(driver => driver.cuStreamCreate(stream, flags));

    [UnmanagedCallersOnly]
    public static int cuStreamDestroy_v2(nint stream) => Call(driver => driver.cuStreamDestroy_v2(stream));

    [UnmanagedCallersOnly]
    public static int cuStreamSynchronize(nint stream) => Call(driver => driver.cuStreamSynchronize(stream));

    [UnmanagedCallersOnly]
    public static int cuStreamQuery(nint stream) => Call(driver => driver.cuStreamQuery(stream));

    [UnmanagedCallersOnly]
    public static int cuEventCreate(nint* recorded, uint flags) => Call(driver => driver.cuEventCreate(recorded, flags));

    [UnmanagedCallersOnly]
    public static int cuEventDestroy_v2(nint recorded) => Call(driver => driver.cuEventDestroy_v2(recorded));

    [UnmanagedCallersOnly]
    public static int cuEventRecord(nint recorded, nint stream) => Call(driver => driver.cuEventRecord(recorded, stream));

    [UnmanagedCallersOnly]
    public static int cuEventQuery(nint recorded) => Call(driver => driver.cuEventQuery(recorded));

    [UnmanagedCallersOnly]
    public static int cuEventSynchronize(nint recorded) => Call(driver => driver.cuEventSynchronize(recorded));

    [UnmanagedCallersOnly]
    public static int cuEventElapsedTime(float* milliseconds, nint start, nint end) =>
        Call(driver => driver.cuEventElapsedTime(milliseconds, start, end));

    // Graphs

    [UnmanagedCallersOnly]
    public static int cuStreamBeginCapture_v2(nint stream, CaptureMode mode) =>
        Call(driver => driver.cuStreamBeginCapture_v2(stream, mode));

    [UnmanagedCallersOnly]
    public static int cuStreamEndCapture(nint stream, nint* graph) => Call(driver => driver.cuStreamEndCapture(stream, graph));

    [UnmanagedCallersOnly]
    public static int cuGraphGetNodes(nint graph, nint* nodes, nuint* count) => Call(driver => driver.cuGraphGetNodes(graph, nodes, count));

    [UnmanagedCallersOnly]
    public static int cuGraphInstantiateWithFlags(nint* executable, nint graph, ulong flags) =>
        Call(driver => driver.cuGraphInstantiateWithFlags(executable, graph, flags));

    [UnmanagedCallersOnly]
    public static int cuGraphLaunch(nint executable, nint stream) => Call(driver => driver.cuGraphLaunch(executable, stream));

    [UnmanagedCallersOnly]
    public static int cuGraphDestroy(nint graph) => Call(driver => driver.cuGraphDestroy(graph));

    [UnmanagedCallersOnly]
    public static int cuGraphExecDestroy(nint executable) => Call(driver => driver.cuGraphExecDestroy(executable));

    // Modules

    [UnmanagedCallersOnly]
    public static int cuModuleLoadDataEx(nint* module, byte* image, uint count, int* options, void** values) =>
        Call(driver => driver.cuModuleLoadDataEx(module, image, count, options, values));

    [UnmanagedCallersOnly]
    public static int cuModuleUnload(nint module) => Call(driver => driver.cuModuleUnload(module));

    [UnmanagedCallersOnly]
    public static int cuModuleGetFunction(nint* function, nint module, byte* name) =>
        Call(driver => driver.cuModuleGetFunction(function, module, name));

    [UnmanagedCallersOnly]
    public static int cuFuncSetAttribute(nint function, int attribute, int value) =>
        Call(driver => driver.cuFuncSetAttribute(function, attribute, value));

    // Launches

    [UnmanagedCallersOnly]
    public static int cuLaunchKernel(nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, nint stream, void** parameters, void** extra) =>
            Call(driver =>
                driver.cuLaunchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, parameters, extra));

    [UnmanagedCallersOnly]
    public static int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, nint function, int blockSize, nuint sharedBytes) =>
        Call(driver => driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, blockSize, sharedBytes));

    [UnmanagedCallersOnly]
    public static int cuOccupancyMaxPotentialBlockSize(int* minGrid, int* blockSize, nint function,
        delegate* unmanaged<int, nuint> sharedOf, nuint sharedBytes, int limit) =>
            Call(driver => driver.cuOccupancyMaxPotentialBlockSize(minGrid, blockSize, function, sharedOf, sharedBytes, limit));

    // Tensor maps

    [UnmanagedCallersOnly]
    public static int cuTensorMapEncodeTiled(byte* map, int type, uint rank, ulong address, ulong* extents, ulong* strides, uint* box,
        uint* steps, int interleave, int swizzle,
        int promotion, int fill) => Call(driver =>
            driver.cuTensorMapEncodeTiled(map, type, rank, address, extents, strides, box, steps, interleave, swizzle, promotion, fill));
}
