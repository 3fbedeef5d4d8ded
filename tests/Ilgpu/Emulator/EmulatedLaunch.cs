namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>Runs the PTX of a kernel on the CPU, group after group, warp after warp between barriers.</summary>
internal static class EmulatedLaunch
{
    /// <summary>Bank conflicts of all groups. Throws at out-of-bounds or misaligned accesses, races on shared memory, and warps that part where whole ones are needed.</summary>
    public static int Run(string ptx, DeviceMemory memory, int groups, int groupSize, int dynamicShared, params byte[][] arguments) =>
        Run(new PtxProgram(ptx, dynamicShared), memory, groups, groupSize, arguments);

    /// <inheritdoc cref="Run(string, DeviceMemory, int, int, int, byte[][])"/>
    public static int Run(PtxProgram program, DeviceMemory memory, int groups, int groupSize, byte[][] arguments)
    {
        for (int k = 0; k < arguments.Length; k++)
        {
            if (program.Parameters[k].Bytes != arguments[k].Length)
                throw new InvalidOperationException($"argument {k} has {arguments[k].Length} bytes, the kernel expects {program.Parameters[k].Bytes}");
        }
        int conflicts = 0;
        for (int group = 0; group < groups; group++)
        {
            var shared = new SharedMemory([.. program.Shared.Values]);
            var warps = Enumerable.Range(0, groupSize / 32).Select(w => new Warp(program, memory, shared, arguments, w, groupSize, group)).ToList();
            while (true)
            {
                int waiting = warps.Count(warp => warp.Run());
                if (waiting == 0)
                    break;
                if (waiting != warps.Count)
                    throw new InvalidOperationException($"{waiting} of {warps.Count} warps wait at a barrier, the others have ended");
                shared.Epoch++;
            }
            conflicts += shared.BankConflicts;
        }
        return conflicts;
    }
}
