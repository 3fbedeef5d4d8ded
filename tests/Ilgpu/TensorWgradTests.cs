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

/// <summary>wgrad on tensor cores on the virtual GPU: every slice is held to the oracle's sum over its own pixels.</summary>
internal sealed class TensorWgradTests
{
    private static readonly TileName[] Tiles = [.. TensorPlan.Tiles.Where(t => t.WgradResident > 0).Select(t => t.Name)];

    private static IEnumerable<TestCaseData> Shapes()
    {
        (Conv2dShape Shape, int Slices)[] cases =
        [
            (Conv2dShape.Same(1, 5, 5, 16, 16, 3), 1),        // 25 pixels, which a step does not divide
            (Conv2dShape.Same(2, 9, 8, 24, 40, 3), 3),        // rows and images that end within a step; three slices
            (new(3, 9, 8, 16, 24, 3, 3, 2, 0, 1), 2),         // stride 2, padded at the end
            (new(1, 7, 6, 32, 136, 1, 1), 2),                 // two tiles of rows
            (new(130, 1, 1, 64, 16, 1, 1), 5),                // a linear layer
            (new(2, 6, 5, 16, 16, 5, 3, 1, 2, 1), 1),         // an odd kernel
            (Conv2dShape.Same(1, 9, 8, 24, 3, 3), 2),         // an image's three channels: rows of dy are padded
            (Conv2dShape.Same(1, 9, 8, 3, 24, 3), 2),         // and its other end: pixels of x are
        ];
        foreach (var precision in new[] { Precision.Tf32, Precision.Bf16 })
            foreach (var tile in Tiles)
                foreach (var (s, slices) in cases)
                    yield return new TestCaseData(precision, tile, s,
                        slices).SetArgDisplayNames($"{precision}, {tile}, {s}, {slices} slices");
    }

    [TestCaseSource(nameof(Shapes))]
    public void Equals_the_oracle(Precision precision, TileName tile, Conv2dShape s, int slices) => Check(null, precision, tile, s, slices);

    /// <summary>The check is itself checked.</summary>
    [TestCase(Precision.Tf32, @"bar\.sync 0;", "", Signs.Unordered, TestName = "wgrad: a missing barrier fails")]
    [TestCase(Precision.Bf16, @"wait_group 2;", "wait_group 3;", Signs.Unordered, TestName = "wgrad: a wait that is too short fails")]
    [TestCase(Precision.Bf16, @"\.trans", "", "element", TestName = "wgrad: a fragment that is not transposed fails")]
    [TestCase(Precision.Tf32, @"\{b1, b3, b5, b7\}", "{b1, b5, b3, b7}", "element", TestName = "wgrad: a swapped index fails")]
    [TestCase(Precision.Tf32, @"inside, %r\d+, 4;", "inside, 0, 4;", "element", TestName = "wgrad: an unwritten tail fails")]
    public void Planted_faults_fail(Precision precision, string code, string planted, string message)
    {
        string ptx = TensorEmulation.Ptx(TensorEmulation.Kernel("Wgrad", TileName.T64x64, precision));
        string faulty = Regex.Replace(ptx, code, planted);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(() => Check(faulty, precision, TileName.T64x64, Conv2dShape.Same(3, 9, 8, 24, 40, 3), 1),
            Throws.Exception.With.Message.Match(message));
    }

