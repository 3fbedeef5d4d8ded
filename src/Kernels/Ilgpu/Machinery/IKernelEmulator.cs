using BDense.Kernels.Ptx;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Runs kernels in the accelerator's place. ILGPU's simulation cannot run tensor cores, but its memory is the host's: so tests hand the
/// tensor-core kernels of a backend on it to a virtual GPU, and hold whole operations, the host's part included, to the oracle.
/// </summary>
internal interface IKernelEmulator
{
    /// <summary>The launcher of a kernel that lays out its groups itself; null for one that the accelerator runs.</summary>
    /// <param name="kernel">Which.</param>
    /// <param name="type">ILGPU's delegate: stream, geometry, then the kernel's arguments.</param>
    Delegate? Launcher(KernelEntry kernel, Type type);

    /// <summary>Runs a written kernel.</summary>
    /// <param name="kernel">Which.</param>
    /// <param name="groups">How many.</param>
    /// <param name="arguments">Bytes of their struct.</param>
    void Run(IWrittenKernel kernel, int groups, ReadOnlySpan<byte> arguments);

    /// <summary>A block of memory that kernels may be given addresses of.</summary>
    void Allocated(long address, long bytes);
}
