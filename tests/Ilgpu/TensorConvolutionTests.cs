using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// The tensor-core kernels, held to the case list's oracle without a GPU: a virtual one runs the very PTX that a driver would get, and
/// refuses stray accesses, races between copies and reads, and warps that part.
/// </summary>
internal sealed class TensorConvolutionTests
{
    private static IEnumerable<TestCaseData> Shapes()
    {
        Conv2dShape[] shapes =
        [
            Conv2dShape.Same(1, 5, 5, 16, 16, 3),            // one tile, mostly empty
            Conv2dShape.Same(2, 9, 8, 24, 40, 3),            // two tiles of rows, channels that a step does not divide
            new(1, 9, 8, 16, 12, 3, 3, 2, 0, 1),             // stride 2, padded at the end
            new(1, 7, 6, 32, 134, 1, 1),                     // two tiles of columns; fewer steps than stages
            new(130, 1, 1, 64, 16, 1, 1),                    // a linear layer
            new(1, 6, 5, 16, 14, 5, 3, 1, 2, 1),             // an odd kernel
            Conv2dShape.Same(1, 5, 5, 16, 3, 3),             // an image's three channels: dgrad's are padded
            Conv2dShape.Same(1, 5, 5, 3, 16, 3),             // and at its other end forward's
        ];
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
            foreach (var tile in TensorPlan.Tiles)
                // All shapes for one tile; for the others those that differ most.
                foreach (var s in tile.Name == TileName.T128x128 ? shapes : [shapes[2], shapes[3], shapes[^1]])
                    foreach (bool dgrad in new[] { false, true })
                        if (TensorPlan.Candidates(new(1, dgrad ? s.C : s.K, 1, TensorOperation.Convolution), int.MaxValue)
                            .Any(c => c.Tile == tile.Name))
                            yield return new TestCaseData(precision, tile.Name, s,
                                dgrad).SetArgDisplayNames($"{precision}, {tile.Name}, {s}, {(dgrad ? "dgrad" : "forward")}");
    }

    [TestCaseSource(nameof(Shapes))]
    public void Equals_the_oracle(Precision precision, TileName tile, Conv2dShape s, bool dgrad) => Check(null, precision, tile, s, dgrad);

    /// <summary>The check is itself checked: each of these faults in the PTX must fail it.</summary>
    [TestCase(@"bar\.sync 0;", "", Signs.Unordered, TestName = "A missing barrier fails")]
    [TestCase(@"wait_group 1;", "wait_group 2;", Signs.Unordered, TestName = "A wait that is too short fails")]
    [TestCase(@"inside, %r\d+, 24;", "inside, 0, 24;", "element", TestName = "An unwritten column fails")]
    [TestCase(@"\{acc8, acc9\};", "{acc9, acc8};", "element", TestName = "A swapped index fails")]
    [TestCase(@"b0, b1\}, \{acc0,", "b1, b0}, {acc0,", "element", TestName = "A swapped fragment fails")]
    [TestCase(@"xor\.b32", "or.b32", "", TestName = "A wrong swizzle fails")]
    public void Planted_faults_fail(string code, string planted, string message)
    {
        string ptx = TensorEmulation.Ptx(TensorEmulation.Kernel("Conv", TileName.T128x128, Precision.Tf32));
        string faulty = Regex.Replace(ptx, code, planted);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(() => Check(faulty, Precision.Tf32, TileName.T128x128, new(1, 7, 6, 32, 134, 3, 3, 1, 1, 1), dgrad: false),
            Throws.Exception.With.Message.Match(message));
    }

