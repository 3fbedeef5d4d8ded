using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>Runs the PTX of a kernel on a virtual GPU.</summary>
internal static class EmulatedLaunch
{
    /// <summary>Bank conflicts of all groups: cycles of shared memory beyond those that it needs.</summary>
    /// <exception cref="FindingException">The kernel did something wrong.</exception>
    public static long Run(string ptx, DeviceMemory memory, int groups, int groupSize, int dynamicShared, params byte[][] arguments)
    {
        var counts = Run(memory.Gpu, PtxModule.Read(ptx), groups, groupSize, dynamicShared, arguments);
        memory.Fetch();
        return Conflicts(counts);
    }

    /// <param name="gpu">One that counts.</param>
    /// <param name="module">Of one kernel.</param>
    /// <param name="groups">How many.</param>
    /// <param name="groupSize">Threads of each.</param>
    /// <param name="dynamicShared">Bytes that the launch asks for.</param>
    /// <param name="arguments">The bytes of each.</param>
    public static LaunchCounts Run(BDense.VirtualGpu.Gpu gpu, PtxModule module, int groups, int groupSize, int dynamicShared,
        byte[][] arguments)
    {
        var kernel = module.Kernels.Values.Single();
        byte[] packed = new byte[kernel.ParameterBytes];
        for (int k = 0; k < arguments.Length; k++)
        {
            var parameter = kernel.Parameters[k];
            if (parameter.Bytes != arguments[k].Length)
                throw new InvalidOperationException($"argument {k} has {arguments[k].Length} bytes, the kernel expects {parameter.Bytes}");
            arguments[k].CopyTo(packed, parameter.Offset);
        }
        return gpu.Run(new Launch(kernel, new Dim3(groups), new Dim3(groupSize), dynamicShared, packed))!;
    }

    private static long Conflicts(LaunchCounts counts) => counts.Total.Wavefronts - counts.Total.IdealWavefronts;
}
