using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Attention on tensor cores on the virtual GPU, forward and gradients, held to the case list's oracle.</summary>
internal sealed class TensorAttentionTests
{
    private const string Forward = "", Query = "QueryGradient", KeyValue = "KeyValueGradient", Key = "KeyGradient", Value = "ValueGradient";

    private static IEnumerable<TestCaseData> Shapes()
    {
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
        {
            foreach (int head in new[] { 32, 64, 128, 256 })
            {
                AttentionShape[] shapes =
                [
                    new(1, 17, 1, head),                       // fewer tokens than a block, or one more
                    new(2, head <= 64 ? 70 : 35, 2, head),     // two samples and heads; blocks and groups that end early
                    new(1, head <= 64 ? 128 : 64, 1, head),    // whole blocks and groups
                ];
                foreach (string pass in head == 256 ? new[] { Forward, Query, Key, Value } : [Forward, Query, KeyValue])
                    foreach (var s in shapes)
                        yield return new TestCaseData(precision, pass,
                            s).SetArgDisplayNames($"{precision}, {(pass.Length == 0 ? "Forward" : pass)}, {s}");
            }
        }
    }

    [TestCaseSource(nameof(Shapes))]
    public void Equals_the_oracle(Precision precision, string pass, AttentionShape s) => Check(null, precision, pass, s);

    /// <summary>The check is itself checked: each of these faults in the PTX must fail it.</summary>
    [TestCase(Precision.Bf16, Forward, @"bar\.sync 0;", "", Signs.Unordered, TestName = "attention: a missing barrier fails")]
    [TestCase(Precision.Tf32, KeyValue, @"bar\.sync 0;(?!.*bar\.sync)", "", Signs.Unordered,
        TestName = "attention: a missing last barrier fails")]
    [TestCase(Precision.Bf16, Forward, @"\.trans", "", "element", TestName = "attention: values that are not transposed fail")]
    [TestCase(Precision.Bf16, Forward, @"a1, s3, s2;", "a1, s2, s3;", "element", TestName = "attention: swapped weights fail")]
    [TestCase(Precision.Tf32, Query, @"a1, s2,", "a1, s1,", "element", TestName = "attention: the left operand's own order fails in TF32")]
    [TestCase(Precision.Tf32, Forward, @"\{b1, b3, b5, b7\}", "{b1, b5, b3, b7}", "element", TestName = "attention: a swapped index fails")]
    [TestCase(Precision.Bf16, Forward, @"@inside st\.global\.v2\.f32 \[%rd\d+\+224\][^;]*;", "", "is NaN",
        TestName = "attention: an unwritten tail fails")]
    [TestCase(Precision.Bf16, Forward, @"0fFF800000, inside", "0f00000000, inside", "element",
        TestName = "attention: tokens behind the last fail")]
    [TestCase(Precision.Bf16, Forward, @"acc5, acc5, shrink0", "acc5, acc5, shrink1", "element",
        TestName = "attention: another row's rescaling fails")]
    [TestCase(Precision.Tf32, Forward, @"max\.f32 n1, n1, t;", "mov.f32 n1, n1;", "element",
        TestName = "attention: a largest score of one lane fails")]
    [TestCase(Precision.Bf16, Query, @"l1\}, \[", "l0}, [", "element", TestName = "attention: another row's delta fails")]
    [TestCase(Precision.Bf16, KeyValue, @"\[from\+4\]", "[from+0]", "element", TestName = "attention: log-sum-exp for delta fails")]
    [TestCase(Precision.Bf16, KeyValue, @"second9, second10", "second9, acc10", "", TestName = "attention: dk in dv's place fails")]
    [TestCase(Precision.Tf32, Query, @"st\.global", "ld.global", "", TestName = "attention: a stale output fails")]
    public void Planted_faults_fail(Precision precision, string pass, string code, string planted, string message)
    {
        string ptx = TensorEmulation.Ptx(Kernel(precision, pass, 64));
        string faulty = Regex.Replace(ptx, code, planted, RegexOptions.Singleline);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(() => Check(faulty, precision, pass, new(1, 70, 2, 64)), Throws.Exception.With.Message.Match(message));
    }

