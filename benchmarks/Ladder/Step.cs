using BDense.Benchmarks.Ladder.Convolution;
using BDense.Benchmarks.Ladder.Gemm;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;

namespace BDense.Benchmarks.Ladder;

/// <summary>A rung of the ladder.</summary>
/// <param name="Number">From 1 on.</param>
/// <param name="Name">In a word or two.</param>
/// <param name="Kernel">Its kernel: the shape and the three arrays, as views or, where the kernel is inline PTX, as addresses.</param>
/// <param name="Groups">Thread groups to launch.</param>
internal sealed record Step<TShape>(int Number, string Name, Delegate Kernel, Func<TShape, int> Groups)
    where TShape : unmanaged
{
    /// <summary>Kernels that take addresses are inline PTX with mma.sync.</summary>
    public bool NeedsTensorCores => Kernel is Action<TShape, long, long, long>;

    /// <summary>The kernel under its step's name, for ILGPU's compilers and for the machine code's figures.</summary>
    public KernelEntry Entry => KernelRegistry.Find(Kernel.Method)! with { Name = Kernel.Method.DeclaringType!.Name };

    /// <summary>What ptxas makes of it; figures are null where ptxas is not installed.</summary>
    public KernelRow MachineCode(GpuArchitecture architecture) =>
        KernelCatalog.Row(Entry, architecture, KernelCatalog.Ptx(Entry, architecture));
}

/// <summary>All rungs, lowest first.</summary>
internal static class Steps
{
    public static IReadOnlyList<Step<GemmShape>> Gemm { get; } =
    [
        new(1, "naive", Gemm1Naive.Kernel, Gemm1Naive.Groups),
        new(2, "coalesced", Gemm2Coalesced.Kernel, Gemm2Coalesced.Groups),
        new(3, "shared tile", Gemm3SharedTile.Kernel, Gemm3SharedTile.Groups),
        new(4, "1D register tile", Gemm4Tile1D.Kernel, Gemm4Tile1D.Groups),
        new(5, "2D register tile", Gemm5Tile2D.Kernel, Gemm5Tile2D.Groups),
        new(6, "vectorised", Gemm6Vectorised.Kernel, Gemm6Vectorised.Groups),
        new(7, "double-buffered", Gemm7DoubleBuffered.Kernel, Gemm7DoubleBuffered.Groups),
        new(8, "tensor core", Gemm8TensorCore.Kernel, Gemm8TensorCore.Groups),
        new(9, "pipelined", Gemm9Pipelined.Kernel, Gemm9Pipelined.Groups),
    ];

    public static IReadOnlyList<Step<ConvShape>> Convolution { get; } =
    [
        new(1, "naive", Conv1Naive.Kernel, Conv1Naive.Groups),
        new(2, "coalesced", Conv2Coalesced.Kernel, Conv2Coalesced.Groups),
        new(3, "shared tile", Conv3SharedTile.Kernel, Conv3SharedTile.Groups),
        new(4, "1D register tile", Conv4Tile1D.Kernel, Conv4Tile1D.Groups),
        new(5, "2D register tile", Conv5Tile2D.Kernel, Conv5Tile2D.Groups),
        new(6, "vectorised", Conv6Vectorised.Kernel, Conv6Vectorised.Groups),
        new(7, "double-buffered", Conv7DoubleBuffered.Kernel, Conv7DoubleBuffered.Groups),
        new(8, "tensor core", Conv8TensorCore.Kernel, Conv8TensorCore.Groups),
        new(9, "pipelined", Conv9Pipelined.Kernel, Conv9Pipelined.Groups),
    ];
}
