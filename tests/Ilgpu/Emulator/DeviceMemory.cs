using System.Buffers.Binary;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>Global memory: arrays at addresses, with nothing between them. An access that is not wholly inside one, or not aligned, throws.</summary>
internal class DeviceMemory
{
    private readonly List<(long Start, byte[] Bytes)> _arrays = [];

    public long Add(byte[] bytes)
    {
        long start = 0x7000_0000_0000 + ((long)_arrays.Count << 32);
        _arrays.Add((start, bytes));
        return start;
    }

    public Span<byte> At(long address, int bytes)
    {
        if (address % bytes != 0)
            throw new InvalidOperationException($"{bytes} bytes at {address:x}: not aligned");
        return Find(address, bytes);
    }

    protected virtual Span<byte> Find(long address, int bytes)
    {
        foreach (var (start, array) in _arrays)
        {
            if (address >= start && address + bytes <= start + array.Length)
                return array.AsSpan((int)(address - start), bytes);
        }
        throw new InvalidOperationException($"{bytes} bytes at {address:x}: outside every array");
    }

    public ulong Load(long address, int bytes) => bytes == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(At(address, 8)) : BinaryPrimitives.ReadUInt32LittleEndian(At(address, 4));

    public void Store(long address, uint value, int aligned)
    {
        if (address % aligned != 0)
            throw new InvalidOperationException($"vector store at {address:x}: not aligned to {aligned}");
        BinaryPrimitives.WriteUInt32LittleEndian(At(address, 4), value);
    }
}
