using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Matrix products on tensor cores on the virtual GPU: every layout, tile and precision, held to the case list's oracle.</summary>
internal sealed class TensorProductTests
{
    private static readonly TileName[] Tiles = [.. TensorPlan.Tiles.Where(t => t.InProduct).Select(t => t.Name)];

    private static IEnumerable<TestCaseData> Shapes()
    {
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
        {
            foreach (var tile in Tiles)
            {
                foreach (var (a, b) in new[] { (false, false), (false, true), (true, false) })
                {
                    MatMulShape[] shapes =
                    [
                        new(2, 24, 40, 48, a, b),    // a batch; tiles mostly empty; a sum that a step does not divide in BF16
                        new(1, 136, 72, 104, a, b),  // several tiles of rows; an end within a step
                    ];
                    foreach (var s in shapes)
                        foreach (bool accumulate in new[] { false, true })
                            if (!accumulate || s.Batch > 1)
                                yield return new TestCaseData(precision, tile, s,
                                    accumulate).SetArgDisplayNames($"{precision}, {tile}, {s}{(accumulate ? ", accumulated" : "")}");
                }
            }
            // Columns behind a tile's last; fewer steps than stages; more rows of tiles than a panel has; columns that only two divide.
            yield return new TestCaseData(precision, TileName.T64x64, new MatMulShape(1, 8, 200, 16, false, false), false);
            yield return new TestCaseData(precision, TileName.T64x64, new MatMulShape(1, 17 * 64 + 8, 136, 16, false, false), false);
            yield return new TestCaseData(precision, TileName.T64x64, new MatMulShape(3, 20, 70, 32, false, true), true);
        }
    }

    [TestCaseSource(nameof(Shapes))]
    public void Equals_the_oracle(Precision precision, TileName tile, MatMulShape s, bool accumulate) =>
        Check(null, precision, tile, s, accumulate);

    /// <summary>The check is itself checked: each of these faults in the PTX must fail it.</summary>
    [TestCase(Precision.Tf32, @"bar\.sync 0;", "", Signs.Unordered, TestName = "product: a missing barrier fails")]
    [TestCase(Precision.Bf16, @"wait_group 2;", "wait_group 3;", Signs.Unordered, TestName = "product: a wait that is too short fails")]
    [TestCase(Precision.Bf16, @"\.trans", "", "element", TestName = "product: a fragment that is not transposed fails")]
    [TestCase(Precision.Tf32, @"\{b1, b3, b5, b7\}", "{b1, b5, b3, b7}", "element", TestName = "product: a swapped index fails")]
    [TestCase(Precision.Tf32, @"(v4\.f32 \[%rd\d+)\+16\]", "$1+0]", "element", TestName = "product: an unwritten column fails")]
    [TestCase(Precision.Tf32, @"add\.f32 acc4, acc4, t1;", "add.f32 acc4, acc4, t2;", "element",
        TestName = "product: another column of c added fails")]
    [TestCase(Precision.Bf16, @"mul\.f32 acc31, acc31, \S+;", "", "element", TestName = "product: a sum without alpha fails")]
    [TestCase(Precision.Tf32, @"\.shared \.align \d+", ".shared .align 4", Signs.Misaligned,
        TestName = "product: shared memory aligned to four bytes fails")]
    public void Planted_faults_fail(Precision precision, string code, string planted, string message)
    {
        string ptx = TensorEmulation.Ptx(Kernel("NN", TileName.T64x64, precision)), faulty = Regex.Replace(ptx, code, planted);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(() => Check(faulty, precision, TileName.T64x64, new(2, 72, 72, 104), accumulate: true),
            Throws.Exception.With.Message.Match(message));
    }

    private static KernelEntry Kernel(string layout, TileName tile, Precision precision) =>
        TensorEmulation.Kernel("Product" + layout, tile, precision);

