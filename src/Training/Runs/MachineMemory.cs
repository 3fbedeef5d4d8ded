using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Runs;

/// <summary>Memory that is free now.</summary>
public static class MachineMemory
{
    /// <summary>Bytes free on a device: its own where it has memory of its own, otherwise the machine's.</summary>
    public static long FreeBytes(Backend backend) => backend.FreeBytes ?? FreeBytes();

    /// <summary>Bytes that this process can still take: what the system calls available, or less where a container allows less.</summary>
    public static long FreeBytes()
    {
        const string Linux = "/proc/meminfo", Key = "MemAvailable:";
        long allowed = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
        if (File.Exists(Linux) && File.ReadLines(Linux).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture,
                out long kilobytes))
            return Math.Min(allowed, kilobytes * 1024);
        return allowed;
    }
}
