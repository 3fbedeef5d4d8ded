using BDense.Kernels;
using BDense.Kernels.Profiling;

namespace BDense.Cases.Timing;

/// <summary>A row of the case list, timed on a device.</summary>
/// <param name="Row">What ran.</param>
/// <param name="Cost">Declared by the operation: the least traffic its formula allows, and its arithmetic.</param>
/// <param name="Times">Of one run.</param>
public sealed record OpTime(OpCase Row, OpCost Cost, RunTimes Times)
{
    /// <summary>
    /// Runs in a sample of a row that changes its operands. From one sample to the next they are put back, so that what is halved in place
    /// does not end in denormals, and sums do not end in infinity.
    /// </summary>
    private const int RunsInPlace = 16;

    /// <summary>10^9 bytes a second at the median.</summary>
    public double GigabytesPerSecond => Cost.Bytes / Times.Median / 1e6;

    /// <summary>10^9 additions and multiplications a second at the median.</summary>
    public double Gflops => Cost.Flops / Times.Median / 1e6;

    /// <summary>
    /// The least time that the device's measured copy and product rates allow, over the median. Above 1 where caches hold the operands, or
    /// where fewer multiplications do than are declared (Winograd's filtering).
    /// </summary>
    public double ShareOf(DeviceSpeed roof) => 1e3 * Math.Max(MemorySeconds(roof), ArithmeticSeconds(roof)) / Times.Median;

    /// <summary>Whether memory is what limits it on this device, or arithmetic.</summary>
    public bool IsMemoryBound(DeviceSpeed roof) => MemorySeconds(roof) >= ArithmeticSeconds(roof);

    /// <summary>
    /// Runs a row as often as it takes to know its time. Its results are not looked at: <see cref="Checking.Checker"/> does that.
    /// </summary>
    /// <param name="backend">Where.</param>
    /// <param name="row">Which.</param>
    /// <param name="seconds">For the samples, at least.</param>
    public static OpTime Measure(Backend backend, OpCase row, double seconds)
    {
        using var tensors = new CaseTensors(backend, row, row.Start());
        void Run() => row.Run(backend, tensors.Operands);
        var (cost, _) = Declared.Of(backend, Run);
        bool changes = Array.Exists(row.Operands, o => o.Role == Role.InOut);
        return new(row, cost, changes ? RunTimes.Measure(Run, backend.Synchronize, seconds, tensors.Reset, RunsInPlace)
            : RunTimes.Measure(Run, backend.Synchronize, seconds));
    }

    private double MemorySeconds(DeviceSpeed roof) => Cost.Bytes / roof.CopyBytesPerSecond;

    private double ArithmeticSeconds(DeviceSpeed roof) => Cost.Flops / roof.FlopsPerSecond;
}
