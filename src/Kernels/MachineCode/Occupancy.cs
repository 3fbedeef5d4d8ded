namespace BDense.Kernels.MachineCode;

/// <summary>What one multiprocessor of an architecture holds (CUDA C++ programming guide, table of technical specifications).</summary>
/// <param name="Name">As ptxas takes it.</param>
/// <param name="Warps">Resident warps.</param>
/// <param name="Groups">Resident thread groups.</param>
/// <param name="Registers">32-bit registers.</param>
/// <param name="SharedBytes">Shared memory.</param>
public sealed record GpuArchitecture(string Name, int Warps, int Groups, int Registers, int SharedBytes)
{
    /// <summary>A100 and H100/H200.</summary>
    public static IReadOnlyList<GpuArchitecture> All { get; } = [new("sm_80", 64, 32, 65536, 164 << 10), new("sm_90", 64, 32, 65536, 228 << 10)];

    /// <exception cref="UsageException">No such architecture.</exception>
    public static GpuArchitecture Find(string name) => All.FirstOrDefault(a => a.Name == name)
        ?? throw new UsageException($"unknown architecture '{name}'; there are {string.Join(", ", All.Select(a => a.Name))}");

    /// <summary>
    /// Resident warps over the most there can be, 0 to 1: the least of what groups, warps, registers and shared memory allow. A warp's
    /// registers are given out in units of 256 and to four warps at a time; a group's shared memory in units of 128 bytes, and the
    /// system takes 1 KiB of it.
    /// </summary>
    public double Occupancy(int registers, int sharedBytes, int groupSize)
    {
        int warps = (groupSize + 31) / 32;
        int perWarp = (registers * 32 + 255) / 256 * 256;
        int byRegisters = perWarp == 0 ? Groups : Registers / perWarp / 4 * 4 / warps;
        int perGroup = (sharedBytes + 1024 + 127) / 128 * 128;
        int groups = Math.Min(Math.Min(Groups, Warps / warps), Math.Min(byRegisters, SharedBytes / perGroup));
        return (double)groups * warps / Warps;
    }
}
