using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// The prologue on tensor cores, forward and wgrad, on the virtual GPU: x is activated between registers and shared memory.
/// </summary>
internal sealed class TensorPrologueTests
{
    // Rows of a tile from several images, taps that fall into the padding, channels that a step does not divide; stride 2; a 1x1 kernel.
    private static readonly Conv2dShape Several = Conv2dShape.Same(3, 6, 5, 24, 40, 3), Strided = new(2, 9, 8, 16, 12, 3, 3, 2, 0, 1),
        Pointwise = new(3, 7, 6, 32, 134, 1, 1), Image = Conv2dShape.Same(2, 8, 8, 16, 3, 3), Whole = Conv2dShape.Same(2, 8, 8, 16, 16, 3);

    private static IEnumerable<TestCaseData> ForwardCases => Cases(wgrad: false);

    private static IEnumerable<TestCaseData> WgradCases => Cases(wgrad: true);

    private static IEnumerable<TestCaseData> Cases(bool wgrad)
    {
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
        {
            foreach (var tile in TensorPlan.Tiles.Where(t => t.ActivatedResident > 0 && (!wgrad || t.WgradResident > 0)))
            {
                foreach (bool silu in new[] { false, true })
                    yield return Case(precision, tile.Name, Several, silu);
                if (wgrad)
                {
                    yield return Case(precision, tile.Name, Whole, true);
                }
                else
                {
                    yield return Case(precision, tile.Name, Strided, true);
                    yield return Case(precision, tile.Name, tile.Name == TileName.T128x32 ? Image : Pointwise, true);
                }
            }
        }
        static TestCaseData Case(Precision precision, TileName tile, Conv2dShape s, bool silu) =>
            new TestCaseData(precision, tile, s, silu).SetArgDisplayNames($"{precision}, {tile}, {s}{(silu ? ", silu" : "")}");
    }

    [TestCaseSource(nameof(ForwardCases))]
    public void Forward_equals_the_oracle(Precision precision, TileName tile, Conv2dShape s, bool silu) =>
        CheckForward(null, precision, tile, s, silu);

    [TestCaseSource(nameof(WgradCases))]
    public void Wgrad_equals_the_oracle(Precision precision, TileName tile, Conv2dShape s, bool silu) =>
        CheckWgrad(null, precision, tile, s, silu);

    /// <summary>The check is itself checked: 128 pixels of two images, whose rows 0 and 64 one thread copies.</summary>
    [TestCase(Precision.Tf32, @"setp\.ne\.s32 inside,\s+%r\d+, 0;(?= mov\.f32 s0)", "setp.ne.s32 inside, 1, 0;", "element|" + Signs.Outside,
        TestName = "prologue: an activated padding fails")]
    [TestCase(Precision.Bf16, @"setp\.ne\.s32 inside,\s+%r\d+, 0;(?= mov\.f32 s0)", "setp.ne.s32 inside, 1, 0;", "element|" + Signs.Outside,
        TestName = "prologue: an activated padding fails in BF16")]
    [TestCase(Precision.Tf32, @"(\{s0, s1, s2, s3\}, \[%rd\d+)(.*?)\{s0, s1, s2, s3\}, \[%rd\d+", "$1$2$1", "element",
        TestName = "prologue: another image's scale fails")]
    [TestCase(Precision.Tf32, @"(\{h0, h1, h2, h3\}, \[%rd\d+)(.*?)\{h0, h1, h2, h3\}, \[%rd\d+", "$1$2$1", "element",
        TestName = "prologue: another image's shift fails")]
    [TestCase(Precision.Tf32, @"fma\.rn\.f32 v1, v1, s1, h1;", "fma.rn.f32 v1, v1, s1, h0;", "element",
        TestName = "prologue: another channel's shift fails")]
    [TestCase(Precision.Tf32, @"mul\.f32 v3, v3, t;", "", "element", TestName = "prologue: a value without its SiLU fails")]
    [TestCase(Precision.Bf16, @"cvt\.rn\.bf16x2\.f32 w0, v1, v0;", "cvt.rn.bf16x2.f32 w0, v0, v1;", "element",
        TestName = "prologue: exchanged halves fail")]
    [TestCase(Precision.Tf32, @"bar\.sync 0;", "", Signs.Unordered, TestName = "prologue: a missing barrier fails")]
    public void Planted_faults_fail(Precision precision, string code, string planted, string message)
    {
        foreach (bool wgrad in new[] { false, true })
        {
            string ptx =
                TensorEmulation.Ptx(TensorEmulation.Kernel(wgrad ? "WgradActivated" : "ConvActivated", TileName.T128x128, precision));
            string faulty = Regex.Replace(ptx, code, planted, RegexOptions.Singleline);
            Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
            // Whole steps, so that no piece lies behind the last channel. Images of one step of wgrad's pixels, so that a thread's two are
            // of two images there as well.
            var s = wgrad ? Conv2dShape.Same(8, 2, precision == Precision.Tf32 ? 4 : 8, 16, 16, 3)
                : Conv2dShape.Same(2, 8, 8, precision == Precision.Tf32 ? 16 : 32, 16, 3);
            Assert.That(() =>
            {
                if (wgrad) CheckWgrad(faulty, precision, TileName.T128x128, s, true);
                else
                    CheckForward(faulty, precision, TileName.T128x128, s, true);
            },
                Throws.Exception.With.Message.Match(message), wgrad ? "wgrad" : "forward");
        }
    }

