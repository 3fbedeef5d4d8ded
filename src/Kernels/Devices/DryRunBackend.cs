using BDense.Kernels.Reference;

namespace BDense.Kernels.Devices;

/// <summary>
/// A device that computes nothing and holds nothing: every operation checks its arguments, reports its cost and returns. It tells what a
/// network would cost, in multiply-adds (<see cref="Macs"/>) and in memory (<see cref="MemoryPool.PeakBytes"/>), however large it is.
/// </summary>
/// <remarks>
/// What it answers when asked is what the CPU reference answers; so an operation needs no line here. Downloads give zeros.
/// </remarks>
public class DryRunBackend() : ReferenceBackend(threads: 1)
{
    /// <inheritdoc/>
    public override string Name => "dry-run";

    /// <inheritdoc/>
    public override string Description => "computes nothing, counts multiply-adds and bytes";

    /// <inheritdoc/>
    public override string Rounding => Name;

    /// <summary>Multiply-adds so far of convolutions, linear layers, attention and matrix products (<see cref="OpCost.Macs"/>).</summary>
    public long Macs { get; private set; }

    internal override bool Computes => false;

    private protected override void Reported(string op, OpCost cost) => Macs += cost.Macs;

    private protected override Storage Allocate(int length) => new NoStorage(length);

    internal override void UploadCore(Tensor destination, ReadOnlySpan<float> source) { }

    internal override void DownloadCore(Tensor source, Span<float> destination) => destination.Clear();

    internal override void UploadCore(Tensor destination, ReadOnlySpan<ushort> source) { }

    internal override void DownloadCore(Tensor source, Span<ushort> destination) => destination.Clear();

    private sealed class NoStorage(int length) : Storage(length)
    {
        public override void Dispose() { }
    }
}
