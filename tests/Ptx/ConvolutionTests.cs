using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Products;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>
/// Convolution, dgrad and wgrad at every tile and precision, with prologue, padding, strides and all that an epilogue adds.
/// </summary>
[TestFixture]
internal sealed class ConvolutionTests
{
    private static ProductTile[] Tiles { get; } = [.. MatrixProductTests.Tiles, new(128, 32, 32, 32, 4)];

    private static ProductTile[] WgradTiles { get; } =
        [new(128, 128, 64, 32, 3), new(128, 128, 64, 64, 3), new(64, 128, 64, 32, 4), new(64, 64, 32, 32, 4)];

    private static MmaShape[] Shapes => MatrixProductTests.Shapes;

    public enum Kind
    {
        Forward,
        Activated,
        Dgrad,
    }

    [Test]
    public void Equals_the_oracle([ValueSource(nameof(Tiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape, [Values]
    Kind kind, [Values(1, 2)] int stride)
    {
        var (isDgrad, isActivated) = (kind == Kind.Dgrad, kind == Kind.Activated);
        var problem = new ConvolutionProblem(shape, isDgrad, stride);
        using var gpu = new WrittenLaunch();
        var arguments = problem.Arguments(gpu, isActivated);
        var counts = gpu.Run(new ConvolutionKernel(tile, shape, isDgrad, isActivated).Write(),
            (problem.Pixels + tile.Rows - 1) / tile.Rows * ((problem.Channels + tile.Columns - 1) / tile.Columns), arguments);

        // In TF32 the tensor core cuts activated values off, in BF16 they are rounded as the oracle rounds them.
        double allowed = isActivated ? shape == MmaShape.Tf32 ? 1e-3 : 5e-3 : 1e-6;
        Assert.That(WrittenLaunch.Worst(gpu.Get(arguments.Y, problem.Length), problem.Expected(isActivated)), Is.LessThan(allowed));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    [Test]
    public void Wgrad_equals_the_oracle([ValueSource(nameof(WgradTiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape,
        [Values] bool isActivated, [Values(1, 2)] int stride)
    {
        var problem = new WgradProblem(shape, stride, 2 * shape.Depth);
        using var gpu = new WrittenLaunch();
        var arguments = problem.Arguments(gpu, tile.Rows, tile.Columns, isActivated);
        var counts = gpu.Run(new WgradKernel(tile, shape, isActivated).Write(), arguments.Tiles * problem.Slices, arguments);

        float[] slices = gpu.Get(arguments.Partial, problem.Slices * problem.Outputs * problem.Columns);
        double allowed = isActivated ? shape == MmaShape.Tf32 ? 1e-3 : 5e-3 : 1e-6;
        Assert.That(WrittenLaunch.Worst(problem.Sum(slices), problem.Expected(isActivated)), Is.LessThan(allowed));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }
}
