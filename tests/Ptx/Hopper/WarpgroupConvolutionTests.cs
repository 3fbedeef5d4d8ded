using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using NUnit.Framework;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>Convolution, dgrad and wgrad on wgmma: more channels than a step has, padding, strides, slices, all that an epilogue adds.
/// </summary>
[TestFixture]
internal sealed class WarpgroupConvolutionTests
{
    private static WarpgroupTile[] Tiles { get; } = [new(128, 256, 2, 4), new(128, 128, 2, 4), new(128, 64, 2, 4), new(64, 64, 1, 3)];

    private static MmaShape[] Shapes => MatrixProductTests.Shapes;

    [Test]
    public void Equals_the_oracle([ValueSource(nameof(Tiles))] WarpgroupTile tile, [ValueSource(nameof(Shapes))] MmaShape shape, [Values]
    bool isDgrad, [Values(1, 2)] int stride)
    {
        var problem = new ConvolutionProblem(shape, isDgrad, stride, height: 9, width: 10, c: 72, k: 80);
        using var gpu = new WrittenLaunch();
        var kernel = new WarpgroupConvolutionKernel(tile, shape, isDgrad, IsSliced: false);
        var arguments = problem.Arguments(gpu);
        // Two groups, however many tiles there are.
        var counts = gpu.Run(kernel.Write(), 2, new WarpgroupConvolutionArguments
        {
            Weights = WrittenLaunch.Map(kernel.Weights(arguments.W, problem.Channels, ConvolutionProblem.Taps, problem.Source)),
            Problem = arguments,
        });
        Assert.That(WrittenLaunch.Worst(gpu.Get(arguments.Y, problem.Length), problem.Expected()), Is.LessThan(1e-6));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    /// <summary>Parts of the sum that begin within a tap and at its beginning; the last part is shorter.</summary>
    [Test]
    public void Of_a_sum_in_parts_equals_the_oracle([ValueSource(nameof(Tiles))] WarpgroupTile tile, [Values] bool isDgrad)
    {
        var problem = new ConvolutionProblem(MmaShape.Bf16, isDgrad, stride: 1, height: 9, width: 10, c: 72, k: 80, slices: 3);
        using var gpu = new WrittenLaunch();
        var kernel = new WarpgroupConvolutionKernel(tile, MmaShape.Bf16, isDgrad, IsSliced: true);
        var arguments = problem.Arguments(gpu);
        // 18 steps: two for each tap.
        arguments.StepsPerSlice = 7;
        gpu.Run(kernel.Write(), 4, new WarpgroupConvolutionArguments
        {
            Weights = WrittenLaunch.Map(kernel.Weights(arguments.W, problem.Channels, ConvolutionProblem.Taps, problem.Source)),
            Problem = arguments,
        });
        float[] slices = gpu.Get(arguments.Y, 3 * problem.Length);
        float[] sums =
            [.. Enumerable.Range(0, problem.Length).Select(i => Enumerable.Range(0, 3).Sum(z => slices[z * problem.Length + i]))];
        Assert.That(WrittenLaunch.Worst(sums, problem.Expected()), Is.LessThan(1e-6));
    }

    private static IEnumerable<(MmaShape, bool)> Forms => [(MmaShape.Tf32, false), (MmaShape.Bf16, false), (MmaShape.Bf16, true)];

    [Test]
    public void Measured_has_the_moments_of_what_is_stored([ValueSource(nameof(Tiles))] WarpgroupTile tile,
        [ValueSource(nameof(Forms))] (MmaShape Shape, bool IsRounded) form)
    {
        var (shape, isRounded) = form;
        var problem = new ConvolutionProblem(shape, false, 1, height: 12, width: 8, c: 40, k: 78);
        using var gpu = new WrittenLaunch();
        var kernel = new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: false, isRounded, IsMeasured: true);
        var arguments = problem.Measured(gpu, isRounded: isRounded);
        gpu.Run(kernel.Write(), 2, new WarpgroupConvolutionArguments
        {
            Weights = WrittenLaunch.Map(kernel.Weights(arguments.W, problem.Channels, ConvolutionProblem.Taps, problem.Source)),
            Problem = arguments,
        });
        problem.CheckMeasured(gpu, arguments, isRounded: isRounded);
    }

    [Test]
    public void Wgrad_equals_the_oracle([ValueSource(nameof(Tiles))] WarpgroupTile tile, [Values(1, 2)] int stride)
    {
        var kernel = new WarpgroupWgradKernel(tile);
        var problem = new WgradProblem(MmaShape.Bf16, stride, kernel.StepPixels, c: 40, k: 72);
        using var gpu = new WrittenLaunch();
        var arguments = problem.Arguments(gpu, tile.Rows, tile.Columns);
        var counts = gpu.Run(kernel.Write(), arguments.Tiles * problem.Slices, new WarpgroupWgradArguments
        {
            Gradient = WrittenLaunch.Map(kernel.Dy(arguments.Dy, problem.Pixels, problem.Outputs)),
            Problem = arguments,
        });
        float[] slices = gpu.Get(arguments.Partial, problem.Slices * problem.Outputs * problem.Columns);
        Assert.That(WrittenLaunch.Worst(problem.Sum(slices), problem.Expected()), Is.LessThan(1e-6));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }
}
