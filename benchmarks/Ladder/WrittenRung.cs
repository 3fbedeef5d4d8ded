using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Benchmarks.Ladder;

/// <summary>
/// A rung above the ninth: a product in BF16 whose kernel is written as PTX, tile and all (<see cref="PtxWriter"/>), the library's own.
/// </summary>
/// <param name="Number">10 to 13.</param>
/// <param name="Name">In a word or two.</param>
/// <param name="Kernel">Its kernel.</param>
/// <param name="NeedsHopper">Whether it is for sm_90a alone.</param>
internal sealed record WrittenRung(int Number, string Name, IWrittenKernel Kernel, bool NeedsHopper)
{
    private static readonly ProductTile s_tile = new(128, 256, 64, 64, 3);
    private static readonly WarpgroupTile s_hopper = new(128, 256, Warpgroups: 2, Stages: 4);

    /// <summary>All of them, lowest first. B is stored [K, N]: its sum is outermost.</summary>
    public static IReadOnlyList<WrittenRung> Gemm { get; } =
    [
        new(10, "ldmatrix, swizzle", new MatrixProductKernel(s_tile, MmaShape.Bf16, false, true), false),
        new(11, "wgmma, cp.async", new AsyncProductKernel(s_hopper, MmaShape.Bf16, false, true), true),
        new(12, "bulk copies", new BulkProductKernel(s_hopper, MmaShape.Bf16, false, true, IsPersistent: false), true),
        new(13, "persistent", new BulkProductKernel(s_hopper, MmaShape.Bf16, false, true, IsPersistent: true), true),
    ];

    /// <summary>Queues it.</summary>
    public void Launch(IlgpuBackend backend, GemmShape s, long a, long b, long c)
    {
        int tiles = (s.M + s_hopper.Rows - 1) / s_hopper.Rows * ((s.N + s_hopper.Columns - 1) / s_hopper.Columns);
        if (Kernel is BulkProductKernel bulk)
        {
            backend.LaunchWritten(bulk, bulk.IsPersistent ? Math.Min(tiles, backend.Multiprocessors) : tiles, new BulkProductArguments
            {
                A = backend.MapOf(bulk.A.Boxes(a, 1, s.M, s.K)),
                B = backend.MapOf(bulk.B.Boxes(b, 1, s.N, s.K)),
                C = c,
                Batch = 1,
                M = s.M,
                N = s.N,
                K = s.K,
                Alpha = 1,
            });
            return;
        }
        backend.LaunchWritten(Kernel, tiles,
            new MatrixProductArguments { A = a, B = b, C = c, M = s.M, N = s.N, K = s.K, Alpha = 1, Tiles = tiles });
    }

    /// <summary>What ptxas makes of it; figures are null where it is not installed or the architecture has no such instructions.</summary>
    public KernelRow MachineCode(GpuArchitecture architecture)
    {
        var entry = KernelEntry.Of(Kernel);
        return !entry.RunsOn(architecture)
            ? new KernelRow(entry.Name, true, architecture.Name, entry.GroupSize, null, null, null, null, null, null, null)
            : KernelCatalog.Row(entry, architecture, KernelCatalog.Ptx(entry, architecture));
    }
}
