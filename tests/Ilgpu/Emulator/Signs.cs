namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>What findings of the virtual GPU say, for planted faults: patterns.</summary>
internal static class Signs
{
    /// <summary>A barrier or a wait is missing. Which of the three is said first depends on whose turn it was.</summary>
    public const string Unordered = "nothing orders the two|never written|was not waited for";

    public const string Outside = "behind the end of|before the start of|no allocation";

    public const string Misaligned = "not a multiple of";
}
