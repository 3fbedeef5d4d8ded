using BDense.Benchmarks.Ladder;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ops;
using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;

namespace BDense.Tests.Ladder;

/// <summary>Every step of the ladder is right on a device: all elements, against plain loops in double precision.</summary>
internal abstract class LadderTests(string device)
{
    private Context? _context;
    private Accelerator? _accelerator;

    [OneTimeSetUp]
    public void Open()
    {
        if (device != "cpu")
        {
            Backends.Borrow(device); // skips where there is none
            Backends.CloseShared();
        }
        (_context, _accelerator) = LadderDevice.Open(device);
    }

    [OneTimeTearDown]
    public void Close()
    {
        // After a fault the driver refuses to free: that would be a second failure.
        if (_accelerator is not null)
            _ = Disposal.Close(_accelerator);
        _context?.Dispose();
    }

    protected void Check<TShape>(Step<TShape> step, Problem<TShape> problem)
        where TShape : unmanaged
    {
        using var bench = new Bench<TShape>(_accelerator!, problem);
        if (bench.Refusal(step) is { } reason)
            Assert.Ignore(reason);
        Assert.That(problem.Check(bench.Run(step), step.NeedsTensorCores, int.MaxValue), Is.Null);
    }
}

/// <summary>The written rungs, by the library's backend.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class WrittenLadderTests(string device)
{
    [TestCase(10), TestCase(11), TestCase(12), TestCase(13)]
    public void Gemm(int step)
    {
        Backends.Borrow(device); // skips where there is none
        Backends.CloseShared();
        var problem = Problems.Gemm(256, 320, 80);
        using var bench = new WrittenBench(device, problem);
        var rung = WrittenRung.Gemm.Single(rung => rung.Number == step);
        if (bench.Refusal(rung) is { } reason)
            Assert.Ignore(reason);
        Assert.That(problem.Check(bench.Run(rung), tensorCores: true, int.MaxValue), Is.Null);
    }
}

/// <summary>ILGPU's CPU simulation, where a barrier takes a millisecond: one or two groups of each kernel.</summary>
[TestFixture]
internal sealed class IlgpuCpuLadderTests() : LadderTests("cpu")
{
    [TestCase(1), TestCase(2), TestCase(4), TestCase(5), TestCase(6), TestCase(7)]
    public void Gemm(int step) => Check(Steps.Gemm[step - 1], Problems.Gemm(128, 64, 32));

    [TestCase(1), TestCase(2), TestCase(5), TestCase(6), TestCase(7)]
    public void Convolution(int step) => Check(Steps.Convolution[step - 1], Problems.Convolution(2, 8, 8, 16, 64));
}

[TestFixture, Category("OpenCL")]
internal sealed class OpenClLadderTests() : LadderTests("opencl")
{
    [TestCase(1), TestCase(2), TestCase(3), TestCase(4), TestCase(5), TestCase(6), TestCase(7)]
    public void Gemm(int step) => Check(Steps.Gemm[step - 1], Problems.Gemm(256, 192, 80));

    [TestCase(1), TestCase(2), TestCase(3), TestCase(4), TestCase(5), TestCase(6), TestCase(7)]
    public void Convolution(int step) => Check(Steps.Convolution[step - 1], Problems.Convolution(3, 8, 16, 32, 128));
}

