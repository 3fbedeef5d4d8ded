using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Driver;

/// <summary>CUdevice_attribute of cuda.h, by number: what ILGPU and this project ask, and their neighbours.</summary>
internal static class DeviceAttributes
{
    private static readonly Dictionary<int, Func<GpuModel, int>> Known = new()
    {
        [1] = _ => GpuModel.ThreadsPerBlock, // MAX_THREADS_PER_BLOCK
        [2] = _ => BlockLimit.X, // MAX_BLOCK_DIM_X
        [3] = _ => BlockLimit.Y,
        [4] = _ => BlockLimit.Z,
        [5] = _ => GridLimit.X, // MAX_GRID_DIM_X
        [6] = _ => GridLimit.Y,
        [7] = _ => GridLimit.Z,
        [8] = _ => GpuModel.SharedPerBlock, // MAX_SHARED_MEMORY_PER_BLOCK
        [9] = _ => 64 << 10, // TOTAL_CONSTANT_MEMORY
        [10] = _ => GpuModel.WarpSize, // WARP_SIZE
        [11] = _ => int.MaxValue, // MAX_PITCH
        [12] = _ => GpuModel.RegistersPerBlock, // MAX_REGISTERS_PER_BLOCK
        [13] = m => m.ClockKHz, // CLOCK_RATE
        [14] = _ => 512, // TEXTURE_ALIGNMENT
        [15] = _ => 1, // GPU_OVERLAP
        [16] = m => m.Multiprocessors, // MULTIPROCESSOR_COUNT
        [17] = _ => 0, // KERNEL_EXEC_TIMEOUT
        [18] = _ => 0, // INTEGRATED
        [19] = _ => 0, // CAN_MAP_HOST_MEMORY: kernels reach the device's memory alone
        [20] = _ => 0, // COMPUTE_MODE
        [31] = _ => 1, // CONCURRENT_KERNELS
        [32] = _ => 1, // ECC_ENABLED
        [33] = _ => 1, // PCI_BUS_ID, as cuDeviceGetPCIBusId
        [34] = _ => 0, // PCI_DEVICE_ID
        [35] = _ => 0, // TCC_DRIVER
        [36] = m => m.MemoryClockKHz, // MEMORY_CLOCK_RATE
        [37] = m => m.MemoryBusBits, // GLOBAL_MEMORY_BUS_WIDTH
        [38] = m => m.L2Bytes, // L2_CACHE_SIZE
        [39] = _ => GpuModel.WarpsPerMultiprocessor * GpuModel.WarpSize, // MAX_THREADS_PER_MULTIPROCESSOR
        [40] = _ => 1, // ASYNC_ENGINE_COUNT
        [41] = _ => 0, // UNIFIED_ADDRESSING
        [50] = _ => 0xffff, // PCI_DOMAIN_ID
        [75] = m => m.Major, // COMPUTE_CAPABILITY_MAJOR
        [76] = m => m.Minor,
        [81] = m => m.SharedPerMultiprocessor, // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        [82] = _ => GpuModel.RegistersPerMultiprocessor, // MAX_REGISTERS_PER_MULTIPROCESSOR
        [83] = _ => 0, // MANAGED_MEMORY
        [90] = _ => 0, // COMPUTE_PREEMPTION_SUPPORTED
        [91] = _ => 0, // CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
        [95] = _ => 0, // COOPERATIVE_LAUNCH
        [97] = m => m.SharedPerBlockOptIn, // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        [106] = _ => GpuModel.BlocksPerMultiprocessor, // MAX_BLOCKS_PER_MULTIPROCESSOR
        [111] = _ => GpuModel.SharedReserved, // RESERVED_SHARED_MEMORY_PER_BLOCK
    };

    public static Dim3 BlockLimit { get; } = new(GpuModel.ThreadsPerBlock, GpuModel.ThreadsPerBlock, LaunchLimits.MostZ);

    public static Dim3 GridLimit { get; } = new(int.MaxValue, LaunchLimits.MostGridYZ, LaunchLimits.MostGridYZ);

    /// <summary>Null for a number that is not known.</summary>
    public static int? Value(int attribute, GpuModel model, int ordinal) =>
        !Known.TryGetValue(attribute, out var value) ? null : attribute == 33 ? value(model) + ordinal : value(model);
}
