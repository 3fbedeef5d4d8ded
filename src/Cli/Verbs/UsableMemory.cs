using System.Globalization;
using BDense.Kernels;

namespace BDense.Cli.Verbs;

/// <summary>Memory that a measurement may take.</summary>
internal static class UsableMemory
{
    /// <summary>Others compute here too.</summary>
    private const double Share = 0.8;

    /// <summary>A share of what is free: of the device's, or where its memory is the machine's, of the machine's.</summary>
    public static long Of(Backend backend) => (long)(Share * (backend.FreeBytes ?? MachineBytes()));

    private static long MachineBytes()
    {
        const string Linux = "/proc/meminfo", Key = "MemAvailable:";
        if (File.Exists(Linux) && File.ReadLines(Linux).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out long kilobytes))
            return kilobytes * 1024;
        return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
    }
}