[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class CudaLadderTests(string device) : LadderTests(device)
{
    [TestCase(1), TestCase(2), TestCase(3), TestCase(4), TestCase(5), TestCase(6), TestCase(7), TestCase(8), TestCase(9)]
    public void Gemm(int step) => Check(Steps.Gemm[step - 1], Problems.Gemm(256, 192, 80));

    [TestCase(1), TestCase(2), TestCase(3), TestCase(4), TestCase(5), TestCase(6), TestCase(7), TestCase(8), TestCase(9)]
    public void Convolution(int step) => Check(Steps.Convolution[step - 1], Problems.Convolution(3, 8, 16, 32, 128));
}

/// <summary>The ladder's machine code, its checker and its options, without a device.</summary>
internal sealed class LadderCodeTests
{
    private static IEnumerable<TestCaseData> Rows() =>
        from architecture in GpuArchitecture.All
        from step in Steps.Gemm.Select(s => (s.Number, s.NeedsTensorCores, s.Entry.Name, (Func<GpuArchitecture, KernelRow>)s.MachineCode))
            .Concat(Steps.Convolution.Select(
                s => (s.Number, s.NeedsTensorCores, s.Entry.Name, (Func<GpuArchitecture, KernelRow>)s.MachineCode)))
        select new TestCaseData(step.Number, step.NeedsTensorCores, step.Item4,
            architecture).SetArgDisplayNames($"{step.Name} {architecture.Name}");

    /// <summary>What ILGPU told of an H200 on 2026-11-29, whose data sheet has 67 TFLOP/s in float32.</summary>
    [Test]
    public void An_H200_has_its_roofs()
    {
        var roof = Roof.OfCuda(9, 0, 132, 1980);
        Assert.That((roof.Gflops, roof.TensorGflops), Is.EqualTo((2 * 128 * 132 * 1.98, 2 * 1024 * 132 * 1.98)));
        Assert.That(roof.Source, Does.Contain("at 1.98 GHz"));
    }

    [Category("ptxas")]
    [TestCaseSource(nameof(Rows))]
    public void Machine_code_is_what_the_step_says(int number, bool tensorCores, Func<GpuArchitecture, KernelRow> compile,
        GpuArchitecture architecture)
    {
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");
        var row = compile(architecture);
        Assert.That((row.Spills, row.Stack), Is.EqualTo((0, 0)));
        Assert.That(row.Whole, Is.Not.Null);
        Assert.That(row.Whole!.Local, Is.Zero, "loads and stores of local memory");
        Assert.That(row.MainLoop, Is.Not.Null);
        if (tensorCores)
        {
            Assert.That(row.MainLoop!.Hmma, Is.GreaterThanOrEqualTo(8));
            Assert.That(row.MainLoop.Ffma, Is.Zero);
            Assert.That(row.Whole.Ldgsts > 0, Is.EqualTo(number == 9), "asynchronous copies");
            return;
        }
        Assert.That(row.MainLoop!.Hmma, Is.Zero);
        // A register tile of 8 or 64 sums: as many multiply-adds for one value of the sum; the assembler may unroll.
        int tile = number switch { <= 3 => 1, 4 => 8, _ => 64 };
        Assert.That(row.MainLoop.Ffma, Is.GreaterThan(0));
        Assert.That(row.MainLoop.Ffma % tile, Is.Zero, "multiply-adds of the main loop");
        Assert.That(row.Whole.Barriers > 0, Is.EqualTo(number >= 3));
        Assert.That(row.Whole.Ldg128 > 0, Is.EqualTo(number >= 6), "global loads of 16 bytes");
        Assert.That(row.Whole.Stg128 > 0, Is.EqualTo(number >= 6), "global stores of 16 bytes");
        if (number >= 6)
            Assert.That((row.MainLoop.Lds, row.MainLoop.Lds128), Is.EqualTo((4 * row.MainLoop.Ffma / 64, 4 * row.MainLoop.Ffma / 64)),
                "four shared loads for 64 multiply-adds");
    }

    [Test]
    public void A_wrong_element_fails_the_check()
    {
        var problem = Problems.Gemm(128, 64, 16);
        var result = Enumerable.Range(0, problem.ResultLength).Select(i => (float)problem.Expected(i)).ToArray();
        Assert.That(problem.Check(result, tensorCores: false, int.MaxValue), Is.Null);
        foreach (float wrong in new[] { float.NaN, 0f, result[77] + 0.01f })
        {
            float right = result[77];
            result[77] = wrong;
            Assert.That(problem.Check(result, tensorCores: false, int.MaxValue), Does.Contain("element 77"));
            result[77] = right;
        }
    }

    [TestCase(0, "--device", "none", "--op", "conv", "--json")]
    [TestCase(2, "--device", "tpu")]
    [TestCase(2, "--device", "none", "--gemm", "100,64,16")]
    [TestCase(2, "--device", "none", "--conv", "1,2,3")]
    [TestCase(2, "--device", "none", "--arch", "sm_20")]
    [TestCase(2, "--op", "pool")]
    [TestCase(2, "--nonsense")]
    public void Exit_codes(int expected, params string[] args)
    {
        var (output, error) = (Console.Out, Console.Error);
        using var written = new StringWriter();
        try
        {
            Console.SetOut(written);
            Console.SetError(TextWriter.Null);
            Assert.That(LadderCommand.Run(args), Is.EqualTo(expected));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
        if (expected == 0)
            Assert.That(System.Text.Json.Nodes.JsonNode.Parse(written.ToString())!["steps"]!.AsArray(), Has.Count.EqualTo(9));
    }
}
