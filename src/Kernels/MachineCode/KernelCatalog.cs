using System.Collections.Concurrent;
using BDense.Kernels.Ilgpu;

namespace BDense.Kernels.MachineCode;

/// <summary>A kernel's figures on one architecture. What ptxas and nvdisasm alone know is null where they are not installed.</summary>
/// <param name="Name">The C# method.</param>
/// <param name="Hot">Whether training or sampling spends its time here: such a kernel is held to more.</param>
/// <param name="Architecture">sm_80, sm_90.</param>
/// <param name="GroupSize">Threads a group.</param>
/// <param name="Registers">A thread's.</param>
/// <param name="Stack">Bytes of local memory a thread.</param>
/// <param name="Spills">Bytes of registers that did not fit.</param>
/// <param name="SharedBytes">A group's shared memory, static and dynamic.</param>
/// <param name="Occupancy">Theoretical, 0 to 1: what registers, shared memory and group size allow.</param>
/// <param name="Whole">All instructions.</param>
/// <param name="MainLoop">Those of the loop where the time goes; null if there is none.</param>
public sealed record KernelRow(string Name, bool Hot, string Architecture, int GroupSize, int? Registers, int? Stack, int? Spills,
    int? SharedBytes,
    double? Occupancy, InstructionCounts? Whole, InstructionCounts? MainLoop);

/// <summary>Every kernel, and what the compilers make of it.</summary>
public static class KernelCatalog
{
    /// <summary>All kernels' names, in order: this assembly's and those that were added (<see cref="KernelRegistry.Add"/>).</summary>
    public static IReadOnlyList<string> Names => [.. KernelRegistry.All.Select(k => k.Name)];

    /// <summary>ptxas' version; null where it is not on PATH.</summary>
    public static string? AssemblerVersion => Assembler.Version;

    /// <summary>The kernels that a name means: one by its name with or without "Kernel", or all that begin with it; all for none.</summary>
    /// <exception cref="UsageException">No such kernel.</exception>
    public static IReadOnlyList<string> Find(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return Names;
        var exact =
            Names.Where(
                n => n.Equals(name, StringComparison.OrdinalIgnoreCase) || n.Equals(name + "Kernel", StringComparison.OrdinalIgnoreCase))
                .ToList();
        var found = exact.Count > 0 ? exact : Names.Where(n => n.StartsWith(name, StringComparison.OrdinalIgnoreCase)).ToList();
        return found.Count > 0 ? found
            : throw new UsageException(
                $"no kernel {Printable.Quoted(name)}"
                    + (Suggestion.For(name, Names.Select(n => n[..^"Kernel".Length])) is { Length: > 0 } near
                        ? near : "; 'bdense kernels' without a name lists them"));
    }

    /// <summary>
    /// Compiles, assembles and counts, on the architectures that a kernel is for. Sorted by name, then architecture.
    /// </summary>
    public static IReadOnlyList<KernelRow> Rows(IEnumerable<string> names, IEnumerable<GpuArchitecture> architectures,
        CancellationToken cancellation = default,
        Action<int>? onDone = null)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        var rows = new ConcurrentBag<KernelRow>();
        var work =
            architectures.SelectMany(
                a => KernelRegistry.All.Where(k => wanted.Contains(k.Name) && k.RunsOn(a)).Select(k => (Architecture: a, Kernel: k)));
        // Its own number of threads grows while these wait for the assembler: one a core, no more.
        var one = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.ForEach(work, one, w =>
        {
            rows.Add(Row(w.Kernel, w.Architecture, Ptx(w.Kernel, w.Architecture), cancellation));
            lock (rows)
                onDone?.Invoke(rows.Count);
        });
        return [.. rows.OrderBy(r => r.Name, StringComparer.Ordinal).ThenBy(r => r.Architecture, StringComparer.Ordinal)];
    }

    /// <summary>
    /// The PTX that a GPU's driver gets, in a context of its own: what ILGPU compiled before may change the order of its output, and so
    /// the assembler's choices.
    /// </summary>
    internal static string Ptx(KernelEntry kernel, GpuArchitecture architecture) => s_compiled.GetOrAdd((kernel, architecture.Name), _ =>
    {
        if (kernel.Written is { } written)
            return written.Write().Text;
        using var compiler = new PtxCompiler(architecture);
        return compiler.Compile(kernel);
    });

    private static readonly ConcurrentDictionary<(KernelEntry, string), string> s_compiled = new();

    internal static KernelRow Row(KernelEntry kernel, GpuArchitecture architecture, string ptx, CancellationToken cancellation = default)
    {
        if (Assembler.Version is null)
            return new KernelRow(kernel.Name, kernel.Hot, architecture.Name, kernel.GroupSize, null, null, null, null, null, null, null);
        return Row(kernel, architecture, Assembler.Assemble(ptx, architecture, cancellation: cancellation));
    }

    internal static KernelRow Row(KernelEntry kernel, GpuArchitecture architecture, Assembled a) =>
        new(kernel.Name, kernel.Hot, architecture.Name, kernel.GroupSize, a.Registers, a.Stack, a.Spills,
            a.SharedBytes + kernel.DynamicSharedBytes,
            architecture.Occupancy(a.Registers, a.SharedBytes + kernel.DynamicSharedBytes, kernel.GroupSize),
            a.Sass is { } sass ? InstructionCounts.Of(sass.Code.ToList()) : null,
            a.Sass?.MainLoop is { } loop ? InstructionCounts.Of(a.Sass.Code.Skip(loop.First).Take(loop.Last - loop.First + 1).ToList())
                : null);
}