    /// <summary>
    /// Sixteen bytes at a time need an array that is declared so; a declaration of less works by luck only, and the virtual GPU has none.
    /// </summary>
    [TestCase(TileName.T64x64, TestName = "Shared memory aligned to four bytes fails")]
    [TestCase(TileName.T128x256, TestName = "Dynamic shared memory aligned to four bytes fails")]
    public void Shared_memory_is_aligned_to_sixteen_bytes(TileName tile)
    {
        string ptx = TensorEmulation.Ptx(TensorEmulation.Kernel("Conv", tile, Precision.Tf32));
        var declared = Regex.Matches(ptx, @"\.shared \.align (\d+) \.b8");
        Assert.That(declared, Has.Count.EqualTo(1), ptx);
        Assert.That(int.Parse(declared[0].Groups[1].Value, CultureInfo.InvariantCulture) % 16, Is.Zero);
        string faulty = ptx.Replace(declared[0].Value, ".shared .align 4 .b8", StringComparison.Ordinal);
        Assert.That(() => Check(faulty, Precision.Tf32, tile, Conv2dShape.Same(1, 5, 5, 16, 16, 3), dgrad: false),
            Throws.Exception.With.Message.Match(Signs.Misaligned));
    }

    private static IEnumerable<TestCaseData> Epilogues()
    {
        // Several images in a tile of rows, one image in several tiles; channels behind which a tile is empty; an odd number of them.
        Conv2dShape even = new(3, 7, 6, 16, 134, 3, 3, 1, 1, 1), deep = Conv2dShape.Same(1, 14, 12, 16, 20, 1),
            odd = Conv2dShape.Same(2, 9, 8, 16, 3, 3);
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
        {
            foreach (var tile in TensorPlan.Tiles)
                yield return Case(precision, tile.Name, tile.Name == TileName.T128x32 ? odd : even, "er", 0.75f, true);
            yield return Case(precision, TileName.T128x128, deep, "e", 1f, false);
            yield return Case(precision, TileName.T128x32, deep, "r", 0.75f, false);
            yield return Case(precision, TileName.T64x64, deep, "", -2f, true);
        }
        static TestCaseData Case(Precision precision, TileName tile, Conv2dShape s, string terms, float scale, bool silu) =>
            new TestCaseData(precision, tile, s,
                new Epilogue(terms, scale, silu)).SetArgDisplayNames(
                    FormattableString.Invariant($"{precision}, {tile}, {s}, '{terms}' scale {scale}{(silu ? " silu" : "")}"));
    }

    [TestCaseSource(nameof(Epilogues))]
    public void The_epilogue_equals_the_oracle(Precision precision, TileName tile, Conv2dShape s, Epilogue epilogue) =>
        Check(null, precision, tile, s, dgrad: false, epilogue);

    [TestCase(@"add\.f32 acc9, acc9, t5;", "add.f32 acc9, acc9, t4;", "element", TestName = "A wrong neighbour's residual fails")]
    [TestCase(@"\{t2, t3\}, \[(%rd\d+)\+32\]", "{t2, t3}, [$1+0]", "element", TestName = "Another column's residual fails")]
    [TestCase(@"(\{t0, t1\}.*?)setp\.gt\.s32 inside, %r\d+, 24;", "$1setp.gt.s32 inside, 25, 24;", Signs.Outside,
        TestName = "A load behind the last row fails")]
    [TestCase(@"mul\.f32 acc63, acc63, t;", "", "element", TestName = "A sum without its SiLU fails")]
    [TestCase(@"rcp\.approx\.ftz\.f32 t, t;", "mov.f32 t, t;", "element", TestName = "A quotient turned round fails")]
    public void Planted_faults_in_the_epilogue_fail(string code, string planted, string message)
    {
        string ptx = TensorEmulation.Ptx(TensorEmulation.Kernel("Conv", TileName.T128x128, Precision.Tf32));
        string faulty = Regex.Replace(ptx, code, planted, RegexOptions.Singleline);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(
            () => Check(faulty, Precision.Tf32, TileName.T128x128, new(3, 7, 6, 16, 134, 1, 1), dgrad: false, new("er", 0.75f, true)),
            Throws.Exception.With.Message.Match(message));
    }

    /// <summary>
    /// A kernel that writes nothing is caught although its output holds the right values of an earlier run: the check runs on changed
    /// inputs and an output full of NaN.
    /// </summary>
    [Test]
    public void A_stale_output_fails()
    {
        string ptx = TensorEmulation.Ptx(TensorEmulation.Kernel("Conv", TileName.T64x64, Precision.Bf16));
        string faulty = Regex.Replace(ptx, @"@inside st\.global[^;]*;", "");
        var s = Conv2dShape.Same(1, 5, 5, 16, 16, 3);
        Assert.That(() => Check(faulty, Precision.Bf16, TileName.T64x64, s, dgrad: false),
            Throws.Exception.With.Message.Contains("element 0 is NaN"));
    }