    /// <summary>Rows that fill no group, of heads on which the lanes go round once and eight times.</summary>
    [TestCase(2, 7, 3, 32)]
    [TestCase(1, 5, 2, 256)]
    public void Statistics_equal_the_oracle(int n, int tokens, int heads, int head)
    {
        var s = new AttentionShape(n, tokens, heads, head);
        var kernel = KernelRegistry.All.Single(k => k.Name == "TensorAttentionStatisticsKernel");
        float[] dy = TensorEmulation.Exact(1, s.Output.Length), y = TensorEmulation.Exact(2, s.Output.Length),
            lse = TensorEmulation.Exact(3, s.LogSumExp.Length);
        var memory = new DeviceMemory();
        byte[] rows = TensorEmulation.Unwritten(2 * lse.Length);
        byte[] View(byte[] bytes, long length) => MemoryMarshal.AsBytes<long>([memory.Add(bytes), length]).ToArray();
        TensorEmulation.Run(TensorEmulation.Ptx(kernel), kernel, memory, (lse.Length * 8 + 127) / 128,
            TensorEmulation.Argument(Geometry(s)),
            View(TensorEmulation.Bytes(dy), dy.Length / 4), View(TensorEmulation.Bytes(y), y.Length / 4),
            View(TensorEmulation.Bytes(lse), lse.Length), View(rows, lse.Length));
        TensorEmulation.Expect(TensorEmulation.Doubles(Statistics(s, dy, TensorEmulation.Doubles(y), TensorEmulation.Doubles(lse))),
            MemoryMarshal.Cast<byte, float>(rows));
    }

    private static AttentionGeometry Geometry(AttentionShape s) => new()
    {
        Tokens = s.Tokens,
        Heads = s.Heads,
        HeadSize = s.HeadSize,
        Scale = 1f / MathF.Sqrt(s.HeadSize),
    };

    private static KernelEntry Kernel(Precision precision, string pass, int head) =>
        KernelRegistry.All.Single(k => k.Name == $"TensorAttention{pass}{head}{precision}Kernel");

    /// <summary>
    /// Largest error in units of the result's root mean square. Inputs are exact in either precision, and so are products of them but for
    /// the order of sums; what is rounded are weights and ds, by at most 2^-8 of each in BF16, 0.7 x 2^-10 in TF32. y is a mean, where
    /// such errors cancel; a gradient may be four times its root mean square, and sums terms of both signs.
    /// </summary>
    private static double Tolerance(Precision precision, string pass) =>
        (precision == Precision.Bf16 ? 1.0 / 64 : 1.0 / 512) * (pass == Forward ? 1 : 2);

