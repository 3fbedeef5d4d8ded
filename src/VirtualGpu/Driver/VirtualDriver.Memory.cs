using System.Runtime.InteropServices;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Driver;

/// <content>Memory of the device, copies, and page-locked memory of the host.</content>
public sealed unsafe partial class VirtualDriver
{
    public CudaResult cuMemGetInfo_v2(nuint* free, nuint* total) => InContext(context =>
    {
        Require(free != null && total != null);
        *free = (nuint)context.Device.Gpu.Memory.FreeBytes;
        *total = (nuint)context.Device.Gpu.Memory.TotalBytes;
        return CudaResult.Success;
    });

    /// <summary>Waits for the device first, as a real driver may: a fault of what it did shows here.</summary>
    public CudaResult cuMemAlloc_v2(ulong* address, nuint bytes) => InContext(context =>
    {
        Require(address != null && bytes > 0);
        RefuseUnsafeWhileCapturing(context);
        ulong found = bytes > long.MaxValue ? 0 : context.Device.Queue.WhenIdle(() => context.Device.Gpu.Memory.Allocate((long)bytes));
        Require(found != 0, CudaResult.OutOfMemory);
        context.Allocations.Add(found, (long)bytes);
        *address = found;
        return context.Fault;
    });

    /// <summary>Waits for the device first. Address 0 is nothing to free.</summary>
    public CudaResult cuMemFree_v2(ulong address) => InContext(context =>
    {
        RefuseUnsafeWhileCapturing(context);
        if (address == 0)
            return CudaResult.Success;
        Require(context.Allocations.Remove(address));
        context.Device.Queue.WhenIdle(() => context.Device.Gpu.Memory.Free(address));
        return context.Fault;
    });

    /// <summary>Pageable bytes up to which a copy to the device does not wait: they go through memory of the driver's.</summary>
    private const int StagedBytes = 64 << 10;

    /// <summary>
    /// The direction is told by the addresses. Pageable memory of the host is read before the call returns, and written before it
    /// returns; page-locked memory when the stream gets to the copy. In a graph, the host's memory is read at each launch.
    /// </summary>
    public CudaResult cuMemcpyAsync(ulong destination, ulong source, nuint bytes, nint stream)
    {
        bool waits = false;
        var result = InContext(context =>
        {
            if (bytes == 0)
                return CudaResult.Success;
            Require(destination != 0 && source != 0 && bytes <= long.MaxValue);
            RequireOneAllocation(context, destination, bytes);
            RequireOneAllocation(context, source, bytes);
            var target = Stream(context, stream);
            bool fromPageable = !GlobalMemory.Owns(source) && !context.IsPinned(source, (long)bytes);
            bool toPageable = !GlobalMemory.Owns(destination) && !context.IsPinned(destination, (long)bytes);
            bool isStaged = fromPageable && target.Capture is null && bytes <= StagedBytes;
            waits = target.Capture is null && (toPageable || (fromPageable && !isStaged));
            byte[]? staged = isStaged ? new Span<byte>((void*)source, (int)bytes).ToArray() : null;
            return Do(target, new CopyWork(context, destination, source, (long)bytes) { Staged = staged });
        });
        return result == CudaResult.Success && waits ? cuStreamSynchronize(stream) : result;
    }

    public CudaResult cuMemsetD8Async(ulong address, byte value, nuint count, nint stream) => InContext(context =>
    {
        if (count == 0)
            return CudaResult.Success;
        Require(GlobalMemory.Owns(address));
        RequireOneAllocation(context, address, count);
        return Do(Stream(context, stream), new SetWork(context, address, value, (long)count));
    });

    public CudaResult cuMemAllocHost_v2(nint* address, nuint bytes) => InContext(context =>
    {
        Require(address != null && bytes is > 0 and <= int.MaxValue);
        RefuseUnsafeWhileCapturing(context);
        *address = (nint)NativeMemory.AlignedAlloc(bytes, 4096);
        context.Pinned.Add(*address, ((long)bytes, true));
        return CudaResult.Success;
    });

    public CudaResult cuMemFreeHost(nint address) => InContext(context =>
    {
        Require(context.Pinned.TryGetValue(address, out var range) && range.Own);
        RefuseUnsafeWhileCapturing(context);
        context.Device.Queue.WhenIdle(() => context.Pinned.Remove(address));
        NativeMemory.AlignedFree((void*)address);
        return context.Fault;
    });

    public CudaResult cuMemHostRegister_v2(nint address, nuint bytes, uint flags) => InContext(context =>
    {
        Require(address != 0 && bytes > 0 && bytes <= long.MaxValue && flags < 0x10);
        bool overlaps =
            context.Pinned.Any(p => (ulong)address < (ulong)p.Key + (ulong)p.Value.Bytes && (ulong)p.Key < (ulong)address + bytes);
        Require(!overlaps, CudaResult.HostMemoryAlreadyRegistered);
        context.Pinned.Add(address, ((long)bytes, false));
        return CudaResult.Success;
    });

    public CudaResult cuMemHostUnregister(nint address) => InContext(context =>
    {
        Require(context.Pinned.TryGetValue(address, out var range) && !range.Own, CudaResult.HostMemoryNotRegistered);
        context.Device.Queue.WhenIdle(() => context.Pinned.Remove(address));
        return context.Fault;
    });

    /// <summary>Kernels here do not reach the host's memory, as attribute 19 says.</summary>
    public CudaResult cuMemHostGetDevicePointer_v2(ulong* device, nint host, uint flags) => InContext(_ => CudaResult.NotSupported);

    /// <summary>CUpointer_attribute of an address; one that neither device nor driver knows is CUDA_ERROR_INVALID_VALUE.</summary>
    public CudaResult cuPointerGetAttribute(void* data, int attribute, ulong address) => InContext(context =>
    {
        Require(data != null);
        var (start, bytes) = context.Allocations.FirstOrDefault(a => address >= a.Key && address < a.Key + (ulong)a.Value);
        bool host = bytes == 0 && context.IsPinned(address, 1);
        Require(bytes > 0 || host);
        switch (attribute)
        {
            case 2: // MEMORY_TYPE: host 1, device 2
                *(int*)data = host ? 1 : 2;
                return CudaResult.Success;
            case 3 when !host: // DEVICE_POINTER
            case 4 when host: // HOST_POINTER
                *(ulong*)data = address;
                return CudaResult.Success;
            case 8: // IS_MANAGED
                *(int*)data = 0;
                return CudaResult.Success;
            case 9: // DEVICE_ORDINAL
                *(int*)data = context.Device.Ordinal;
                return CudaResult.Success;
            case 11 when !host: // RANGE_START_ADDR
                *(ulong*)data = start;
                return CudaResult.Success;
            case 12 when !host: // RANGE_SIZE
                *(ulong*)data = (ulong)bytes;
                return CudaResult.Success;
            default:
                return CudaResult.InvalidValue;
        }
    });

    /// <summary>Bytes at an address of the device lie in one allocation that is not freed; the host's addresses are believed.</summary>
    private static void RequireOneAllocation(DriverContext context, ulong address, nuint bytes) =>
        Require(!GlobalMemory.Owns(address) || context.Device.Gpu.Memory.Find(address, (long)bytes) != null);

    private static void FreePinned(DriverContext context)
    {
        foreach (var (address, range) in context.Pinned)
        {
            if (range.Own)
                NativeMemory.AlignedFree((void*)address);
        }
        context.Pinned.Clear();
    }
}
