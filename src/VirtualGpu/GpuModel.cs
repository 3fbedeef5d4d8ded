namespace BDense.VirtualGpu;

/// <summary>
/// What a model of GPU has and allows. Numbers as the driver tells them: CUDA C++ programming guide, table of technical specifications, and
/// the cards' data sheets.
/// </summary>
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
        RegistersPerBlock = 65536, RegistersPerMultiprocessor = 65536, RegistersPerThread = 255, SharedPerBlock = 48 << 10,
        SharedReserved = 1 << 10;

    public static GpuModel H100 { get; } = new("h100", "virtual H100", 9, 0, 132, 80L << 30, 50 << 20, 228 << 10, 227 << 10, 256 << 10,
        1_980_000, 2_619_000, 5120);

    public static GpuModel A100 { get; } = new("a100", "virtual A100", 8, 0, 108, 40L << 30, 40 << 20, 164 << 10, 163 << 10, 192 << 10,
        1_410_000, 1_215_000, 5120);

    public static IReadOnlyList<GpuModel> All { get; } = [H100, A100];

    /// <summary>What its parts do in a cycle.</summary>
    public Rates Rates => Major >= 9 ? Rates.Hopper : Rates.Ampere;

    /// <summary>Two transfers a clock of the memory, over the multiprocessors' clock.</summary>
    public double MemoryBytesPerCycle => 2.0 * MemoryClockKHz * MemoryBusBits / 8 / ClockKHz;
}

/// <summary>
/// What a multiprocessor does in a cycle: CUDA C++ programming guide, table of arithmetic throughput; tensor cores by the data sheets.
/// </summary>
/// <param name="Float32">Lanes of additions, multiplications and multiply-adds.</param>
/// <param name="Float64">Of those in double.</param>
/// <param name="Integer">Of additions, multiplications, shifts and comparisons.</param>
/// <param name="Special">Of reciprocals, roots, powers, logarithms, sines.</param>
/// <param name="MatrixCyclesAtPeak">That a multiprocessor takes for a warp's mma.sync of m16n8k8 in TF32 or m16n8k16 in BF16,
/// alike.</param>
/// <param name="MatrixShare">What mma.sync reaches of that peak: all on Ampere, some 0.63 on Hopper, whose peak only wgmma reaches (Luo et
/// al. 2024, arXiv 2402.13499).</param>
/// <param name="FirstLevelBytes">From the first-level cache.</param>
/// <param name="SecondLevelBytes">Between a multiprocessor and the second-level cache.</param>
/// <param name="SecondLevelBytesPerSecond">Of the second-level cache in all; assumed, since the makers give none that programs
/// reach.</param>
public sealed record Rates(double Float32, double Float64, double Integer, double Special, double MatrixCyclesAtPeak, double MatrixShare,
    double FirstLevelBytes, double SecondLevelBytes,
    double SecondLevelBytesPerSecond)
{
    public static Rates Hopper { get; } = new(128, 64, 64, 16, 1, 0.63, 128, 64, 5.5e12);

    public static Rates Ampere { get; } = new(64, 32, 64, 16, 2, 1, 128, 64, 4.5e12);

    public double MatrixCycles => MatrixCyclesAtPeak / MatrixShare;
}
