namespace BDense.VirtualGpu.Execution;

/// <summary>
/// Where the windows of shared and local memory lie among generic addresses (PTX ISA, chapter "Generic Addressing"): <c>cvta.shared</c>
/// adds, <c>cvta.to.shared</c> subtracts. Global addresses are generic ones. A window of local memory shows each thread its own.
/// That of a launch's parameters serves for tensor maps alone.
/// </summary>
internal static class GenericAddress
{
    public const ulong Shared = 0x0000_7000_0000_0000, Local = 0x0000_7800_0000_0000, Parameters = 0x0000_7A00_0000_0000,
        WindowBytes = 1UL << 32;
}