    private static void Check(string? faulty, Precision precision, string pass, AttentionShape s)
    {
        var kernel = Kernel(precision, pass, s.HeadSize);
        float[] qkv = TensorEmulation.Exact(1, s.Qkv.Length), dy = TensorEmulation.Exact(2, s.Output.Length);
        // Steeper than random scores: queries four times as long.
        for (int i = 0; i < qkv.Length; i++)
            qkv[i] *= i % (3 * s.C) < s.C ? 4 : 1;
        double[] y = new double[s.Output.Length], lse = new double[s.LogSumExp.Length], dqkv = new double[s.Qkv.Length];
        AttentionCases.Forward(s, TensorEmulation.Doubles(qkv), y, lse);
        AttentionCases.Backward(s, TensorEmulation.Doubles(dy), TensorEmulation.Doubles(qkv), y, lse, dqkv);
        var memory = new DeviceMemory();
        byte[] result = TensorEmulation.Unwritten(pass == Forward ? y.Length : dqkv.Length),
            logSumExp = TensorEmulation.Unwritten(lse.Length);
        var a = new TensorAttentionAddresses
        {
            Qkv = memory.Add(TensorEmulation.Bytes(qkv)),
            Dy = memory.Add(TensorEmulation.Bytes(dy)),
            Statistics = memory.Add(TensorEmulation.Bytes(Statistics(s, dy, y, lse))),
            LogSumExp = memory.Add(logSumExp),
            Result = memory.Add(result),
        };
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, AttentionPlan.Groups(s),
            TensorEmulation.Argument(Geometry(s)), TensorEmulation.Argument(a));
        var got = MemoryMarshal.Cast<byte, float>(result);
        if (pass == Forward)
        {
            TensorEmulation.Expect(y, got, Tolerance(precision, pass));
            TensorEmulation.Expect(lse, MemoryMarshal.Cast<byte, float>(logSumExp));
            return;
        }
        foreach (int part in Parts(pass))
            TensorEmulation.Expect(Part(s, dqkv, part), Part<float>(s, got, part), Tolerance(precision, pass));
        foreach (int part in Enumerable.Range(0, 3).Except(Parts(pass)))
            Assert.That(Part<float>(s, got, part), Is.All.NaN, "the other gradients are not touched");
    }

    /// <summary>Of q, k and v, those whose gradients a pass computes.</summary>
    private static int[] Parts(string pass) => pass switch { Query => [0], KeyValue => [1, 2], Key => [1], _ => [2] };

    private static T[] Part<T>(AttentionShape s, ReadOnlySpan<T> qkv, int part)
    {
        var values = new T[s.Output.Length];
        for (int token = 0; token < s.N * s.Tokens; token++)
            qkv.Slice((3 * token + part) * s.C, s.C).CopyTo(values.AsSpan(token * s.C));
        return values;
    }

    /// <summary>(log-sum-exp, dy . y) of each query.</summary>
    private static float[] Statistics(AttentionShape s, float[] dy, double[] y, double[] lse)
    {
        var pairs = new float[2 * lse.Length];
        for (int n = 0; n < s.N; n++)
        {
            for (int h = 0; h < s.Heads; h++)
            {
                for (int i = 0; i < s.Tokens; i++)
                {
                    int row = (n * s.Heads + h) * s.Tokens + i, at = ((n * s.Tokens + i) * s.Heads + h) * s.HeadSize;
                    pairs[2 * row] = (float)lse[row];
                    pairs[2 * row + 1] = (float)Enumerable.Range(at, s.HeadSize).Sum(c => dy[c] * y[c]);
                }
            }
        }
        return pairs;
    }

    /// <summary>
    /// Both products of a block on tensor cores, with one multiply-add a score between them, for its exponent; the forward pass has two
    /// more, for the rows' sums of weights. Blocks come 16 bytes at a time in every step of the way.
    /// </summary>
    [Category(MachineCodeTests.Ptxas)]
    [Test]
    public void Machine_code_is_tensor_cores_and_a_softmax()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        foreach (var row in KernelCatalog.Rows(
            KernelCatalog.Find("TensorAttention").Where(name => !name.Contains("Statistics", StringComparison.Ordinal)),
            GpuArchitecture.All))
        {
            var (pass, head, bf16) = Regex.Match(row.Name, @"^TensorAttention([A-Za-z]*)(\d+)(Tf32|Bf16)Kernel$").Groups switch
            {
                var g => (g[1].Value, int.Parse(g[2].ValueSpan, CultureInfo.InvariantCulture), g[3].Value == "Bf16"),
            };
            int block = head <= 64 ? 64 : 4096 / head, products = pass switch { Forward or Value => 2, KeyValue => 4, _ => 3 };
            Assert.That(row.MainLoop!.Hmma, Is.EqualTo(products * block * head / (bf16 ? 128 : 64)), row.Name);
            Assert.That(row.MainLoop.Ffma, Is.EqualTo(block / 2 + (pass == Forward ? 2 : 0)), row.Name);
            Assert.That(row.MainLoop.Lds, Is.EqualTo(row.MainLoop.Lds128), "four values a load, or ldmatrix");
            Assert.That(row.MainLoop.Ldg128, Is.EqualTo(2 * block * head / 4 / row.GroupSize), "two operands' blocks");
            Assert.That(row.MainLoop.Local, Is.Zero);
            Assert.That(row.SharedBytes,
                Is.EqualTo(AttentionPlan.TensorSharedBytes(bf16 ? Precision.Bf16 : Precision.Tf32, head,
                    backward: pass is not (Forward or Value))));
        }
    }
}

/// <summary>Where attention's tensor-core kernels are chosen.</summary>
internal sealed class TensorAttentionPlanTests
{
    [TestCase(Precision.Bf16, 256, 64, true, 166912, Precision.Bf16)]
    [TestCase(Precision.Tf32, 256, 256, true, 166912, Precision.Tf32)]
    [TestCase(Precision.Tf32, 256, 256, true, 101376, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 256, true, 101376, Precision.Bf16)]
    [TestCase(Precision.Bf16, 256, 96, true, 166912, Precision.Fp32)]
    [TestCase(Precision.Bf16, 9, 64, true, 166912, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 64, false, 166912, Precision.Fp32)]
    [TestCase(Precision.Fp32, 256, 64, true, 166912, Precision.Fp32)]
    public void The_plan_of_gradients(Precision asked, int tokens, int headSize, bool aligned, int sharedLimit, Precision expected) =>
        Assert.That(AttentionPlan.Choose(asked, new(2, tokens, 3, headSize), aligned, backward: true, sharedLimit), Is.EqualTo(expected));

    [Test]
    public void A_forward_pass_needs_less_shared_memory() =>
        Assert.That(AttentionPlan.Choose(Precision.Tf32, new(2, 256, 1, 256), aligned: true, backward: false, 101376),
            Is.EqualTo(Precision.Tf32));
}
