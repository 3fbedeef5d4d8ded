using System.Globalization;

namespace BDense.VirtualGpu;

/// <summary>What a kernel can do wrong.</summary>
public enum FindingKind
{
    /// <summary>Some lanes take a branch that is said to be uniform (<c>.uni</c>).</summary>
    DivergentUniform,

    /// <summary>A barrier, or an instruction for a whole warp, that not all reach.</summary>
    BarrierNotReached,

    /// <summary>Two threads touch the same bytes, one of them writing, and nothing orders them.</summary>
    Race,

    /// <summary>The bytes of an asynchronous copy, before it was waited for.</summary>
    CopyNotAwaited,

    /// <summary>What threads stored, accessed asynchronously (wgmma, bulk copies) without a <c>fence.proxy.async</c> between.</summary>
    ProxyFence,

    /// <summary>Registers of a <c>wgmma</c>: accessed before it was waited for, or given to it without a <c>wgmma.fence</c>.</summary>
    MatrixRegisters,

    /// <summary>A matrix descriptor or a tensor map that the hardware does not take.</summary>
    Descriptor,

    /// <summary>An mbarrier that is not one, or whose counts do not allow what is done.</summary>
    Mbarrier,

    /// <summary>An address that is not a multiple of the access's size.</summary>
    Misaligned,

    /// <summary>Bytes that belong to no allocation, or to none of the block's arrays.</summary>
    OutOfBounds,

    /// <summary>Bytes of an allocation that was freed.</summary>
    UseAfterFree,

    /// <summary>Bytes that nobody wrote.</summary>
    Unwritten,

    /// <summary>Threads, registers or shared memory beyond what the device has.</summary>
    Resources,

    /// <summary>Arguments that are not as long as the parameters.</summary>
    Arguments,

    /// <summary>More instructions than the launch may execute.</summary>
    Endless,

    /// <summary>The virtual GPU's own fault, not the kernel's.</summary>
    Internal,

    /// <summary>The kernel stopped itself (<c>trap</c>).</summary>
    Trap,
}

/// <summary>Something that a kernel did wrong, and where.</summary>
/// <param name="Kind">What.</param>
/// <param name="Message">In one line: the bytes, threads or numbers concerned.</param>
/// <param name="Kernel">The entry's name.</param>
/// <param name="Block">x, y, z; null before a block ran.</param>
/// <param name="Thread">x, y, z in the block; null for what is not one thread's.</param>
/// <param name="Place">The line; null before a line ran.</param>
public sealed record Finding(FindingKind Kind, string Message, string Kernel, Dim3? Block = null, Dim3? Thread = null,
    PtxPlace? Place = null)
{
    public override string ToString()
    {
        string where = Block is { } block ? $", block {block}" : "";
        if (Thread is { } thread)
            where += string.Create(CultureInfo.InvariantCulture, $", thread {thread}");
        if (Place is { } place)
            where += $", {place}";
        return $"{Kernel}{where}: {Message}";
    }
}

/// <summary>A launch that was stopped because of a <see cref="Finding"/>.</summary>
public sealed class FindingException(Finding finding) : Exception(finding.ToString())
{
    public Finding Finding { get; } = finding;
}
