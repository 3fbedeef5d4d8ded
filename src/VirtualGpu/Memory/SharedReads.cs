using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// Records that another read of the warp does not change: of global memory those of words that several blocks read and nobody wrote, of
/// shared memory those that several warps read since the barrier and nobody wrote since.
/// </summary>
internal readonly struct SharedReads
{
    private readonly ulong _mask, _value;

    public SharedReads(ulong identity, MemorySpace space)
    {
        _mask = space == MemorySpace.Global ? AccessRecord.LaunchMask | AccessRecord.BlockMask | 0x30
            : AccessRecord.LaunchMask | AccessRecord.BlockMask | AccessRecord.BarrierMask | AccessRecord.SeveralWarps | 0xC;
        _value = space == MemorySpace.Global ? identity & AccessRecord.LaunchMask | AccessRecord.SeveralBlocks | 0x10
            : identity & _mask | AccessRecord.SeveralWarps | 0x4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Covers(Vector256<ulong> records) => (records & Vector256.Create(_mask)) == Vector256.Create(_value);

    public bool Covers(ulong record) => (record & _mask) == _value;
}
