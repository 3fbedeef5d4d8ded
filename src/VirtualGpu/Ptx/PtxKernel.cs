namespace BDense.VirtualGpu;

/// <summary>An entry of a module, decoded.</summary>
public sealed class PtxKernel
{
    internal PtxKernel(Execution.KernelCode code) => Code = code;

    public required string Name { get; init; }

    /// <summary>In the order of the text; naturally aligned.</summary>
    public required IReadOnlyList<PtxParameter> Parameters { get; init; }

    /// <summary>What the packed arguments must have; the end is not rounded up.</summary>
    public int ParameterBytes => Parameters.Count == 0 ? 0 : Parameters[^1].Offset + Parameters[^1].Bytes;

    /// <summary>Of <c>.shared</c> arrays, without what a launch asks for.</summary>
    public required int StaticSharedBytes { get; init; }

    /// <summary><c>.maxntid</c> or <c>.reqntid</c>, multiplied; 0 where there is none.</summary>
    public required int MaxThreads { get; init; }

    /// <summary><c>.reqntid</c>: the only block that it can be launched with; null where there is none.</summary>
    public Dim3? RequiredBlock { get; init; }

    /// <summary>
    /// An estimate of the 32-bit registers a thread: the most that live at once, and no more than a compiler gives
    /// (<see cref="Execution.LaunchLimits.MostRegisters"/>). Not a compiler's: it neither orders nor spills. See docs/virtual-gpu.md.
    /// </summary>
    public required int Registers { get; init; }

    /// <summary>By place in the code: what findings and counts name.</summary>
    public required IReadOnlyList<PtxPlace> Places { get; init; }

    /// <summary>The instructions, as <see cref="Execution.Warp"/> runs them.</summary>
    internal Execution.KernelCode Code { get; }
}
