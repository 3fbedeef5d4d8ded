using BDense.Kernels.Profiling;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;

namespace BDense.Cli.Reports;

/// <summary>What <c>bdense profile --json</c> says of a launch.</summary>
internal static class ProfileJson
{
    public static object Pass(ProfiledPass pass, bool lines) => new
    {
        pass = pass.Name,
        declaredBytesRead = pass.Declared.BytesRead,
        declaredBytesWritten = pass.Declared.BytesWritten,
        declaredFlops = pass.Declared.Flops,
        memoryBytesRead = pass.MemoryBytesRead,
        memoryBytesWritten = pass.MemoryBytesWritten,
        bytesAskedRead = pass.BytesAskedRead,
        bytesAskedWritten = pass.BytesAskedWritten,
        launches = pass.Launches.Select(launch => Launch(launch, lines)),
    };

    private static object Launch(ProfiledLaunch launch, bool lines) => new
    {
        kernel = launch.Kernel,
        blocks = launch.Counts.Grid.Count,
        threads = launch.Counts.Block.Count,
        registers = launch.Registers,
        registersEstimated = !launch.FromAssembler,
        residentBlocks = launch.Occupancy.Blocks,
        occupancy = launch.Occupancy.Share,
        occupancyLimiter = launch.Occupancy.Limiter,
        instructions = Enum.GetValues<InstructionClass>().Where(c => launch.Counts.Of(c).Executions > 0)
            .ToDictionary(c => char.ToLowerInvariant(c.ToString()[0]) + c.ToString()[1..], c => launch.Counts.Of(c).Executions),
        total = Counts(launch.Counts.Total),
        firstLevelBytes = launch.Counts.FirstLevelBytes,
        secondLevelBytesRead = launch.Counts.SecondLevelBytesRead,
        secondLevelBytesWritten = launch.Counts.SecondLevelBytesWritten,
        memoryBytesRead = launch.Counts.MemoryBytesRead,
        memoryBytesWritten = launch.Counts.MemoryBytesWritten,
        limiter = launch.Roof.Limiter.Name,
        leastMicroseconds = 1000 * launch.Roof.Milliseconds(launch.Counts.Model),
        busyCycles = launch.Roof.Parts.ToDictionary(p => p.Name, p => p.Cycles),
        lines = lines ? ProfiledLine.Of(launch.Counts).Select(line => new
        {
            file = line.Source.Line > 0 ? line.Source.File : null,
            line = line.Source.Line,
            ptxLine = line.PtxLine,
            text = line.Text,
            counts = Counts(line.Counts),
        }) : null,
    };

    private static object Counts(PlaceCounts c) => new
    {
        executions = c.Executions,
        lanes = c.Lanes,
        globalRequests = c.GlobalRequests,
        sectors = c.Sectors,
        idealSectors = c.IdealSectors,
        bytesAsked = c.BytesAsked,
        sectorsFromL2 = c.SectorsFromL2,
        sharedRequests = c.SharedRequests,
        wavefronts = c.Wavefronts,
        idealWavefronts = c.IdealWavefronts,
        divergentBranches = c.Diverged,
        barrierWaits = c.Waits,
    };
}
