using System.Reflection;
using ILGPU.Backends.EntryPoints;

namespace BDense.Kernels.Ilgpu;

/// <summary>Marks a kernel: a static method whose first parameter is ILGPU's thread index.</summary>
/// <param name="groupSize">Threads a group on a GPU; less where the device has less.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute(int groupSize = 256) : Attribute
{
    public int GroupSize { get; } = groupSize;

    /// <summary>Whether training or sampling spends its time here: then its machine code is held to more.</summary>
    public bool Hot { get; set; }

    /// <summary>Groups that a multiprocessor is to hold at once, which the assembler shares out registers for; 0 leaves it to the assembler.</summary>
    public int Resident { get; set; }

    /// <summary>Shared memory that the launch asks for, beside what the kernel declares.</summary>
    public int DynamicSharedBytes { get; set; }
}

/// <summary>A kernel of this assembly.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Method">What ILGPU compiles.</param>
/// <param name="ExplicitlyGrouped">Whether the launch names grid and group itself; otherwise ILGPU cuts a range into groups.</param>
/// <param name="GroupSize">Threads a group on a GPU.</param>
/// <param name="Hot">Whether training or sampling spends its time here.</param>
/// <param name="DynamicSharedBytes">A group's shared memory that the launch asks for.</param>
/// <param name="Resident">Groups that a multiprocessor is to hold at once; 0 leaves it to the assembler.</param>
internal sealed record KernelEntry(string Name, MethodInfo Method, bool ExplicitlyGrouped, int GroupSize, bool Hot, int DynamicSharedBytes, int Resident = 0)
{
    /// <summary>What ILGPU's compilers start from.</summary>
    public EntryPointDescription EntryPoint => ExplicitlyGrouped
        ? EntryPointDescription.FromExplicitlyGroupedKernel(Method)
        : EntryPointDescription.FromImplicitlyGroupedKernel(Method);
}

/// <summary>All kernels, found by their <see cref="KernelAttribute"/>.</summary>
internal static class KernelRegistry
{
    public static IReadOnlyList<KernelEntry> All { get; } =
    [
        .. typeof(IlgpuBackend).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            .Select(Find).OfType<KernelEntry>().OrderBy(kernel => kernel.Name, StringComparer.Ordinal),
    ];

    /// <summary>The entry of a marked method; null for any other.</summary>
    public static KernelEntry? Find(MethodInfo method)
    {
        if (method.GetCustomAttribute<KernelAttribute>() is not { } mark)
            return null;
        bool implicitly = method.GetParameters() is [{ ParameterType.Name: "Index1D" }, ..];
        return new KernelEntry(method.Name, method, !implicitly, mark.GroupSize, mark.Hot, mark.DynamicSharedBytes, mark.Resident);
    }
}
