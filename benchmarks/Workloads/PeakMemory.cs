using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Benchmarks.Workloads;

/// <summary>What a process needs at most, in resident memory, that does <paramref name="Of"/> and nothing else.</summary>
/// <remarks>Not run in this process: each side has a child of its own (<see cref="Comparison.MemoryContest"/>).</remarks>
/// <param name="Of">The work.</param>
public sealed record PeakMemory(Workload Of) : Workload
{
    public override string Name => $"peak memory {Of.Name}";

    public override Workload With(Fusions fusions) => new PeakMemory(Of.With(fusions)) { Fusions = fusions };

    public override Running Start(Backend backend) => throw new NotSupportedException("peak memory is measured in a child process");
}
