namespace BDense.VirtualGpu;

/// <summary>A kernel with its geometry and its packed arguments.</summary>
/// <param name="Kernel">What.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads a block.</param>
/// <param name="DynamicSharedBytes">For the <c>.extern .shared</c> array.</param>
/// <param name="Arguments">As cuLaunchKernel's CU_LAUNCH_PARAM_BUFFER_POINTER.</param>
public sealed record Launch(PtxKernel Kernel, Dim3 Grid, Dim3 Block, int DynamicSharedBytes, ReadOnlyMemory<byte> Arguments);
