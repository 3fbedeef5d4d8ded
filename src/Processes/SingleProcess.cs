using BDense.Kernels;

namespace BDense.Processes;

/// <summary>A run of one process: nothing is sent, every sum is there already.</summary>
public sealed class SingleProcess : Collectives
{
    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override int Size => 1;

    /// <inheritdoc/>
    public override string Description => "one process";

    /// <inheritdoc/>
    public override void SumFast(Tensor x) { }

    /// <inheritdoc/>
    public override void Broadcast(Tensor x, int root = 0) => ArgumentOutOfRangeException.ThrowIfNotEqual(root, 0);

    /// <inheritdoc/>
    public override byte[][] GatherBytes(ReadOnlySpan<byte> mine) => [mine.ToArray()];

    /// <inheritdoc/>
    public override void Barrier() { }

    /// <inheritdoc/>
    public override void Abort(string cause)
    {
        Console.Error.WriteLine($"bdense: {cause}");
        Environment.Exit(1);
    }

    /// <inheritdoc/>
    public override void Dispose() { }

    private protected override void Exchange(Tensor x, Parts parts, Tensor received) => throw new InvalidOperationException("one process");

    private protected override void GatherParts(Tensor x, Parts parts) { }
}
