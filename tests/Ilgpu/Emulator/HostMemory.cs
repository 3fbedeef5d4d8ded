namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>Global memory that is the process's own: the blocks that a backend allocated, where they lie.</summary>
internal sealed class HostMemory : DeviceMemory
{
    private readonly List<(long Start, long Bytes)> _blocks = [];

    /// <summary>Memory that was freed and given out again is of the new block's size.</summary>
    public void Add(long start, long bytes)
    {
        _blocks.RemoveAll(b => b.Start < start + bytes && start < b.Start + b.Bytes);
        _blocks.Add((start, bytes));
    }

    protected override unsafe Span<byte> Find(long address, int bytes)
    {
        foreach (var (start, length) in _blocks)
        {
            if (address >= start && address + bytes <= start + length)
                return new Span<byte>((void*)address, bytes);
        }
        throw new InvalidOperationException($"{bytes} bytes at {address:x}: outside every block that the backend allocated");
    }
}