    /// <summary>x, the factors [N,2C] (scales that TF32 and BF16 keep exact), and act(scale x + shift) in double precision.</summary>
    private static (float[] X, float[] Factors, double[] U) Input(Conv2dShape s, bool silu)
    {
        float[] x = TensorEmulation.Exact(1, s.Input.Length), factors = TensorEmulation.Exact(6, s.N * 2 * s.C);
        var random = new Random(7);
        var u = new double[x.Length];
        for (int n = 0; n < s.N; n++)
            for (int c = 0; c < s.C; c++)
                factors[n * 2 * s.C + c] = (random.Next(2) * 2 - 1) * MathF.Pow(2, random.Next(-1, 2));
        for (int i = 0; i < x.Length; i++)
        {
            int at = i / (s.H * s.W * s.C) * 2 * s.C + i % s.C;
            double v = factors[at] * (double)x[i] + factors[at + s.C];
            u[i] = silu ? v / (1 + Math.Exp(-v)) : v;
        }
        return (x, factors, u);
    }

    /// <summary>Without SiLU every factor is exact; behind it each is rounded, and a sum errs by some of these errors.</summary>
    private static double Tolerance(Precision precision, bool silu) => !silu ? 1e-5 : precision == Precision.Tf32 ? 2e-3 : 1.6e-2;

    private static void CheckForward(string? faulty, Precision precision, TileName name, Conv2dShape s, bool silu)
    {
        var kernel = TensorEmulation.Kernel("ConvActivated", name, precision);
        var tile = TensorPlan.Find(name);
        var g = TensorConvolution.Of(ImagePass.Forward(s));
        var (x, factors, u) = Input(s, silu);
        float[] w = TensorEmulation.Exact(2, s.Weight.Length), bias = TensorEmulation.Exact(3, s.K);
        var memory = new DeviceMemory();
        byte[] y = TensorEmulation.Unwritten(s.Output.Length);
        (g.X, g.W, g.Y) = (memory.Add(TensorEmulation.Bytes(x)), memory.Add(TensorEmulation.Bytes(precision, w)), memory.Add(y));
        g.Prologue = TensorActivationFactors.Of(memory.Add(TensorEmulation.Bytes(factors)), s.C, silu);
        g.HasBias = 1;
        if (precision == Precision.Bf16)
            g.SourceBytes /= 2;
        byte[] view = MemoryMarshal.AsBytes<long>([memory.Add(TensorEmulation.Bytes(bias)), bias.Length]).ToArray();
        int groups = (g.Pixels + tile.Rows - 1) / tile.Rows * ((g.Channels + tile.Columns - 1) / tile.Columns);
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, groups, TensorEmulation.Argument(g), view);
        var expected = new double[s.Output.Length];
        Conv2dCases.Forward(s, u, TensorEmulation.Doubles(w), TensorEmulation.Doubles(bias), expected);
        TensorEmulation.Expect(expected, MemoryMarshal.Cast<byte, float>(y), Tolerance(precision, silu));
    }

    private static void CheckWgrad(string? faulty, Precision precision, TileName name, Conv2dShape s, bool silu)
    {
        var kernel = TensorEmulation.Kernel("WgradActivated", name, precision);
        var tile = TensorPlan.Find(name);
        var g = TensorWgrad.Of(s, precision == Precision.Bf16 ? 2 : 4);
        g.StepsPerSlice = g.Problem.Steps;
        var (x, factors, u) = Input(s, silu);
        float[] dy = TensorEmulation.Exact(2, s.Output.Length);
        var memory = new DeviceMemory();
        byte[] partial = TensorEmulation.Unwritten(s.Weight.Length);
        (g.X, g.Dy, g.Partial) = (memory.Add(TensorEmulation.Bytes(x)), memory.Add(TensorEmulation.Bytes(precision, dy)),
            memory.Add(partial));
        g.Prologue = TensorActivationFactors.Of(memory.Add(TensorEmulation.Bytes(factors)), s.C, silu);
        int tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, tiles, TensorEmulation.Argument(g),
            TensorEmulation.Argument(tiles));
        var expected = new double[s.Weight.Length];
        Conv2dCases.Wgrad(s, u, TensorEmulation.Doubles(dy), expected, null);
        TensorEmulation.Expect(expected, MemoryMarshal.Cast<byte, float>(partial), Tolerance(precision, silu));
    }
}
