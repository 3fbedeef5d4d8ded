using BDense.VirtualGpu.Counts;

namespace BDense.VirtualGpu.Execution;

/// <summary>Runs a launch's blocks on the threads of the host.</summary>
internal static class Scheduler
{
    public static LaunchCounts? Run(Gpu gpu, Launch launch) => throw new NotSupportedException($"{gpu.Model.Name}: {launch.Kernel.Name}");
}
