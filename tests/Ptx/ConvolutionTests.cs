using System.Text.RegularExpressions;
using BDense.Kernels.Ilgpu.Tiles;
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
    private const int C = 24, K = 40;

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

    private static IEnumerable<ProductTile> Searched(TensorOperation operation) =>
        // What lies between stays the same but for a constant.
        TensorSearch.Tiles(operation, 227 << 10).Where(tile => tile.Stages is 3 or 6);

    private static IEnumerable<ProductTile> SearchedTiles => Searched(TensorOperation.Convolution);

    private static IEnumerable<ProductTile> SearchedWgradTiles => Searched(TensorOperation.Wgrad);

    [Test]
    public void Equals_the_oracle([ValueSource(nameof(Tiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape,
        [Values] Kind kind, [Values(1, 2)] int stride) => Check(tile, shape, kind, stride);

    /// <summary>Every tile that the autotuner may come to.</summary>
    [Test]
    public void Of_any_tile_equals_the_oracle([ValueSource(nameof(SearchedTiles))] ProductTile tile,
        [ValueSource(nameof(Shapes))] MmaShape shape) => Check(tile, shape, Kind.Forward, 1);

    /// <summary>Parts of the sum that begin within a tap and at its beginning; the last part is shorter.</summary>
    [Test]
    public void In_slices_equals_the_oracle([ValueSource(nameof(Shapes))] MmaShape shape, [Values] Kind kind, [Values(2, 4, 9)] int slices,
        [Values] bool isOdd) => Check(new(64, 64, 32, 32, 4), shape, kind, 1, slices, isOdd ? 5 : K);

    /// <summary>Channels that are stored one by one.</summary>
    [Test]
    public void With_odd_channels_equals_the_oracle([ValueSource(nameof(Shapes))] MmaShape shape, [Values] Kind kind,
        [Values(1, 3, 37)] int channels) => Check(new(128, 32, 32, 32, 4), shape, kind, 1, outputs: channels);

    /// <summary>Residual and result in BF16: read exactly, rounded once.</summary>
    [Test]
    public void Rounded_equals_the_oracle([ValueSource(nameof(Tiles))] ProductTile tile, [Values] Kind kind) =>
        Check(tile, MmaShape.Bf16, kind, 1, isRounded: true);

    /// <summary>Precision, whether there is a prologue, whether the result is BF16.</summary>
    private static IEnumerable<(MmaShape, bool, bool)> Forms =>
        [(MmaShape.Tf32, false, false), (MmaShape.Tf32, true, false), (MmaShape.Bf16, false, false), (MmaShape.Bf16, true, false),
            (MmaShape.Bf16, false, true)];

    /// <summary>
    /// Moments beside the result, of what is stored: three blocks of 16 pixels an image, fewer than a tile has; channels that leave a part
    /// of the last warp out. In front of them a bias of a hundred times the deviation: what cancels shows.
    /// </summary>
    [Test]
    public void Measured_has_the_moments_of_what_is_stored([ValueSource(nameof(Tiles))] ProductTile tile,
        [ValueSource(nameof(Forms))] (MmaShape Shape, bool IsActivated, bool IsRounded) form)
    {
        var (shape, isActivated, isRounded) = form;
        var problem = new ConvolutionProblem(shape, false, 1, height: 6, width: 8, k: 38);
        using var gpu = new WrittenLaunch();
        var arguments = problem.Measured(gpu, isActivated, isRounded);
        var kernel = new ConvolutionKernel(tile, shape, false, isActivated, IsRounded: isRounded, IsMeasured: true);
        int tiles = (problem.Pixels + tile.Rows - 1) / tile.Rows * ((problem.Channels + tile.Columns - 1) / tile.Columns);
        var counts = gpu.Run(kernel.Write(), tiles, arguments);
        problem.CheckMeasured(gpu, arguments, isActivated, isRounded);
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    /// <summary>The checks are themselves checked: each of these faults in the text must be found.</summary>
    [TestCase(@"bar\.sync 0;", "", Kind.Forward, "nothing orders the two|never written|was not waited for")]
    [TestCase(@"wait_group 1;", "wait_group 2;", Kind.Forward, "nothing orders the two|never written|was not waited for")]
    [TestCase(@"mma(.*)\{(%f\d+), (%f\d+)", "mma$1{$3, $2", Kind.Forward, "Expected: less than")]
    [TestCase(@"xor\.b32", "or.b32", Kind.Forward, "")]
    [TestCase(@"\.shared \.align \d+ \.b8", ".shared .align 4 .b8", Kind.Forward, "not a multiple of")]
    [TestCase(@"rcp\.approx\.ftz\.f32", "mov.f32", Kind.Forward, "Expected: less than")]
    [TestCase(@"@%p\d+ (ld\.global\.v4\.f32)", "$1", Kind.Activated,
        "Expected: less than|behind the end of|before the start of|no allocation")]
    [TestCase(@"cvt\.rn\.bf16x2\.f32 (\S+), (\S+), (\S+);", "cvt.rn.bf16x2.f32 $1, $3, $2;", Kind.Activated, "Expected: less than")]
    [TestCase(@"@%p\d+ (st\.global)", "$1", Kind.Dgrad, "behind the end of|no allocation|nothing orders the two")]
    public void Planted_faults_are_found(string code, string planted, Kind kind, string message)
    {
        bool isBf16 = code.Contains("bf16", StringComparison.Ordinal);
        Assert.That(() => Check(new(128, 128, 64, 32, 3), isBf16 ? MmaShape.Bf16 : MmaShape.Tf32, kind, 1, plant: text =>
        {
            string faulty = Regex.Replace(text, code, planted);
            Assert.That(faulty, Is.Not.EqualTo(text), "the fault was planted");
            return faulty;
        }), Throws.Exception.With.Message.Match(message));
    }

    private static void Check(ProductTile tile, MmaShape shape, Kind kind, int stride, int slices = 1, int outputs = K,
        Func<string, string>? plant = null, bool isRounded = false)
    {
        bool isDgrad = kind == Kind.Dgrad, isActivated = kind == Kind.Activated, isSliced = slices > 1;
        var problem = isDgrad ? new ConvolutionProblem(shape, true, stride, c: outputs == K ? C : outputs, k: K, slices: slices)
            : new ConvolutionProblem(shape, false, stride, c: C, k: outputs, slices: slices);
        using var gpu = new WrittenLaunch();
        int tiles = (problem.Pixels + tile.Rows - 1) / tile.Rows * ((problem.Channels + tile.Columns - 1) / tile.Columns);
        int steps = ConvolutionProblem.Taps * ((problem.Source * shape.ValueBytes + 63) / 64), perSlice = (steps + slices - 1) / slices;
        slices = (steps + perSlice - 1) / perSlice;
        var kernel = new ConvolutionKernel(tile, shape, isDgrad, isActivated, isSliced, problem.Channels % 2 != 0, isRounded).Write();
        var arguments = problem.Arguments(gpu, isActivated, isRounded) with { Tiles = tiles, StepsPerSlice = perSlice };
        var counts = gpu.Run(plant is null ? kernel : kernel with { Text = plant(kernel.Text) }, tiles * slices, arguments);
        double[] expected = problem.Expected(isActivated);
        if (isRounded)
        {
            // Activated values are rounded as the oracle rounds them, but for a few in the middle between two.
            Assert.That(WrittenLaunch.WorstRounded(gpu.GetRounded(arguments.Y, expected.Length), expected),
                Is.LessThan(isActivated ? 5e-3 : 1e-6));
        }
        else
        {
            float[] got = gpu.Get(arguments.Y, slices * expected.Length);
            got = [.. Enumerable.Range(0, expected.Length).Select(i => Enumerable.Range(0, slices).Sum(z => got[z * expected.Length + i]))];
            Assert.That(WrittenLaunch.Worst(got, expected), Is.LessThan(Allowed(shape, isActivated)));
        }
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    /// <summary>In TF32 the tensor core cuts activated values off, in BF16 they are rounded as the oracle rounds them.</summary>
    private static double Allowed(MmaShape shape, bool isActivated) => !isActivated ? 1e-6 : shape == MmaShape.Tf32 ? 1e-3 : 5e-3;

    [Test]
    public void Wgrad_equals_the_oracle([ValueSource(nameof(WgradTiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape,
        [Values] bool isActivated, [Values(1, 2)] int stride) => CheckWgrad(tile, shape, isActivated, stride);

    /// <inheritdoc cref="Of_any_tile_equals_the_oracle"/>
    [Test]
    public void Wgrad_of_any_tile_equals_the_oracle([ValueSource(nameof(SearchedWgradTiles))] ProductTile tile,
        [ValueSource(nameof(Shapes))] MmaShape shape) => CheckWgrad(tile, shape, false, 1);

    private static void CheckWgrad(ProductTile tile, MmaShape shape, bool isActivated, int stride)
    {
        var problem = new WgradProblem(shape, stride, shape.StepDepth, C, K);
        using var gpu = new WrittenLaunch();
        var arguments = problem.Arguments(gpu, tile.Rows, tile.Columns, isActivated);
        var counts = gpu.Run(new WgradKernel(tile, shape, isActivated).Write(), arguments.Tiles * problem.Slices, arguments);
        float[] slices = gpu.Get(arguments.Partial, problem.Slices * problem.Outputs * problem.Columns);
        Assert.That(WrittenLaunch.Worst(problem.Sum(slices), problem.Expected(isActivated)), Is.LessThan(Allowed(shape, isActivated)));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }
}
