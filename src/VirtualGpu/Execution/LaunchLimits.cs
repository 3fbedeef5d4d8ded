namespace BDense.VirtualGpu.Execution;

/// <summary>
/// What a launch can be refused for before it runs: the limits of the device and of the kernel's own text. CUDA C++ programming guide,
/// table of technical specifications; PTX ISA, chapter "Performance-Tuning Directives".
/// </summary>
internal static class LaunchLimits
{
    public const int MostZ = 64, MostGridYZ = 65535;

    /// <summary>A thread's registers are given out in eights, a block's warps in fours.</summary>
    private const int RegisterUnit = 8, WarpUnit = 4;

    /// <exception cref="FindingException">The launch cannot run.</exception>
    public static void Check(GpuModel model, Launch launch)
    {
        var (kernel, grid, block) = (launch.Kernel, launch.Grid, launch.Block);
        if (launch.Arguments.Length != kernel.ParameterBytes)
            throw Refuse(FindingKind.Arguments,
                $"{launch.Arguments.Length} bytes of arguments, the parameters have {kernel.ParameterBytes}");
        if (grid.X < 1 || grid.Y < 1 || grid.Z < 1 || grid.Y > MostGridYZ || grid.Z > MostGridYZ)
            throw Refuse(FindingKind.Resources, $"a grid of {grid}; x is from 1 to {int.MaxValue}, y and z from 1 to {MostGridYZ}");
        if (grid.Count > int.MaxValue)
            throw Refuse(FindingKind.Resources, $"a grid of {grid.Count} blocks; this GPU in software runs at most {int.MaxValue}");
        if ((Threads(kernel, block) ?? StaticShared(kernel) ?? Registers(kernel, block)) is { } message)
            throw Refuse(FindingKind.Resources, message);
        if (launch.DynamicSharedBytes < 0 || kernel.StaticSharedBytes + (long)launch.DynamicSharedBytes > model.SharedPerBlockOptIn)
            throw Refuse(FindingKind.Resources,
                $"{kernel.StaticSharedBytes} and {launch.DynamicSharedBytes} bytes of shared memory; a block has "
                    + $"{model.SharedPerBlockOptIn}");

        FindingException Refuse(FindingKind kind, string message) => new(new Finding(kind, message, kernel.Name));
    }

    /// <summary>What is wrong with a block's extents; null for nothing.</summary>
    public static string? Threads(PtxKernel kernel, Dim3 block)
    {
        if (block.X < 1 || block.Y < 1 || block.Z < 1 || block.Z > MostZ || block.Count > GpuModel.ThreadsPerBlock)
            return $"a block of {block}; at most {GpuModel.ThreadsPerBlock} threads, z at most {MostZ}";
        if (kernel.RequiredBlock is { } required && block != required)
            return $"a block of {block}, .reqntid allows {required} only";
        return kernel.MaxThreads > 0 && block.Count > kernel.MaxThreads
            ? $"{block.Count} threads a block, .maxntid allows {kernel.MaxThreads}" : null;
    }

    /// <summary>What is wrong with a kernel's own arrays; null for nothing.</summary>
    public static string? StaticShared(PtxKernel kernel) => kernel.StaticSharedBytes <= GpuModel.SharedPerBlock ? null
        : $"{kernel.StaticSharedBytes} bytes of static shared memory; {GpuModel.SharedPerBlock} at most, more only as dynamic";

    /// <summary>
    /// Whether a block needs more registers than there are; null if it does not. Where the text bounds the block, a compiler keeps to that,
    /// so that only kernels without a bound are refused.
    /// </summary>
    public static string? Registers(PtxKernel kernel, Dim3 block) =>
        RoundUp(kernel.Registers, RegisterUnit) * WarpLanes((int)block.Count) <= GpuModel.RegistersPerBlock ? null
            : $"{block.Count} threads of about {kernel.Registers} registers; a block has {GpuModel.RegistersPerBlock}, and no .maxntid "
                + "tells a compiler of so many threads";

    /// <summary>
    /// Of a thread, as a compiler gives them, which spills what is more: 255, .maxnreg's, and what blocks of .maxntid's threads can have.
    /// </summary>
    /// <param name="maxThreads">.maxntid, multiplied; 0 for none.</param>
    /// <param name="maxRegisters">.maxnreg; 0 for none.</param>
    public static int MostRegisters(int maxThreads, int maxRegisters)
    {
        int most = maxRegisters > 0 ? Math.Min(maxRegisters, GpuModel.RegistersPerThread) : GpuModel.RegistersPerThread;
        if (maxThreads > 0)
            most = Math.Min(most,
                GpuModel.RegistersPerBlock / WarpLanes(Math.Min(maxThreads, GpuModel.ThreadsPerBlock)) / RegisterUnit * RegisterUnit);
        return most;
    }

    /// <summary>Lanes whose registers a block of so many threads takes.</summary>
    private static int WarpLanes(int threads) => RoundUp((threads + Warp.Lanes - 1) / Warp.Lanes, WarpUnit) * Warp.Lanes;

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