    /// <param name="Terms">Which of e(mbedding) and r(esidual) are added.</param>
    /// <param name="Scale">Of the sum.</param>
    /// <param name="Silu">Whether it comes last.</param>
    public sealed record Epilogue(string Terms, float Scale, bool Silu);

    private static void Check(string? faulty, Precision precision, TileName name, Conv2dShape s, bool dgrad, Epilogue? epilogue = null)
    {
        var e = epilogue ?? new("", 1f, false);
        var kernel = TensorEmulation.Kernel("Conv", name, precision);
        var tile = TensorPlan.Find(name);
        var g = TensorConvolution.Of(new ImagePass(s, dgrad));
        float[] x = TensorEmulation.Exact(1, dgrad ? s.Output.Length : s.Input.Length), w = TensorEmulation.Exact(2, s.Weight.Length),
            bias = TensorEmulation.Exact(3, s.K);
        float[] weights = dgrad ? ExchangeChannels(s, w) : w;
        var memory = new DeviceMemory();
        byte[] y = TensorEmulation.Unwritten(dgrad ? s.Input.Length : s.Output.Length);
        int channels = dgrad ? s.K : s.C, padded = ConvolutionPlan.Padded(precision, channels);
        byte[] Factors(float[] values) => TensorEmulation.Bytes(precision, TensorEmulation.Pad(values, channels, padded));
        (g.X, g.W, g.Y) = (memory.Add(Factors(x)), memory.Add(Factors(weights)), memory.Add(y));
        g.HasBias = dgrad ? 0 : 1;
        float[]? embedding = e.Terms.Contains('e') ? TensorEmulation.Exact(4, s.N * s.K) : null, residual = e.Terms.Contains('r')
            ? TensorEmulation.Exact(5, s.Output.Length) : null;
        (g.Embedding, g.Residual) = (embedding is null ? 0 : memory.Add(TensorEmulation.Bytes(embedding)),
            residual is null ? 0 : memory.Add(TensorEmulation.Bytes(residual)));
        (g.Scale, g.Silu) = (e.Scale, e.Silu ? 1 : 0);
        g.SourceBytes = padded * (precision == Precision.Bf16 ? 2 : 4);
        byte[] view = MemoryMarshal.AsBytes<long>([memory.Add(TensorEmulation.Bytes(bias)), bias.Length]).ToArray();
        int groups = (g.Pixels + tile.Rows - 1) / tile.Rows * ((g.Channels + tile.Columns - 1) / tile.Columns);
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, groups, TensorEmulation.Argument(g), view);
        double[] expected = Oracle(s, dgrad, x, w, bias);
        for (int i = 0; i < expected.Length; i++)
        {
            double v = expected[i] + (embedding?[i / (s.P * s.Q * s.K) * s.K + i % s.K] ?? 0) + (residual?[i] ?? 0);
            expected[i] = e.Scale * v / (e.Silu ? 1 + Math.Exp(-e.Scale * v) : 1);
        }
        TensorEmulation.Expect(expected, MemoryMarshal.Cast<byte, float>(y));
    }

    internal static float[] ExchangeChannels(Conv2dShape s, float[] w)
    {
        int taps = s.R * s.S;
        var y = new float[w.Length];
        for (int k = 0; k < s.K; k++)
            for (int t = 0; t < taps; t++)
                for (int c = 0; c < s.C; c++)
                    y[(c * taps + t) * s.K + k] = w[(k * taps + t) * s.C + c];
        return y;
    }

    private static double[] Oracle(Conv2dShape s, bool dgrad, float[] x, float[] w, float[] bias)
    {
        if (dgrad)
        {
            var dx = new double[s.Input.Length];
            Conv2dCases.Dgrad(s, TensorEmulation.Doubles(x), TensorEmulation.Doubles(w), dx);
            return dx;
        }
        var y = new double[s.Output.Length];
        Conv2dCases.Forward(s, TensorEmulation.Doubles(x), TensorEmulation.Doubles(w), TensorEmulation.Doubles(bias), y);
        return y;
    }

    [Category(MachineCodeTests.Ptxas)]
    [Test]
    public void Machine_code_is_tensor_cores_and_asynchronous_copies()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        foreach (var row in KernelCatalog.Rows(KernelCatalog.Find("TensorConv"), GpuArchitecture.All))
        {
            var tile =
                TensorPlan.Tiles.Single(
                    t => row.Name.Contains(t.Name.ToString()[1..] + "Tf32", StringComparison.Ordinal)
                        || row.Name.Contains(t.Name.ToString()[1..] + "Bf16", StringComparison.Ordinal));
            Assert.That(row.MainLoop!.Hmma, Is.EqualTo(tile.Rows * tile.Columns / 64 / (row.GroupSize / 32)));
            bool activated = row.Name.Contains("Activated", StringComparison.Ordinal);
            Assert.That(row.MainLoop.Ffma, Is.EqualTo(activated ? TensorEmulation.ActivationFfma(row, tile.Rows) : 0));
            Assert.That(row.MainLoop.Ldgsts, Is.EqualTo((activated ? tile.Columns : tile.Rows + tile.Columns) * 4 / row.GroupSize));
            Assert.That(row.MainLoop.Sts, Is.EqualTo(activated ? tile.Rows * 4 / row.GroupSize : 0), "16 bytes a store");
            Assert.That(row.MainLoop.Lds, Is.Zero, "fragments come by ldmatrix");
            Assert.That(row.MainLoop.Local, Is.Zero);
            Assert.That(row.SharedBytes, Is.EqualTo(tile.SharedBytes));
            Assert.That(row.Occupancy,
                Is.GreaterThanOrEqualTo((activated ? tile.ActivatedResident : tile.Resident) * row.GroupSize / 2048.0),
                "as many groups as the plan counts on");
        }
    }
}

