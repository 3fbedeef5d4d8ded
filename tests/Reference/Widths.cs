using BDense.Kernels.Reference.MatMul;

namespace BDense.Tests.Reference;

/// <summary>Register widths that the reference's tests run at, in floats.</summary>
internal static class Widths
{
    private static readonly string[] Switches = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"];

    /// <summary>
    /// All, also wider ones than the processor's, in software. Where registers were switched off, those that are left: software would
    /// run, slowly, what a run with all registers has tested.
    /// </summary>
    public static int[] Tested { get; } =
        [.. new[] { 1, 4, 8,
            16 }.Where(
                lanes => lanes <= MicroKernels.BestLanes || !Array.Exists(Switches, s => Environment.GetEnvironmentVariable(s) == "0"))];
}
