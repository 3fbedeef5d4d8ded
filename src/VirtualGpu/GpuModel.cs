namespace BDense.VirtualGpu;

/// <summary>What a model of GPU has and allows. Numbers as the driver tells them: CUDA C++ programming guide, table of technical specifications, and the cards' data sheets.</summary>
/// <param name="Key">What <c>--device virtual:KEY</c> takes.</param>
/// <param name="Name">As cuDeviceGetName says.</param>
/// <param name="Major">Compute capability.</param>
/// <param name="Minor">Compute capability.</param>
/// <param name="Multiprocessors">Of the whole card.</param>
/// <param name="MemoryBytes">Global memory.</param>
/// <param name="L2Bytes">Second-level cache.</param>
/// <param name="SharedPerMultiprocessor">Bytes; L1 shares them.</param>
/// <param name="SharedPerBlockOptIn">Bytes that a block can have once cuFuncSetAttribute allowed it; without, 48 KiB.</param>
/// <param name="UnifiedBytes">Of a multiprocessor: shared memory and first-level cache together.</param>
/// <param name="ClockKHz">Boost clock.</param>
/// <param name="MemoryClockKHz">Of the memory.</param>
/// <param name="MemoryBusBits">Its width.</param>
public sealed record GpuModel(string Key, string Name, int Major, int Minor, int Multiprocessors, long MemoryBytes, int L2Bytes,
    int SharedPerMultiprocessor, int SharedPerBlockOptIn, int UnifiedBytes, int ClockKHz, int MemoryClockKHz, int MemoryBusBits)
{
    /// <summary>The same for every model here.</summary>
    public const int WarpSize = 32, ThreadsPerBlock = 1024, WarpsPerMultiprocessor = 64, BlocksPerMultiprocessor = 32,
        RegistersPerBlock = 65536, RegistersPerMultiprocessor = 65536, RegistersPerThread = 255, SharedPerBlock = 48 << 10, SharedReserved = 1 << 10;

    public static GpuModel H100 { get; } = new("h100", "virtual H100", 9, 0, 132, 80L << 30, 50 << 20, 228 << 10, 227 << 10, 256 << 10, 1_980_000, 2_619_000, 5120);

    public static GpuModel A100 { get; } = new("a100", "virtual A100", 8, 0, 108, 40L << 30, 40 << 20, 164 << 10, 163 << 10, 192 << 10, 1_410_000, 1_215_000, 5120);

    public static IReadOnlyList<GpuModel> All { get; } = [H100, A100];
}