    private static void Check(string? faulty, Precision precision, TileName name, Conv2dShape s, int slices)
    {
        var kernel = TensorEmulation.Kernel("Wgrad", name, precision);
        var tile = TensorPlan.Find(name);
        var g = TensorWgrad.Of(s, precision == Precision.Bf16 ? 2 : 4);
        g.StepsPerSlice = (g.Problem.Steps + slices - 1) / slices;
        Assert.That((g.Problem.Steps + g.StepsPerSlice - 1) / g.StepsPerSlice, Is.EqualTo(slices), "no slice is empty");
        float[] x = TensorEmulation.Exact(1, s.Input.Length), dy = TensorEmulation.Exact(2, s.Output.Length);
        var memory = new DeviceMemory();
        byte[] partial = TensorEmulation.Unwritten(slices * g.Outputs * g.Columns);
        (g.X, g.Dy, g.Partial) = (memory.Add(TensorEmulation.Bytes(precision, Pad(x, s.C))),
            memory.Add(TensorEmulation.Bytes(precision, Pad(dy, s.K))), memory.Add(partial));
        int tiles = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns);
        TensorEmulation.Run(faulty ?? TensorEmulation.Ptx(kernel), kernel, memory, tiles * slices, TensorEmulation.Argument(g),
            TensorEmulation.Argument(tiles));
        for (int slice = 0; slice < slices; slice++)
        {
            // The oracle's own sum, with every pixel outside the slice set to zero.
            int first = slice * g.StepsPerSlice * g.Depth * s.K, end = Math.Min(dy.Length, first + g.StepsPerSlice * g.Depth * s.K);
            var own = new double[dy.Length];
            TensorEmulation.Doubles(dy).AsSpan(first, end - first).CopyTo(own.AsSpan(first));
            var expected = new double[s.Weight.Length];
            Conv2dCases.Wgrad(s, TensorEmulation.Doubles(x), own, expected, null);
            double[] padded = TensorEmulation.Pad(expected, s.C, ConvolutionPlan.Padded(precision, s.C));
            TensorEmulation.Expect(padded, MemoryMarshal.Cast<byte, float>(partial).Slice(slice * padded.Length, padded.Length));
        }
        float[] Pad(float[] values, int channels) => TensorEmulation.Pad(values, channels, ConvolutionPlan.Padded(precision, channels));
    }

    [Category(MachineCodeTests.Ptxas)]
    [Test]
    public void Machine_code_is_tensor_cores_and_asynchronous_copies()
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        foreach (var row in KernelCatalog.Rows(KernelCatalog.Find("TensorWgrad"), GpuArchitecture.All))
        {
            bool activated = row.Name.Contains("Activated", StringComparison.Ordinal);
            var tile = TensorPlan.Tiles.Single(t => Regex.IsMatch(row.Name, $"[a-z]{t.Name.ToString()[1..]}[TB]"));
            Assert.That(row.MainLoop!.Hmma, Is.EqualTo(tile.Rows * tile.Columns / 64 / (row.GroupSize / 32)));
            Assert.That(row.MainLoop.Ffma, Is.EqualTo(activated ? TensorEmulation.ActivationFfma(row, tile.Columns) : 0));
            Assert.That(row.MainLoop.Ldgsts, Is.EqualTo((activated ? tile.Rows : tile.Rows + tile.Columns) * 4 / row.GroupSize));
            Assert.That(row.MainLoop.Lds, Is.EqualTo(row.MainLoop.Lds128), "four values a load, or ldmatrix");
            Assert.That(row.MainLoop.Local, Is.Zero);
            Assert.That(row.Occupancy,
                Is.GreaterThanOrEqualTo((activated ? tile.ActivatedResident : tile.WgradResident) * row.GroupSize / 2048.0),
                "registers leave room for the groups that the plan counts on");
        }
    }

    /// <summary>What the rule makes of the paper's layers on 132 multiprocessors: full, and within the scratch memory.</summary>
    [TestCase(64, 32, 32, 256, 256, 3)]
    [TestCase(64, 8, 8, 512, 256, 3)]
    [TestCase(32, 64, 64, 192, 192, 3)]
    [TestCase(64, 32, 32, 512, 256, 1)]
    [TestCase(64, 32, 32, 256, 12, 3)]
    [TestCase(1, 4, 4, 16, 16, 3)]
    public void The_rule_fills_the_device(int n, int h, int w, int c, int k, int kernel)
    {
        var g = TensorWgrad.Of(Conv2dShape.Same(n, h, w, c, k, kernel), 4);
        var choice = TensorPlan.Choose(g.Problem, 132, 99 << 10);
        var tile = TensorPlan.Find(choice.Tile);
        int groups = (g.Outputs + tile.Rows - 1) / tile.Rows * ((g.Columns + tile.Columns - 1) / tile.Columns) * choice.Slices;
        Assert.That(choice.Slices, Is.InRange(1, TensorPlan.MaxSlices(g.Problem)));
        Assert.That(groups, Is.GreaterThanOrEqualTo(Math.Min(132, TensorPlan.MaxSlices(g.Problem))));
        Assert.That(TensorPlan.Choose(g.Problem, 132, 99 << 10), Is.EqualTo(choice), "always the same");
        // No slice without a step, as the launch computes it.
        int perSlice = (g.Problem.Steps + choice.Slices - 1) / choice.Slices;
        Assert.That((g.Problem.Steps + perSlice - 1) / perSlice, Is.EqualTo(choice.Slices));
    }
}
