using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Counts;

/// <summary>Counts what one thread of the host runs; added up when the launch has ended.</summary>
internal sealed unsafe class LaunchCounter
{
    /// <summary>An instruction that so many lanes executed.</summary>
    public void Executed(Instruction i, uint lanes) => throw new NotSupportedException($"{i.Place}, {lanes}");

    /// <summary>A request to global memory: 32 addresses, of which those of <paramref name="lanes"/> count, and the bytes of each.</summary>
    public void Global(Instruction i, uint lanes, ulong* addresses, int bytes) => throw new NotSupportedException($"{i.Place}, {lanes}, {addresses[0]}, {bytes}");

    /// <summary>A request to shared memory; addresses are offsets in the block's.</summary>
    public void Shared(Instruction i, uint lanes, ulong* addresses, int bytes) => throw new NotSupportedException($"{i.Place}, {lanes}, {addresses[0]}, {bytes}");

    /// <summary>A conditional branch that its lanes did not take together.</summary>
    public void Diverged(Instruction i) => throw new NotSupportedException($"{i.Place}");

    /// <summary>A warp that waits at a barrier.</summary>
    public void Waits(Instruction i) => throw new NotSupportedException($"{i.Place}");
}
