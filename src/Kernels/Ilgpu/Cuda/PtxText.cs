using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>The PTX that a driver or ptxas gets: ILGPU's, but for what it gets wrong.</summary>
internal static partial class PtxText
{
    // For measuring alone: BDENSE_PTX_UNI=keep leaves ILGPU's suffixes.
    private static readonly bool KeepUniform = Environment.GetEnvironmentVariable("BDENSE_PTX_UNI") == "keep";

    /// <summary>For an accelerator to load.</summary>
    public static PTXCompiledKernel Compile(CudaAccelerator accelerator, KernelEntry kernel) =>
        Compile((PTXBackend)accelerator.GetBackend(), kernel);

    /// <summary>
    /// ILGPU's code with <see cref="Rewrite"/> applied. The specialisation makes ILGPU write <c>.maxntid</c>: the assembler then shares out
    /// registers for this size of group, and what it says in the tests holds at run time.
    /// </summary>
    public static PTXCompiledKernel Compile(PTXBackend backend, KernelEntry kernel)
    {
        var compiled = (PTXCompiledKernel)backend.Compile(kernel.EntryPoint,
            new KernelSpecialization(kernel.GroupSize, kernel.Resident > 0 ? kernel.Resident : null));
        Assembly(compiled) = Rewrite(compiled.PTXAssembly, kernel);
        return compiled;
    }

    /// <summary>
    /// Takes <c>.uni</c> off the branches of kernels whose threads part. It promises that all threads of a warp that execute a branch
    /// take it or none does; if not, PTX leaves open what happens. ILGPU at O2 promises it for every branch of an implicitly grouped
    /// kernel: its analysis holds parameters for the same in all threads, and the thread's index is one there. Which threads are at an
    /// unconditional branch together is not for us to know once they have parted, so every suffix goes. It also costs time: ptxas does
    /// not unroll a loop that such a branch closes.
    /// </summary>
    /// <remarks>
    /// Explicitly grouped kernels read %tid, which ILGPU knows to differ: their branches on it have no suffix. The others are
    /// uniform (the virtual GPU stops at one that is not), and the promise saves registers: without it AttentionShared256
    /// goes from 210 to 255 (ptxas 12.4, sm_90).
    /// </remarks>
    private static string Rewrite(string ptx, KernelEntry kernel) =>
        kernel.ExplicitlyGrouped || KeepUniform ? ptx : UniformSuffix().Replace(ptx, "");

    // ILGPU has no public way to hand a changed text to its loader.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<PTXAssembly>k__BackingField")]
    private static extern ref string Assembly(PTXCompiledKernel kernel);

    [GeneratedRegex(@"(?<=\b(bra|brx\.idx|call|ret))\.uni\b")]
    private static partial Regex UniformSuffix();
}
