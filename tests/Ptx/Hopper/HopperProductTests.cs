using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;
using BDense.VirtualGpu.Counts;
using NUnit.Framework;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>The ladder's rungs 11 to 13 against double-precision loops, with edges on all sides.</summary>
[TestFixture]
internal sealed class HopperProductTests
{
    internal static WarpgroupTile[] Tiles { get; } = [new(128, 256, 2, 4), new(128, 128, 2, 4), new(64, 64, 1, 3), new(128, 64, 1, 4)];

    /// <summary>TF32 is multiplied along the sum alone.</summary>
    internal static (MmaShape Shape, bool OutermostA, bool OutermostB)[] Orders { get; } =
    [
        (MmaShape.Bf16, false, false), (MmaShape.Bf16, false, true), (MmaShape.Bf16, true, true), (MmaShape.Bf16, true, false),
        (MmaShape.Tf32, false, false),
    ];

    [Test]
    public void Rung_11_equals_the_oracle([ValueSource(nameof(Tiles))] WarpgroupTile tile, [ValueSource(nameof(Orders))]
    (MmaShape Shape, bool A, bool B) order)
    {
        var problem = new ProductProblem(2, 72, 136, 200, order.Shape, order.A, order.B);
        using var gpu = new WrittenLaunch();
        var kernel = new AsyncProductKernel(tile, order.Shape, order.A, order.B).Write();
        long c = gpu.Put(problem.C);
        var counts = gpu.Run(kernel, problem.Tiles(tile), new MatrixProductArguments
        {
            A = gpu.Put(problem.A, order.Shape),
            B = gpu.Put(problem.B, order.Shape),
            C = c,
            M = problem.M,
            N = problem.N,
            K = problem.K,
            Accumulate = 1,
            Alpha = ProductProblem.Alpha,
        });
        IsRight(problem, gpu.Get(c, problem.C.Length), counts);
    }

    [Test]
    public void Rungs_12_and_13_equal_the_oracle([ValueSource(nameof(Tiles))] WarpgroupTile tile, [ValueSource(nameof(Orders))]
    (MmaShape Shape, bool A, bool B) order, [Values] bool isPersistent)
    {
        var problem = new ProductProblem(2, 72, 136, 200, order.Shape, order.A, order.B);
        using var gpu = new WrittenLaunch();
        var kernel = new BulkProductKernel(tile, order.Shape, order.A, order.B, isPersistent);
        var (arguments, c) = problem.Arguments(gpu, kernel);
        var counts = gpu.Run(kernel.Write(), isPersistent ? 2 : problem.Tiles(tile), arguments);
        IsRight(problem, gpu.Get(c, problem.C.Length), counts);
    }

    /// <summary>Rows of A and B end anywhere; a sum's length has the 16 bytes that the copies' strides need.</summary>
    [TestCase(1, 1, 8)]
    [TestCase(67, 131, 72)]
    [TestCase(129, 257, 264)]
    public void Odd_extents_have_edges(int m, int n, int k)
    {
        var problem = new ProductProblem(1, m, n, k, MmaShape.Bf16, false, false);
        var kernel = new BulkProductKernel(Tiles[1], MmaShape.Bf16, false, false, IsPersistent: true);
        using var gpu = new WrittenLaunch();
        var (arguments, c) = problem.Arguments(gpu, kernel);
        var counts = gpu.Run(kernel.Write(), 3, arguments);
        IsRight(problem, gpu.Get(c, problem.C.Length), counts);
    }

    [Test]
    public void The_largest_tile_equals_the_oracle([ValueSource(nameof(Orders))] (MmaShape Shape, bool A, bool B) order)
    {
        var problem = new ProductProblem(1, 328, 264, 136, order.Shape, order.A, order.B);
        using var gpu = new WrittenLaunch();
        var kernel = HopperKernels.Largest(order.Shape, order.A, order.B);
        var (arguments, c) = problem.Arguments(gpu, kernel);
        var counts = gpu.Run(kernel.Write(), 3, arguments);
        IsRight(problem, gpu.Get(c, problem.C.Length), counts);
    }

    private static void IsRight(ProductProblem problem, float[] found, LaunchCounts counts)
    {
        Assert.That(WrittenLaunch.Worst(found, problem.Expected()), Is.LessThan(1e-6));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }
}
