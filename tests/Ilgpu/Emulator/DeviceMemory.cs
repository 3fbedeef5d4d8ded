using BDense.VirtualGpu;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>Arrays of a test in a virtual GPU's memory: there when a kernel runs, and back when it has ended.</summary>
internal sealed unsafe class DeviceMemory
{
    private readonly List<(ulong Address, byte[] Bytes)> _arrays = [];

    /// <summary>Its memory is the host's own, which no collector counts.</summary>
    ~DeviceMemory() => Gpu.Dispose();

    public BDense.VirtualGpu.Gpu Gpu { get; } = new(GpuModel.H100, new GpuOptions(Count: true));

    public long Add(byte[] bytes)
    {
        ulong address = Gpu.Memory.Allocate(bytes.Length);
        bytes.CopyTo(new Span<byte>(Gpu.Memory.Find(address, bytes.Length), bytes.Length));
        Gpu.Memory.MarkWritten(address, bytes.Length);
        _arrays.Add((address, bytes));
        return (long)address;
    }

    /// <summary>What the kernel left.</summary>
    public void Fetch()
    {
        foreach (var (address, bytes) in _arrays)
            new ReadOnlySpan<byte>(Gpu.Memory.Find(address, bytes.Length), bytes.Length).CopyTo(bytes);
    }
}
