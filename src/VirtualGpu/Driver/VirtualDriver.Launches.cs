using System.Globalization;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Driver;

/// <content>Launches, and how many blocks fit.</content>
public sealed unsafe partial class VirtualDriver
{
    /// <summary>CU_LAUNCH_PARAM_BUFFER_POINTER and CU_LAUNCH_PARAM_BUFFER_SIZE; 0 ends the list.</summary>
    private const nint BufferPointer = 1, BufferSize = 2;

    /// <summary>
    /// The arguments are copied before it returns. What is wrong with the launch itself is told at once, and as <see cref="LastFinding"/>.
    /// </summary>
    public CudaResult cuLaunchKernel(nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes,
        nint stream, void** parameters, void** extra) => InContext(context =>
    {
        var target = Find<DriverFunction>(context, function);
        var kernel = target.Kernel;
        Dim3 grid = Extent("grid", gridX, gridY, gridZ, DeviceAttributes.GridLimit, kernel),
            block = Extent("block", blockX, blockY, blockZ, DeviceAttributes.BlockLimit, kernel);
        RequireThatItFits(target, block, sharedBytes);
        byte[] arguments = extra != null ? Packed(kernel, extra) : Packed(kernel, parameters, kernel.Parameters);
        return Do(Stream(context, stream), new KernelWork(context, target, new Launch(kernel, grid, block, (int)sharedBytes, arguments)));
    });

    /// <summary>See <see cref="Occupancy.Of"/>.</summary>
    public CudaResult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, nint function, int blockSize, nuint sharedBytes) =>
        InContext(context =>
    {
        Require(blocks != null && blockSize > 0);
        *blocks = Resident(context, Find<DriverFunction>(context, function).Kernel, blockSize, sharedBytes);
        return CudaResult.Success;
    });

    /// <summary>
    /// The size of block that keeps most threads on a multiprocessor, the largest of equal ones, and the blocks that fill the device.
    /// </summary>
    /// <param name="minGrid">Blocks that fill the device.</param>
    /// <param name="blockSize">Threads.</param>
    /// <param name="function">The kernel.</param>
    /// <param name="sharedOf">Dynamic shared bytes of a block of so many threads; 0 where they are always
    /// <paramref name="sharedBytes"/>.</param>
    /// <param name="sharedBytes">Dynamic shared bytes.</param>
    /// <param name="limit">Threads at most; 0 for no limit.</param>
    public CudaResult cuOccupancyMaxPotentialBlockSize(int* minGrid, int* blockSize, nint function,
        delegate* unmanaged<int, nuint> sharedOf, nuint sharedBytes, int limit) => InContext(context =>
    {
        Require(minGrid != null && blockSize != null && limit >= 0);
        var kernel = Find<DriverFunction>(context, function).Kernel;
        int most = GpuModel.ThreadsPerBlock;
        if (kernel.MaxThreads > 0)
            most = Math.Min(most, kernel.MaxThreads);
        if (limit > 0)
            most = Math.Min(most, limit);
        int best = 0, bestBlocks = 0;
        for (int size = (most + GpuModel.WarpSize - 1) / GpuModel.WarpSize * GpuModel.WarpSize; size > 0; size -= GpuModel.WarpSize)
        {
            int threads = Math.Min(size, most);
            int blocks = Resident(context, kernel, threads, sharedOf != null ? sharedOf(threads) : sharedBytes);
            if (blocks * threads > bestBlocks * best)
                (best, bestBlocks) = (threads, blocks);
        }
        Require(best > 0);
        (*minGrid, *blockSize) = (bestBlocks * context.Device.Gpu.Model.Multiprocessors, best);
        return CudaResult.Success;
    });

    /// <summary>0 where a block does not fit.</summary>
    private static int Resident(DriverContext context, PtxKernel kernel, int threads, nuint dynamicBytes) =>
        threads > GpuModel.ThreadsPerBlock || dynamicBytes > (nuint)context.Device.Gpu.Model.SharedPerBlockOptIn ? 0
            : Occupancy.Of(context.Device.Gpu.Model, kernel.Registers, kernel.StaticSharedBytes + (int)dynamicBytes, threads).Blocks;

    private Dim3 Extent(string what, uint x, uint y, uint z, Dim3 limit, PtxKernel kernel)
    {
        if (x == 0 || y == 0 || z == 0 || x > limit.X || y > limit.Y || z > limit.Z)
            throw Refused(CudaResult.InvalidValue, kernel, $"a {what} of ({x}, {y}, {z}); each extent is at least 1 and at most {limit}");
        return new Dim3((int)x, (int)y, (int)z);
    }

    private void RequireThatItFits(DriverFunction function, Dim3 block, uint sharedBytes)
    {
        var kernel = function.Kernel;
        if (LaunchLimits.Threads(kernel, block) is { } threads)
            throw Refused(CudaResult.InvalidValue, kernel, $"{threads}");
        string more = function.MaxDynamicShared <= GpuModel.SharedPerBlock ? ", more only after cuFuncSetAttribute" : "";
        if (sharedBytes > function.MaxDynamicShared)
            throw Refused(CudaResult.InvalidValue, kernel,
                $"{sharedBytes} bytes of dynamic shared memory; {function.MaxDynamicShared} are allowed{more}");
        if (LaunchLimits.Registers(kernel, block) is { } registers)
            throw Refused(CudaResult.LaunchOutOfResources, kernel, $"{registers}");
    }

    /// <summary>From the list {1, buffer, 2, bytes, 0}. The end may be rounded up to the largest alignment there is, 16 bytes.</summary>
    private byte[] Packed(PtxKernel kernel, void** extra)
    {
        byte* buffer = null;
        nint bytes = 0;
        for (; *extra != null; extra += 2)
        {
            if ((nint)(*extra) == BufferPointer)
                buffer = (byte*)extra[1];
            else if ((nint)(*extra) == BufferSize && extra[1] != null)
                bytes = *(nint*)extra[1];
            else
                throw new DriverRefusal(CudaResult.InvalidValue);
        }
        if (bytes < kernel.ParameterBytes || bytes > (kernel.ParameterBytes + 15) / 16 * 16 || (buffer == null && bytes > 0))
            throw Refused(CudaResult.InvalidValue, kernel,
                $"{bytes} bytes of arguments; its {kernel.Parameters.Count} parameters are {kernel.ParameterBytes} bytes long",
                FindingKind.Arguments);
        return new Span<byte>(buffer, kernel.ParameterBytes).ToArray();
    }

    /// <summary>From one pointer a parameter.</summary>
    private static byte[] Packed(PtxKernel kernel, void** parameters, IReadOnlyList<PtxParameter> layout)
    {
        byte[] packed = new byte[kernel.ParameterBytes];
        Require(layout.Count == 0 || parameters != null);
        for (int i = 0; i < layout.Count; i++)
        {
            Require(parameters[i] != null);
            new Span<byte>(parameters[i], layout[i].Bytes).CopyTo(packed.AsSpan(layout[i].Offset));
        }
        return packed;
    }

    private DriverRefusal Refused(CudaResult result, PtxKernel kernel, FormattableString message, FindingKind kind = FindingKind.Resources)
    {
        Note(new Finding(kind, message.ToString(CultureInfo.InvariantCulture), kernel.Name));
        return new DriverRefusal(result);
    }
}
