using BDense.Kernels;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs;

/// <summary>Memory that a measurement may take.</summary>
internal static class UsableMemory
{
    /// <summary>Others compute here too.</summary>
    private const double Share = 0.8;

    /// <summary>A share of what is free: of the device's, or where its memory is the machine's, of the machine's.</summary>
    public static long Of(Backend backend) => (long)(Share * MachineMemory.FreeBytes(backend));
}
