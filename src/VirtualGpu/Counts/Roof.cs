using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Counts;

/// <summary>
/// A part of the GPU and the cycles that a launch keeps it busy at the least, if all multiprocessors share the work evenly.
/// </summary>
public readonly record struct BusyPart(string Name, double Cycles);

/// <summary>
/// What limits a launch: for each part of the GPU its work over its rate; the busiest one limits. A lower bound of the time, no prediction:
/// latency, dependences, an uneven end and the instructions that one of PTX may become are not in it. Copies between registers and loads of
/// parameters are left out, which an assembler does away with, and so are multiplications that it joins with an addition.
/// </summary>
/// <param name="Parts">Busiest first.</param>
public sealed record Roof(IReadOnlyList<BusyPart> Parts)
{
    /// <summary>Instructions of a warp that the four schedulers of a multiprocessor issue a cycle.</summary>
    private const double IssuesPerCycle = 4;

    public BusyPart Limiter => Parts[0];

    /// <summary>Of the limiter alone, at the boost clock.</summary>
    public double Milliseconds(GpuModel model) => Limiter.Cycles / model.ClockKHz;

    public static Roof Of(LaunchCounts counts)
    {
        var model = counts.Model;
        var rates = model.Rates;
        // Of a grid smaller than the GPU only so many multiprocessors have work.
        double multiprocessors = Math.Min(model.Multiprocessors, Math.Max(1, counts.Grid.Count));
        double contracted = counts.Contracted;
        double issued =
            counts.Total.Executions - counts.Of(InstructionClass.Move).Executions - counts.Of(InstructionClass.ParameterLoad).Executions
                - contracted;
        BusyPart[] parts =
        [
            new("issue", issued / (IssuesPerCycle * multiprocessors)),
            new("float32", (Lanes(InstructionClass.Float) - GpuModel.WarpSize * contracted) / (rates.Float32 * multiprocessors)),
            new("float64", Lanes(InstructionClass.Double) / (rates.Float64 * multiprocessors)),
            new("integer", (Lanes(InstructionClass.Integer) + Lanes(InstructionClass.Predicate)) / (rates.Integer * multiprocessors)),
            new("special functions", Lanes(InstructionClass.Special) / (rates.Special * multiprocessors)),
            new("tensor cores", counts.TensorCycles / multiprocessors),
            new("shared memory", counts.Total.Wavefronts / multiprocessors),
            new("L1 cache", counts.FirstLevelBytes / (rates.FirstLevelBytes * multiprocessors)),
            new("L2 cache",
                (counts.SecondLevelBytesRead + counts.SecondLevelBytesWritten) / Math.Min(
                    rates.SecondLevelBytesPerSecond / (1e3 * model.ClockKHz), rates.SecondLevelBytes * multiprocessors)),
            new("memory", (counts.MemoryBytesRead + counts.MemoryBytesWritten) / model.MemoryBytesPerCycle),
        ];
        return new Roof([.. parts.OrderByDescending(p => p.Cycles)]);

        double Lanes(InstructionClass kind) => (double)counts.Of(kind).Executions * GpuModel.WarpSize;
    }
}
