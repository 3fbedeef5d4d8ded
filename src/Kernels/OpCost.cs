namespace BDense.Kernels;

/// <summary>What an operation costs by its own declaration: the least traffic its formula allows, and its arithmetic.</summary>
/// <param name="BytesRead">Bytes read from device memory if every input is read once.</param>
/// <param name="BytesWritten">Bytes written if every output is written once.</param>
/// <param name="Flops">Additions and multiplications; a multiply-add counts two, a transcendental one.</param>
public readonly record struct OpCost(long BytesRead, long BytesWritten, long Flops)
{
    /// <summary>
    /// Multiply-adds of a convolution, a matrix product or attention, as papers count a network's; 0 for any other operation.
    /// </summary>
    public long Macs { get; init; }

    /// <summary>Read and written.</summary>
    public long Bytes => BytesRead + BytesWritten;

    /// <summary>Cost from element counts: <paramref name="read"/> and <paramref name="written"/> floats.</summary>
    public static OpCost Of(long read, long written, long flops) => new(4 * read, 4 * written, flops);

    /// <summary>One operation after the other.</summary>
    public static OpCost operator +(OpCost a, OpCost b) =>
        new(a.BytesRead + b.BytesRead, a.BytesWritten + b.BytesWritten, a.Flops + b.Flops) { Macs = a.Macs + b.Macs };
}
