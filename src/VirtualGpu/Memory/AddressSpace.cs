namespace BDense.VirtualGpu.Memory;

/// <summary>
/// Where shared and local memory lie among generic addresses: <c>cvta.shared</c> adds <see cref="Shared"/>, <c>cvta.to.shared</c>
/// subtracts it; likewise local; a global address is its own generic address. No address of the host is as high.
/// </summary>
internal static class AddressSpace
{
    public const ulong Shared = 0x0001_0000_0000_0000, Local = 0x0001_8000_0000_0000;

    /// <summary>A window is as wide as a 32-bit address.</summary>
    public const ulong WindowBytes = 1UL << 32;
}