    private static void Check(string? faulty, Precision precision, TileName name, MatMulShape s, bool accumulate)
    {
        var kernel = Kernel((s.TransA ? "T" : "N") + (s.TransB ? "T" : "N"), name, precision);
        var tile = TensorPlan.Find(name);
        float[] a = TensorEmulation.Exact(1, s.A.Length), b = TensorEmulation.Exact(2, s.B.Length),
            before = TensorEmulation.Exact(3, s.C.Length);
        var memory = new DeviceMemory();
        byte[] c = accumulate ? TensorEmulation.Bytes(before) : TensorEmulation.Unwritten(s.C.Length);
        var g = new TensorProduct
        {
            A = memory.Add(TensorEmulation.Bytes(precision, a)),
            B = memory.Add(TensorEmulation.Bytes(precision, b)),
            C = memory.Add(c),
            Batch = s.Batch,
            M = s.M,
            N = s.N,
            K = s.K,
            ValueBytes = precision == Precision.Bf16 ? 2 : 4,
            Accumulate = accumulate ? 1 : 0,
            Alpha = accumulate ? -0.375f : 1f,
        };
        int groups = s.Batch * ((s.M + tile.Rows - 1) / tile.Rows) * ((s.N + tile.Columns - 1) / tile.Columns);
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, groups, TensorEmulation.Argument(g));
        double[] expected = TensorEmulation.Doubles(before);
        MatMulCases.Product(s, TensorEmulation.Doubles(a), TensorEmulation.Doubles(b), expected, g.Alpha, accumulate);
        TensorEmulation.Expect(expected, MemoryMarshal.Cast<byte, float>(c));
    }

    [Category(MachineCodeTests.Ptxas)]
    [Test]
    public void Machine_code_is_tensor_cores_and_asynchronous_copies()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        foreach (var row in KernelCatalog.Rows(KernelCatalog.Find("TensorProduct"), GpuArchitecture.All))
        {
            var tile = TensorPlan.Tiles.Single(t => Regex.IsMatch(row.Name, $"[A-Z]{{2}}{t.Name.ToString()[1..]}[TB]"));
            Assert.That(row.MainLoop!.Hmma, Is.EqualTo(tile.Rows * tile.Columns / 64 / (row.GroupSize / 32)), row.Name);
            Assert.That(row.MainLoop.Ffma, Is.Zero, row.Name);
            Assert.That(row.MainLoop.Ldgsts, Is.EqualTo((tile.Rows + tile.Columns) * 4 / row.GroupSize), row.Name);
            Assert.That(row.MainLoop.Lds, Is.EqualTo(row.MainLoop.Lds128), "four values a load, or ldmatrix");
            Assert.That(row.MainLoop.Local, Is.Zero, row.Name);
            Assert.That(row.Occupancy, Is.GreaterThanOrEqualTo(tile.Resident * row.GroupSize / 2048.0),
                $"{row.Name}: as many groups as the plan counts on");
        }
    }

    [TestCase(Precision.Tf32, false, false, 64, 64, 64, Precision.Tf32)]
    [TestCase(Precision.Bf16, false, false, 65, 64, 64, Precision.Bf16)]
    [TestCase(Precision.Bf16, false, false, 64, 68, 64, Precision.Tf32)]
    [TestCase(Precision.Bf16, false, true, 64, 66, 64, Precision.Bf16)]
    [TestCase(Precision.Bf16, false, true, 64, 65, 64, Precision.Fp32)]
    [TestCase(Precision.Tf32, true, false, 66, 64, 64, Precision.Fp32)]
    [TestCase(Precision.Tf32, true, true, 64, 64, 64, Precision.Fp32)]
    [TestCase(Precision.Tf32, false, true, 64, 64, 8, Precision.Fp32)]
    public void The_plan(Precision asked, bool transA, bool transB, int m, int n, int k, Precision expected) =>
        Assert.That(ConvolutionPlan.ChooseProduct(asked, new(1, m, n, k, transA, transB), aligned: true), Is.EqualTo(expected));
}
