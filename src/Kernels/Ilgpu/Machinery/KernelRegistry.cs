using System.Reflection;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx;
using ILGPU.Backends.EntryPoints;

namespace BDense.Kernels.Ilgpu;

/// <summary>A kernel.</summary>
/// <param name="Name">The method's name, or the written kernel's.</param>
/// <param name="Method">What ILGPU compiles; null for a written kernel.</param>
/// <param name="ExplicitlyGrouped">Whether the launch names grid and group itself; otherwise ILGPU cuts a range into groups.</param>
/// <param name="GroupSize">Threads a group on a GPU.</param>
/// <param name="Hot">Whether training or sampling spends its time here.</param>
/// <param name="DynamicSharedBytes">A group's shared memory that the launch asks for.</param>
/// <param name="Resident">Groups that a multiprocessor is to hold at once; 0 leaves it to the assembler.</param>
/// <param name="AnyGroupSize">Whether smaller groups, of a power of two, do as well.</param>
/// <param name="Written">A kernel that is PTX from the start; null for ILGPU's.</param>
internal sealed record KernelEntry(string Name, MethodInfo? Method, bool ExplicitlyGrouped, int GroupSize, bool Hot, int DynamicSharedBytes,
    int Resident = 0, bool AnyGroupSize = false, IWrittenKernel? Written = null)
{
    /// <summary>Of a written kernel: tensor cores' are hot.</summary>
    public static KernelEntry Of(IWrittenKernel kernel) =>
        new(kernel.Name, null, true, kernel.Threads, true, kernel.SharedBytes, Written: kernel);

    /// <summary>Whether it is for an architecture: what is written for Hopper is for sm_90 alone.</summary>
    public bool RunsOn(GpuArchitecture architecture) => Written?.Target != "sm_90a" || architecture.Name == "sm_90";

    /// <summary>What ILGPU's compilers start from.</summary>
    public EntryPointDescription EntryPoint => Method is null
        ? throw new InvalidOperationException($"{Name} is written, not compiled")
        : ExplicitlyGrouped
        ? EntryPointDescription.FromExplicitlyGroupedKernel(Method)
        : EntryPointDescription.FromImplicitlyGroupedKernel(Method);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>For a device that has at most so many threads a group.</summary>
    public KernelEntry For(int maxThreads)
    {
        int size = GroupSize;
        while (AnyGroupSize && size > maxThreads && size > 1)
            size /= 2;
        return size == GroupSize ? this : this with { GroupSize = size };
    }
}

/// <summary>
/// All kernels, found by their <see cref="KernelAttribute"/>: this assembly's, and those of any other that is added. What is here is
/// compiled to PTX and machine code by tests and listings (<see cref="MachineCode.KernelCatalog"/>) and has registers and occupancy in
/// profiles. A kernel that is not here can be launched all the same.
/// </summary>
public static class KernelRegistry
{
    private static readonly Lock s_adding = new();
    private static readonly HashSet<Assembly> s_added = [];

    /// <summary>This assembly's own.</summary>
    internal static IReadOnlyList<KernelEntry> BuiltIn { get; } =
        Sorted(Marked([typeof(IlgpuBackend)]).Concat(TensorKernels.All.Select(KernelEntry.Of)));

    private static volatile IReadOnlyList<KernelEntry> s_all = BuiltIn;

    /// <summary>These and all that were added.</summary>
    internal static IReadOnlyList<KernelEntry> All => s_all;

    /// <summary>Adds the kernels of another assembly; those of one that was added before are there already.</summary>
    /// <returns>Their names, in order.</returns>
    /// <exception cref="BDenseException">There is none, or one has the name of another kernel.</exception>
    public static IReadOnlyList<string> Add(Assembly assembly)
    {
        var found = Sorted(Marked(assembly.GetTypes()));
        string of = assembly.GetName().Name ?? assembly.FullName ?? "an assembly";
        if (found.Count == 0)
            throw new BDenseException($"{of} has no kernels: mark their static methods with [Kernel]");
        lock (s_adding)
        {
            if (assembly != typeof(KernelRegistry).Assembly && s_added.Add(assembly))
            {
                var taken = s_all.ToDictionary(kernel => kernel.Name);
                foreach (var kernel in found)
                {
                    if (!taken.TryAdd(kernel.Name, kernel))
                    {
                        s_added.Remove(assembly);
                        throw new BDenseException(
                            $"{Place(kernel)}: there is a kernel of that name already, {Place(taken[kernel.Name])}; rename one");
                    }
                }
                s_all = Sorted(taken.Values);
            }
        }
        return [.. found.Select(kernel => kernel.Name)];
    }

    /// <summary>The entry of a marked method; null for any other.</summary>
    internal static KernelEntry? Find(MethodInfo method)
    {
        if (method.GetCustomAttribute<KernelAttribute>() is not { } mark)
            return null;
        bool implicitly = method.GetParameters() is [{ ParameterType.Name: "Index1D" }, ..];
        return new KernelEntry(method.Name, method, !implicitly, mark.GroupSize, mark.Hot, mark.DynamicSharedBytes, mark.Resident,
            mark.AnyGroupSize);
    }

    private static IEnumerable<KernelEntry> Marked(IEnumerable<Type> types) => types
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
        .Select(Find).OfType<KernelEntry>();

    private static List<KernelEntry> Sorted(IEnumerable<KernelEntry> kernels) =>
        [.. kernels.OrderBy(kernel => kernel.Name, StringComparer.Ordinal)];

    private static string Place(KernelEntry kernel) =>
        $"{(kernel.Method?.DeclaringType ?? kernel.Written?.GetType())?.FullName}.{kernel.Name}";
}
