namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>[register + displacement].</summary>
internal readonly record struct AddressOperand(int Register, long Displacement, bool Wide);

/// <summary>What a bulk copy works on.</summary>
/// <param name="Shared">In shared memory: to where, or from where.</param>
/// <param name="Global">In global memory, or a tensor map.</param>
/// <param name="Barrier">The mbarrier that bytes which arrive are told to; of loads.</param>
/// <param name="Size">The register of the number of bytes; of copies without a map.</param>
/// <param name="Coordinates">Registers; of copies with a map.</param>
internal sealed record BulkForm(AddressOperand Shared, AddressOperand Global, AddressOperand Barrier, int Size, int[] Coordinates);
