using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using BDense.Model.Checkpoints;

namespace BDense.Cli.Verbs;

/// <summary>An operation at a shape, to be run on a virtual GPU; perhaps one kernel of it alone is of interest.</summary>
/// <param name="Device">virtual, virtual:a100.</param>
/// <param name="Operation">By name; null for the first that launches the kernel.</param>
/// <param name="Kernel">The only one of interest; null for all.</param>
/// <param name="Shape">As --shape; null for the usual one.</param>
/// <param name="Precision">Of products.</param>
internal sealed record ProfileRequest(string Device, string? Operation, string? Kernel, string? Shape, Precision Precision)
{
    public static Option<string?> ShapeOption() => new("--shape")
    {
        Description = "Extents of the operation with an x between, as 'bdense profile' lists them; left out, the usual ones there.",
        HelpName = "SHAPE",
    };

    /// <summary>What was run.</summary>
    /// <param name="Device">The backend's name.</param>
    /// <param name="Operation">Given, or found.</param>
    /// <param name="Shape">Its extents.</param>
    /// <param name="Passes">Those that launched something of interest.</param>
    public sealed record Result(string Device, CatalogOperation Operation, IReadOnlyList<int> Shape, IReadOnlyList<ProfiledPass> Passes)
    {
        public string Launched => $"{Operation.Name} {CatalogOperation.Text(Shape)}";
    }

    /// <exception cref="UsageException">No such device, operation, kernel or shape, or one that does not go with the others.</exception>
    public Result Run(Ui ui, CancellationToken cancellation)
    {
        if (Device.Split(':')[0] != "virtual")
            throw new UsageException($"only a virtual GPU counts: --device virtual or virtual:a100, not {Printable.Quoted(Device)}");
        var operation = Operation is null ? null : OperationCatalog.Find(Operation)
            ?? throw new UsageException(
                $"no operation {Printable.Quoted(Operation)}{Suggestion.For(Operation, OperationCatalog.All.Select(o => o.Name))}; "
                    + "'bdense profile' lists them");
        // Before a device is opened: what is misspelt is known at once.
        var extents = operation is not null && Shape is not null ? operation.Parse(Shape) : null;
        using var backend = DeviceCatalog.Open(Device, precision: Precision);
        var profiler = Profiler.On(backend);
        operation ??= OperationCatalog.All.FirstOrDefault(o => profiler.Kernels(o, o.Usual).Contains(Kernel!))
            ?? throw new UsageException(
                $"no operation launches {Kernel} at its usual shape in {Precision.Text()}; name an operation, with a shape and a "
                    + $"precision at which it does");
        extents ??= Shape is null ? operation.Usual : operation.Parse(Shape);
        ui.Note($"device {backend.Name}: {backend.Description}; {operation.Name} {CatalogOperation.Text(extents)}, {Precision.Text()}");
        var passes = profiler.Run(operation, extents, cancellation);
        if (Kernel is not null)
            passes = [.. passes.Select(p => p with { Launches = [.. p.Launches.Where(l => l.Kernel == Kernel)] })
                .Where(p => p.Launches.Count > 0)];
        return passes.Count > 0 ? new(backend.Name, operation, extents, passes)
            : throw new UsageException($"{operation.Name} {CatalogOperation.Text(extents)} does not launch {Kernel} in {Precision.Text()}");
    }

    /// <summary>The page of a kernel with what its launches did beside its lines.</summary>
    /// <exception cref="UsageException">Several kernels were launched.</exception>
    public static void Write(Ui ui, string file, Result result, GpuArchitecture architecture)
    {
        var launches = result.Passes.SelectMany(p => p.Launches).ToList();
        var names = launches.Select(l => l.Kernel).Distinct().ToList();
        if (names.Count > 1)
            throw new UsageException($"--html shows one kernel; --kernel names it: {string.Join(", ", names)}");
        var exploration = KernelExploration.Of(names[0], architecture);
        AtomicFile.WriteText(file,
            KernelPage.Html(exploration, CountedExploration.Of(exploration, [.. launches.Select(l => l.Counts)]), result.Launched));
        ui.Note($"wrote {file}");
    }
}
