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
    private const int N = 2, H = 7, W = 6, C = 24, K = 40, R = 3, S = 3, Pad = 1;
    private const float MinusLog2E = -1.44269504f;

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
        int p = Out(H, stride), q = Out(W, stride);
        bool isDgrad = kind == Kind.Dgrad, isActivated = kind == Kind.Activated, isSliced = slices > 1;
        // Source [N, h, w, c]; result [N, height, width, o]; weights [o, R, S, c].
        var (h, w, c) = isDgrad ? (p, q, K) : (H, W, C);
        var (height, width, o) = isDgrad ? (H, W, outputs == K ? C : outputs) : (p, q, outputs);
        var random = new Random(1);
        float[] Some(int count) => WrittenLaunch.Rounded(random, count, shape);
        float[] x = Some(N * h * w * c), weights = Some(o * R * S * c), bias = Some(o), embedding = Some(N * o),
            residual = Some(N * height * width * o),
            factors = Some(N * 2 * c);
        using var gpu = new WrittenLaunch();
        int pixels = N * height * width, tiles = (pixels + tile.Rows - 1) / tile.Rows * ((o + tile.Columns - 1) / tile.Columns);
        int steps = R * S * ((c * shape.ValueBytes + 63) / 64), perSlice = (steps + slices - 1) / slices;
        slices = (steps + perSlice - 1) / perSlice;
        long y = gpu.Empty(slices * residual.Length);
        var kernel = new ConvolutionKernel(tile, shape, isDgrad, isActivated, isSliced, o % 2 != 0, isRounded).Write();
        var counts = gpu.Run(plant is null ? kernel : kernel with { Text = plant(kernel.Text) }, tiles * slices, new ConvolutionArguments
        {
            X = isActivated ? gpu.Put(x) : gpu.Put(x, shape),
            W = gpu.Put(weights, shape),
            Y = y,
            Bias = gpu.Put(bias),
            Embedding = gpu.Put(embedding),
            Residual = isRounded ? gpu.Put(residual, shape) : gpu.Put(residual),
            Factors = gpu.Put(factors),
            Pixels = pixels,
            Channels = o,
            Height = height,
            Width = width,
            SourceHeight = h,
            SourceWidth = w,
            SourceBytes = c * 32 / shape.Depth,
            Rows = R,
            Columns = S,
            Stride = stride,
            Pad = Pad,
            Silu = 1,
            Tiles = tiles,
            StepsPerSlice = perSlice,
            ShiftBytes = 4 * c,
            Scale = 0.7f,
            Slope = MinusLog2E,
        });

        var expected = new double[residual.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            int n = i / (height * width * o), row = i / (width * o) % height, column = i / o % width, channel = i % o;
            double sum = isSliced ? 0 : bias[channel] + embedding[n * o + channel] + residual[i];
            for (int tap = 0; tap < R * S; tap++)
            {
                var (v, u, isThere) = isDgrad ? Whole(row + Pad - tap / S, column + Pad - tap % S, stride)
                    : (row * stride + tap / S - Pad, column * stride + tap % S - Pad, true);
                if (!isThere || v < 0 || v >= h || u < 0 || u >= w)
                    continue;
                for (int k = 0; k < c; k++)
                {
                    double value = x[((n * h + v) * w + u) * c + k];
                    if (isActivated)
                        value = Activated(value, factors[n * 2 * c + k], factors[n * 2 * c + c + k], shape);
                    sum += value * weights[(channel * R * S + tap) * c + k];
                }
            }
            expected[i] = isSliced ? sum : Silu(0.7 * sum);
        }
        if (isRounded)
        {
            // Activated values are rounded as the oracle rounds them, but for a few in the middle between two.
            Assert.That(WrittenLaunch.WorstRounded(gpu.GetRounded(y, expected.Length), expected), Is.LessThan(isActivated ? 5e-3 : 1e-6));
            Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
            return;
        }
        float[] got = gpu.Get(y, slices * expected.Length);
        got = [.. Enumerable.Range(0, expected.Length).Select(i => Enumerable.Range(0, slices).Sum(z => got[z * expected.Length + i]))];
        // In TF32 the tensor core cuts activated values off, in BF16 they are rounded as the oracle rounds them.
        double allowed = isActivated ? shape == MmaShape.Tf32 ? 1e-3 : 5e-3 : 1e-6;
        Assert.That(WrittenLaunch.Worst(got, expected), Is.LessThan(allowed));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    [Test]
    public void Wgrad_equals_the_oracle([ValueSource(nameof(WgradTiles))] ProductTile tile, [ValueSource(nameof(Shapes))] MmaShape shape,
        [Values] bool isActivated, [Values(1, 2)] int stride) => CheckWgrad(tile, shape, isActivated, stride);

    /// <inheritdoc cref="Of_any_tile_equals_the_oracle"/>
    [Test]
    public void Wgrad_of_any_tile_equals_the_oracle([ValueSource(nameof(SearchedWgradTiles))] ProductTile tile,
        [ValueSource(nameof(Shapes))] MmaShape shape) => CheckWgrad(tile, shape, false, 1);

    private static void CheckWgrad(ProductTile tile, MmaShape shape, bool isActivated, int stride)
    {
        int p = Out(H, stride), q = Out(W, stride), bytes = 32 / shape.Depth, depth = 2 * shape.Depth, pixels = N * p * q,
            columns = R * S * C;
        var random = new Random(1);
        float[] Some(int count) => WrittenLaunch.Rounded(random, count, shape);
        float[] x = Some(N * H * W * C), dy = Some(pixels * K), factors = Some(N * 2 * C);
        int steps = (pixels + depth - 1) / depth, perSlice = (steps + 1) / 2, slices = (steps + perSlice - 1) / perSlice;
        int tiles = (K + tile.Rows - 1) / tile.Rows * ((columns + tile.Columns - 1) / tile.Columns);
        using var gpu = new WrittenLaunch();
        long partial = gpu.Empty(slices * K * columns);
        var counts = gpu.Run(new WgradKernel(tile, shape, isActivated).Write(), tiles * slices, new WgradArguments
        {
            X = isActivated ? gpu.Put(x) : gpu.Put(x, shape),
            Dy = gpu.Put(dy, shape),
            Partial = partial,
            Factors = gpu.Put(factors),
            Pixels = pixels,
            Outputs = K,
            Columns = columns,
            SourceBytes = C * bytes,
            OutputBytes = K * bytes,
            Height = p,
            Width = q,
            SourceHeight = H,
            SourceWidth = W,
            KernelColumns = S,
            Stride = stride,
            Pad = Pad,
            StepsPerSlice = perSlice,
            StepN = depth / (p * q),
            StepP = depth / q % p,
            StepQ = depth % q,
            Tiles = tiles,
            ShiftBytes = 4 * C,
            Slope = MinusLog2E,
        });

        var expected = new double[K * columns];
        for (int i = 0; i < expected.Length; i++)
        {
            int k = i / columns, tap = i % columns / C, c = i % C;
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                int n = pixel / (p * q), h = pixel / q % p * stride + tap / S - Pad, w = pixel % q * stride + tap % S - Pad;
                if (h < 0 || h >= H || w < 0 || w >= W)
                    continue;
                double value = x[((n * H + h) * W + w) * C + c];
                if (isActivated)
                    value = Activated(value, factors[n * 2 * C + c], factors[n * 2 * C + C + c], shape);
                expected[i] += dy[pixel * K + k] * value;
            }
        }
        float[] slice = gpu.Get(partial, slices * K * columns);
        float[] sums =
            [.. Enumerable.Range(0, expected.Length).Select(i => Enumerable.Range(0, slices).Sum(z => slice[z * expected.Length + i]))];
        double allowed = isActivated ? shape == MmaShape.Tf32 ? 1e-3 : 5e-3 : 1e-6;
        Assert.That(WrittenLaunch.Worst(sums, expected), Is.LessThan(allowed));
        Assert.That(counts.Total.Conflicts, Is.EqualTo(1), "shared memory without bank conflicts");
    }

    private static int Out(int size, int stride) => (size + 2 * Pad - R) / stride + 1;

    /// <summary>The source of a transposed tap, where it is a whole number of strides away.</summary>
    private static (int V, int U, bool IsThere) Whole(int v, int u, int stride) =>
        (v / stride, u / stride, v % stride == 0 && u % stride == 0);

    private static double Activated(double x, double scale, double shift, MmaShape shape)
    {
        double value = Silu(x * scale + shift);
        if (shape == MmaShape.Tf32)
            return value;
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return BitConverter.UInt32BitsToSingle(bits + 0x7fff + (bits >> 16 & 1) & 0xffff0000);
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));
}
