using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Products;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>Every tile, precision and order of storage against double-precision loops, with edges on all sides.</summary>
[TestFixture]
internal sealed class MatrixProductTests
{
    internal static ProductTile[] Tiles { get; } =
    [
        new(128, 256, 64, 64, 3), new(128, 128, 64, 32, 3), new(128, 128, 64, 64, 3), new(128, 64, 64, 32, 4), new(64, 128, 64, 32, 4),
        new(64, 64, 32, 32, 4),
    ];

    internal static MmaShape[] Shapes { get; } = [MmaShape.Tf32, MmaShape.Bf16];

    private static IEnumerable<ProductTile> SearchedTiles =>
        TensorSearch.Tiles(TensorOperation.Product, 227 << 10).Where(tile => tile.Stages is 3 or 6);

    [Test]
    public void Equals_the_oracle([ValueSource(nameof(Tiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape,
        [Values] bool outermostA, [Values] bool outermostB) => Check(tile, shape, outermostA, outermostB);

    /// <summary>Every tile that the autotuner may come to.</summary>
    [Test]
    public void Of_any_tile_equals_the_oracle([ValueSource(nameof(SearchedTiles))] ProductTile tile,
        [ValueSource(nameof(Shapes))] MmaShape shape, [Values] bool outermostA) => Check(tile, shape, outermostA, !outermostA);

    /// <summary>Parts of the sum, the last of them shorter.</summary>
    [Test]
    public void In_slices_equals_the_oracle([ValueSource(nameof(Shapes))] MmaShape shape, [Values] bool outermostA,
        [Values] bool outermostB, [Values(2, 3)] int slices) => Check(new(64, 64, 32, 32, 4), shape, outermostA, outermostB, slices);

    private static void Check(ProductTile tile, MmaShape shape, bool outermostA, bool outermostB, int slices = 1)
    {
        const int batch = 2, m = 72, n = 136, k = 56;
        var random = new Random(1);
        float[] a = WrittenLaunch.Rounded(random, batch * m * k, shape), b = WrittenLaunch.Rounded(random, batch * n * k, shape),
            c = WrittenLaunch.Rounded(random, batch * m * n, shape);
        using var gpu = new WrittenLaunch();
        var kernel = new MatrixProductKernel(tile, shape, outermostA, outermostB, slices > 1).Write();
        int groups = batch * ((m + tile.Rows - 1) / tile.Rows) * ((n + tile.Columns - 1) / tile.Columns);
        int steps = (k * shape.ValueBytes + 63) / 64, perSlice = (steps + slices - 1) / slices;
        slices = (steps + perSlice - 1) / perSlice;
        long at = slices > 1 ? gpu.Empty(slices * c.Length) : gpu.Put(c);
        var counts = gpu.Run(kernel, groups * slices, new MatrixProductArguments
        {
            A = gpu.Put(a, shape),
            B = gpu.Put(b, shape),
            C = at,
            M = m,
            N = n,
            K = k,
            Accumulate = 1,
            Tiles = groups,
            StepsPerSlice = perSlice,
            Alpha = 0.5f,
        });

        var expected = new double[c.Length];
        for (int i = 0; i < c.Length; i++)
        {
            var (z, row, column) = (i / (m * n), i / n % m, i % n);
            double sum = 0;
            for (int s = 0; s < k; s++)
                sum += (double)a[z * m * k + (outermostA ? s * m + row : row * k + s)]
                    * b[z * n * k + (outermostB ? s * n + column : column * k + s)];
            expected[i] = slices > 1 ? sum : 0.5 * sum + c[i];
        }
        float[] got = gpu.Get(at, slices * c.Length);
        got = [.. Enumerable.Range(0, c.Length).Select(i => Enumerable.Range(0, slices).Sum(z => got[z * c.Length + i]))];
        Assert.That(WrittenLaunch.Worst(got, expected), Is.LessThan(1e-6));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }
}
