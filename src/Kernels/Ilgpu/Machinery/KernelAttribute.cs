using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Marks a kernel: a static method without a result, of numbers, structs of numbers and <see cref="ArrayView{T}"/>s. If its first parameter
/// is an <see cref="Index1D"/> it runs over a range of threads (<see cref="IlgpuBackend.Launch{T1}"/>), otherwise it lays out its groups
/// itself (<see cref="IlgpuBackend.LaunchGroups{T1}"/>).
/// </summary>
/// <param name="groupSize">
/// Threads a group on a GPU: whole warps, 32 to 1,024. Over a range of threads it is less where the device has less; a kernel that lays out
/// its groups itself is then refused, but for one of <see cref="AnyGroupSize"/>.
/// </param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelAttribute(int groupSize = 256) : Attribute
{
    /// <summary>Threads a group on a GPU. The assembler shares out registers for so many.</summary>
    public int GroupSize { get; } = groupSize;

    /// <summary>
    /// Whether a kernel that lays out its groups itself is right for any power of two up to <see cref="GroupSize"/>: it then strides by
    /// <see cref="Group.DimX"/>, and on a device with smaller groups gets the largest that fit (two threads on <c>ilgpu-cpu</c>).
    /// </summary>
    public bool AnyGroupSize { get; set; }

    /// <summary>Whether training or sampling spends its time here: then its machine code is held to more.</summary>
    public bool Hot { get; set; }

    /// <summary>
    /// Groups that a multiprocessor is to hold at once, which the assembler shares out registers for; 0 leaves it to the assembler.
    /// </summary>
    public int Resident { get; set; }

    /// <summary>Bytes of shared memory a group that the launch asks for, beside what the kernel declares.</summary>
    public int DynamicSharedBytes { get; set; }
}
