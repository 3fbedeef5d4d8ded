namespace BDense.Kernels.MachineCode;

/// <summary>An architecture to assemble for.</summary>
/// <param name="Name">As ptxas takes it.</param>
/// <param name="Model">The GPU whose multiprocessor it has.</param>
public sealed record GpuArchitecture(string Name, VirtualGpu.GpuModel Model)
{
    /// <summary>A100 and H100/H200.</summary>
    public static IReadOnlyList<GpuArchitecture> All { get; } =
        [.. new[] { VirtualGpu.GpuModel.A100, VirtualGpu.GpuModel.H100 }.Select(m => new GpuArchitecture($"sm_{m.Major}{m.Minor}", m))];

    /// <exception cref="UsageException">No such architecture.</exception>
    public static GpuArchitecture Find(string name) => All.FirstOrDefault(a => a.Name == name)
        ?? throw new UsageException($"there is no architecture '{name}'{Suggestion.OrAll(name, All.Select(a => a.Name))}");

    /// <summary>Resident warps over the most there can be, 0 to 1: <see cref="VirtualGpu.Counts.Occupancy.Of"/>.</summary>
    public double Occupancy(int registers, int sharedBytes, int groupSize) =>
        VirtualGpu.Counts.Occupancy.Of(Model, registers, sharedBytes, groupSize).Share;
}