/// <summary>What the precisions do to a number, and where they are refused.</summary>
internal sealed class PrecisionTests
{
    [TestCase(1f, 1f)]
    [TestCase(1.00390625f, 1f)]          // halfway: to even
    [TestCase(1.01171875f, 1.015625f)]   // halfway: to even
    [TestCase(-3.4e38f, float.NegativeInfinity)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(float.NaN, float.NaN)]
    public void BFloat16_rounds_to_nearest_even(float x, float expected) =>
        Assert.That(BitConverter.UInt32BitsToSingle(IlgpuBackend.RoundBFloat16(x) << 16), Is.EqualTo(expected));

    /// <summary>
    /// The factor of RoundTf32 and the tensor core's cut together: exact values stay, others err by at most 0.7 of the last of 10 bits, and
    /// by nothing on average.
    /// </summary>
    [Test]
    public void Tf32_rounding_is_exact_where_it_can_be_and_unbiased()
    {
        float factor = BitConverter.UInt32BitsToSingle(0x3F800B17);
        static float Cut(float v) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(v) & 0xFFFFE000);
        var random = new Random(4);
        double sum = 0;
        const int count = 100_000;
        for (int i = 0; i < count; i++)
        {
            float x = (float)Math.Pow(2, random.NextDouble() * 8 - 4);
            double unit = Math.Pow(2, Math.Floor(Math.Log2(x)) - 10);
            double error = (Cut(x * factor) - x) / unit;
            sum += error;
            Assert.That(Math.Abs(error), Is.LessThan(0.7));
            Assert.That(Cut(Cut(x) * factor), Is.EqualTo(Cut(x)));
        }
        Assert.That(sum / count, Is.EqualTo(0).Within(0.01));
        Assert.That(Cut(float.NaN * factor), Is.NaN);
        Assert.That(Cut(float.NegativeInfinity * factor), Is.EqualTo(float.NegativeInfinity));
    }

    [Test]
    public void A_device_without_tensor_cores_refuses()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        Assert.That(() => backend.Precision = Precision.Tf32,
            Throws.TypeOf<BDenseException>().With.Message.Contains("tf32 needs the tensor cores"));
        backend.Precision = Precision.Fp32;
    }

    /// <summary>
    /// The passes before the products, on a device: padding, rounding, both; and behind wgrad's the sum of padded slices.
    /// </summary>
    [TestCase(Precision.Tf32, 3), TestCase(Precision.Bf16, 3), TestCase(Precision.Bf16, 12), TestCase(Precision.Bf16, 16),
        TestCase(Precision.Tf32, 12)]
    public void Factors_are_padded_and_rounded(Precision precision, int channels)
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, 6 * channels).Select(_ => (float)random.NextDouble() - 0.5f)];
        using var x = backend.FromArray(values, new Shape(6, channels));
        using var factors = backend.Factors(precision, x, channels);
        byte[] expected = TensorEmulation.Bytes(precision,
            TensorEmulation.Pad(values, channels, ConvolutionPlan.Padded(precision, channels)));
        if (factors is null)
            Assert.That(expected, Is.EqualTo(TensorEmulation.Bytes(values)), "nothing is to be done");
        else
            Assert.That(TensorEmulation.Bytes(factors.ToArray()), Is.EqualTo(expected));
    }

    [TestCase(Precision.Tf32, 3), TestCase(Precision.Bf16, 3), TestCase(Precision.Bf16, 16), TestCase(Precision.Tf32, 16)]
    public void Weights_for_dgrad_are_exchanged_padded_and_rounded(Precision precision, int outputs)
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        var s = Conv2dShape.Same(1, 2, 2, 5, outputs, 3);
        float[] values = TensorEmulation.Exact(8, s.Weight.Length);
        using var w = backend.FromArray(values, s.Weight);
        using var crsk = backend.Exchanged(precision, s, w);
        float[] padded = TensorEmulation.Pad(TensorConvolutionTests.ExchangeChannels(s, values), s.K,
            ConvolutionPlan.Padded(precision, s.K));
        Assert.That(TensorEmulation.Bytes(crsk.ToArray()), Is.EqualTo(TensorEmulation.Bytes(precision, padded)));
    }

    [Test]
    public void Padded_slices_are_added_in_order()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        // Two slices of three rows of four channels, the last of them padding.
        float[] slices = TensorEmulation.Exact(6, 2 * 3 * 4), before = TensorEmulation.Exact(7, 3 * 3);
        using var partial = backend.FromArray(slices, new Shape(2, 3, 4));
        using var dw = backend.FromArray(before, new Shape(3, 3));
        backend.SumSlices(partial, 2, 4, dw);
        for (int i = 0; i < before.Length; i++)
            Assert.That(dw.ToArray()[i], Is.EqualTo(before[i] + slices[i / 3 * 4 + i % 3] + slices[12 + i / 3 * 4 + i % 3]));
    }

    /// <summary>A slower path than the one asked for is said once for each kind of problem, and the asked one never.</summary>
    [Test]
    public void Another_precision_is_said_once()
    {
        var lines = new List<string>();
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        backend.OnNotice = lines.Add;
        foreach (int channels in new[] { 3, 3, 5 })
            backend.NoticePrecision("dgrad", channels, 256, Precision.Tf32);
        backend.NoticePrecision("dgrad", 7, 256, backend.Precision);
        Assert.That(lines, Has.Count.EqualTo(2));
        Assert.That(lines[0], Does.StartWith("dgrad 3 -> 256 is computed in tf32, not fp32").And.Not.Contain('\n'));
    }

    [TestCase(Precision.Fp32, 256, 256, true, Precision.Fp32)]
    [TestCase(Precision.Tf32, 256, 256, true, Precision.Tf32)]
    [TestCase(Precision.Bf16, 256, 12, true, Precision.Bf16)]
    [TestCase(Precision.Bf16, 12, 256, true, Precision.Tf32)]
    [TestCase(Precision.Tf32, 3, 128, true, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 3, true, Precision.Bf16)]
    [TestCase(Precision.Bf16, 256, 256, false, Precision.Fp32)]
    public void The_plan(Precision asked, int sourceChannels, int channels, bool aligned, Precision expected) =>
        Assert.That(ConvolutionPlan.Choose(asked, sourceChannels, channels, aligned), Is.EqualTo(expected));
}
