namespace BDense.VirtualGpu.Execution;

/// <summary>
/// What a launch can be refused for before it runs. Certain are the limits of the device and of the kernel's own text: CUDA C++ programming guide, table of
/// technical specifications. Registers are a compiler's choice, so that an estimate of them refuses nothing.
/// </summary>
internal static class LaunchLimits
{
    private const int MostZ = 64, MostGridYZ = 65535;

    /// <exception cref="FindingException">The launch cannot run.</exception>
    public static void Check(GpuModel model, Launch launch)
    {
        var (kernel, grid, block) = (launch.Kernel, launch.Grid, launch.Block);
        if (launch.Arguments.Length != kernel.ParameterBytes)
            throw Refuse(FindingKind.Arguments, $"{launch.Arguments.Length} bytes of arguments, the parameters have {kernel.ParameterBytes}");
        if (grid.X < 1 || grid.Y < 1 || grid.Z < 1 || grid.Y > MostGridYZ || grid.Z > MostGridYZ)
            throw Refuse(FindingKind.Resources, $"a grid of {grid}; x is from 1 to {int.MaxValue}, y and z from 1 to {MostGridYZ}");
        if (grid.Count > int.MaxValue)
            throw Refuse(FindingKind.Resources, $"a grid of {grid.Count} blocks; this GPU in software runs at most {int.MaxValue}");
        if (block.X < 1 || block.Y < 1 || block.Z < 1 || block.Z > MostZ || block.Count > GpuModel.ThreadsPerBlock)
            throw Refuse(FindingKind.Resources, $"a block of {block}; at most {GpuModel.ThreadsPerBlock} threads, z at most {MostZ}");
        if (kernel.MaxThreads > 0 && block.Count > kernel.MaxThreads)
            throw Refuse(FindingKind.Resources, $"{block.Count} threads a block, .maxntid allows {kernel.MaxThreads}");
        if (launch.DynamicSharedBytes < 0 || kernel.StaticSharedBytes + (long)launch.DynamicSharedBytes > model.SharedPerBlockOptIn)
            throw Refuse(FindingKind.Resources, $"{kernel.StaticSharedBytes} and {launch.DynamicSharedBytes} bytes of shared memory; a block has {model.SharedPerBlockOptIn}");

        FindingException Refuse(FindingKind kind, string message) => new(new Finding(kind, message, kernel.Name));
    }
}
