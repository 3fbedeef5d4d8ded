using BDense.Cases;
using BDense.Cases.Checking;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>
/// Whole operations in TF32 and BF16: the tile that the rule takes and every other that there is for the problem, and views that start
/// anywhere.
/// </summary>
internal abstract class TensorCoreTests
{
    /// <summary>Shared memory that a group can have on every device with tensor cores.</summary>
    protected const int SharedLimit = 99 << 10;

    private TemporaryFolder _folder = null!;

    protected abstract IlgpuBackend Backend { get; }

    [OneTimeSetUp]
    public void CreateFolder() => _folder = new TemporaryFolder();

    [OneTimeTearDown]
    public void DeleteFolder() => _folder.Dispose();

    protected void Check(TensorCoreCases.Row row)
    {
        var start = row.Case.Start();
        var expected = row.Case.Expected(start);
        Force();
        using (var tensors = new CaseTensors(Backend, row.Case, start))
        {
            Equal("the rule's tile");
            var keys = Backend.Decided.Keys.Where(k => k.Operation != "portable").ToList();
            Assert.That(keys.Select(k => k.Precision).Distinct(),
                Is.EqualTo(row.Computed == Precision.Fp32 || !row.HasTiles ? [] : new[] { row.Computed }), "what it was computed in");
            foreach (var key in keys)
            {
                var problem = new TensorProblem(key.M, key.N, key.Steps, Operation(key), key.Batch, Backend.IsHopper && OnWarpgroups(key),
                    Operation(key) is TensorOperation.Convolution or TensorOperation.ActivatedConvolution ? key.Taps : 1);
                var candidates = TensorPlan.Candidates(problem, SharedLimit).ToList();
                Assert.That(candidates, Has.Count.GreaterThan(1));
                // One slice and as many as there can be.
                foreach (var choice in candidates.GroupBy(c => c.Tile).SelectMany(c => new[] { c.First(), c.Last() }).Distinct())
                {
                    Force((key, choice));
                    Equal($"{choice}");
                    Assert.That(Backend.Decided[key], Is.EqualTo(choice), "the tile was taken");
                }
            }

            void Equal(string what)
            {
                tensors.Reset();
                Checker.Poison(Backend);
                row.Case.Run(Backend, tensors.Operands);
                Assert.That(Comparison.Difference(row.Case, expected, tensors.Results()), Is.Null, what);
            }
        }
        Force();
        using var shifted = new CaseTensors(Backend, row.Case, start, aligned: false);
        row.Case.Run(Backend, shifted.Operands);
        Assert.That(Comparison.Difference(row.Case, expected, shifted.Results()), Is.Null, "views that start anywhere");
    }

    private static TensorOperation Operation(TuningKey key) => key.Operation switch
    {
        "forward" or "dgrad" => TensorOperation.Convolution,
        "activated" => TensorOperation.ActivatedConvolution,
        "wgrad" => TensorOperation.Wgrad,
        "activated wgrad" => TensorOperation.ActivatedWgrad,
        _ => TensorOperation.Product,
    };

    /// <summary>What the kernels for Hopper take: no prologue, pairs of channels; in TF32 sums that are innermost in memory.</summary>
    private static bool OnWarpgroups(TuningKey key) => key.Operation switch
    {
        "forward" or "dgrad" => key.N % 2 == 0,
        "wgrad" or "product NN" or "product TN" => key.Precision == Precision.Bf16,
        "product NT" => true,
        _ => false,
    };

    /// <summary>Tells the backend what was measured, as a file of <c>bdense tune</c> would; nothing leaves it to the rule.</summary>
    private void Force(params (TuningKey Key, TileChoice Choice)[] choices)
    {
        string file = Path.Combine(_folder.Path, "tune.json");
        var table = new TuningTable();
        foreach (var (key, choice) in choices)
            table[key] = choice;
        table.Write(file, Backend.Name);
        Backend.ReadTuning(file);
    }
}

/// <summary>
/// Without a GPU: the operations' host code as it is (plans, conversions, exchanged weights, slices, addresses), on ILGPU's simulation,
/// and the tensor-core kernels that it launches on a virtual GPU, on the same memory.
/// </summary>
[TestFixture, NonParallelizable]
internal sealed class EmulatedTensorCoreTests : TensorCoreTests
{
    private readonly IlgpuBackend _backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
    private EmulatedDevice _device = null!;

    protected override IlgpuBackend Backend => _backend;

    [OneTimeTearDown]
    public void Close() => _backend.Dispose();

    private static IEnumerable<TensorCoreCases.Row> Rows => TensorCoreCases.Rows();

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(TensorCoreCases.Row row)
    {
        _backend.Pool.Trim();
        _backend.Emulate(_device = new EmulatedDevice(name => name.StartsWith("Tensor", StringComparison.Ordinal)), row.Asked, SharedLimit);
        Check(row);
        Assert.That(_device.Ran.Count > 0, Is.EqualTo(row.Computed != Precision.Fp32), "kernels on the virtual GPU");
        Assert.That(_device.Ran.Where(name => name != "TensorAttentionStatisticsKernel"), Is.All.Contains(row.Computed.ToString()),
            "of the precision");
    }

    private static IEnumerable<TensorCoreCases.Row> Rounded => TensorCoreCases.Rows()
        .Where(row => row.Asked == Precision.Bf16 && BFloat16Cases.Ops.Contains(row.Case.Op) && row.Case.Op != "MatMul");

    /// <summary>Activations in BF16: read as they are, written by epilogues; what has no kernel is widened first.</summary>
    [TestCaseSource(nameof(Rounded))]
    public void Equals_the_rounded_oracle(TensorCoreCases.Row row)
    {
        _backend.Pool.Trim();
        _backend.Emulate(_device = new EmulatedDevice(name => name.StartsWith("Tensor", StringComparison.Ordinal)), row.Asked, SharedLimit);
        var rounded = BFloat16Cases.Of(row.Case);
        Assert.That(Checker.Row(_backend, rounded), Is.Empty);
        var y = rounded.Operands.FirstOrDefault(o => o.Name is "y" or "dx" or "dv" or "dqkv" && o.Role == Role.Output);
        // A prologue, and a mean of four that is made apart, have float32 between.
        bool isApart = rounded.Operands.Any(o => o.Name == "scaleShift") || rounded.Op == "FusedConv2dDgrad";
        if (y is not null && !isApart && row.Computed == Precision.Bf16 && y.Shape[-1] % 2 == 0)
            Assert.That(_device.Ran, Has.Some.Contains("Rounded"), "written in BF16");
    }

    private static IEnumerable<TensorCoreCases.Row> Prologues =>
        TensorCoreCases.Listed()
            .Where(row => row.IsExact && row.Case.Multiplied is not null && row.Case.Size == CaseSize.Tiny
                && row.Case.Label.Contains("norm", StringComparison.Ordinal));

    /// <summary>
    /// Those rows of the case list, else left to a GPU, that multiply what they compute first and have the tolerance of exact values.
    /// </summary>
    [TestCaseSource(nameof(Prologues))]
    public void Equals_the_oracle_behind_scale_and_shift(TensorCoreCases.Row row)
    {
        _backend.Pool.Trim();
        _backend.Emulate(_device = new EmulatedDevice(name => name.StartsWith("Tensor", StringComparison.Ordinal)), row.Asked, SharedLimit);
        Assert.That(Comparison.Difference(_backend, row.Case), Is.Null);
    }

    /// <summary>
    /// What an H200 answered to these rows while scale and shift were in eighths: of what is multiplied, an element or a few lie in the
    /// very middle between two values of BF16, and are rounded. The virtual GPU answers the same, so that such a row fails here first.
    /// </summary>
    [TestCase("FusedConv2d 3x3 2x6x6x8->8 stride 2 norm Down be scale 1",
        "y[0,1,0,5] expected -1.28564453, got -1.27197266 (NMSE 1.59e-06,")]
    [TestCase("FusedConv2dWgrad 3x3 2x4x2x4->8 stride 1 norm Down b scale 1",
        "dw[3,1,0,0] expected 2.83691406, got 2.83300781 (NMSE 4.77e-07,")]
    public void What_is_rounded_is_off_as_on_an_H200(string name, string difference)
    {
        var row = TensorCoreCases.Listed().Single(row => row.Asked == Precision.Bf16 && row.Case.Name == name).Case;
        row = row with { Operands = [.. row.Operands.Select(o => o.Role == Role.Output ? o : o with { Value = TensorCoreCases.Eighths })] };
        _backend.Pool.Trim();
        _backend.Emulate(_device = new EmulatedDevice(kernel => kernel.StartsWith("Tensor", StringComparison.Ordinal)), Precision.Bf16,
            SharedLimit);
        Assert.That(Comparison.Difference(_backend, row), Does.Contain(difference));
        double[] rounded =
            [.. row.Multiplied!(OpCase.Widen(row.Start())).Where(v => !TensorCoreCasesTests.Holds(Precision.Bf16, v)).Select(Math.Abs)];
        TestContext.Out.WriteLine(string.Join(' ', rounded.Select(v => $"{v * 256}/256")));
        Assert.That(rounded, Is.Not.Empty.And.All.InRange(1.0, 2.0).And.All.Matches<double>(v => v * 256 % 2 == 1),
            "the middle between two, which are 1/128 apart there");
        Assert.That(_device.Ran, Is.Not.Empty);
    }

    [Test]
    public void Attention_in_float32_is_said_once()
    {
        var lines = new List<string>();
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        backend.OnNotice = lines.Add;
        backend.Emulate(new EmulatedDevice(_ => false), Precision.Bf16, SharedLimit);
        var row = AttentionCases.Of(new(1, 16, 1, 4), CaseSize.Small).First();
        using var tensors = new CaseTensors(backend, row, row.Start());
        row.Run(backend, tensors.Operands);
        row.Run(backend, tensors.Operands);
        Assert.That(lines, Has.Count.EqualTo(1));
        Assert.That(lines[0], Does.StartWith("attention of heads of 4, 16 tokens, is computed in fp32, not bf16").And.Not.Contain('\n'));
    }
}

/// <summary>The rows themselves.</summary>
[TestFixture]
internal sealed class TensorCoreCasesTests
{
    /// <summary>
    /// The tolerance of an exact row is that of sums of float32: a factor that is rounded breaks it, on a GPU alone for most rows.
    /// </summary>
    [Test]
    public void Exact_rows_multiply_what_their_precision_holds()
    {
        int computed = 0;
        foreach (var row in TensorCoreCases.Rows().Concat(TensorCoreCases.Listed()).Where(row => row.IsExact))
        {
            var start = OpCase.Widen(row.Case.Start());
            for (int k = 0; k < start.Length; k++)
            {
                if (row.Case.Operands[k].Role != Role.Output)
                    Assert.That(start[k].Where(v => !Holds(row.Asked, v)), Is.Empty, $"{row}: {row.Case.Operands[k].Name}");
            }
            if (row.Case.Multiplied is { } multiplied)
            {
                computed++;
                Assert.That(multiplied(start).Where(v => !Holds(row.Asked, v)), Is.Empty, $"{row}: what is multiplied");
            }
        }
        Assert.That(computed, Is.GreaterThan(50));
    }

    [TestCase(Precision.Bf16, 255 / 128.0, true), TestCase(Precision.Bf16, 257 / 256.0, false), TestCase(Precision.Tf32, 257 / 256.0, true)]
    [TestCase(Precision.Tf32, 2049 / 1024.0, false), TestCase(Precision.Bf16, 0.1, false), TestCase(Precision.Bf16, -0.0, true)]
    public void What_a_precision_holds(Precision precision, double value, bool holds) =>
        Assert.That(Holds(precision, value), Is.EqualTo(holds));

    /// <summary>Whether rounding leaves it: BF16 has 8 bits, TF32 has 11.</summary>
    internal static bool Holds(Precision precision, double value) =>
        (float)value == value && (BitConverter.SingleToInt32Bits((float)value) & (precision == Precision.Bf16 ? 0xffff : 0x1fff)) == 0;
}

[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class CudaTensorCoreTests(string device) : TensorCoreTests
{
    private Backends.Lease? _lease;
    private IlgpuBackend? _backend;

    protected override IlgpuBackend Backend => _backend!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [SetUp]
    public void Take() => _backend = (IlgpuBackend)_lease!.Backend;

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    private static IEnumerable<TensorCoreCases.Row> Rows => TensorCoreCases.Rows();

    private static IEnumerable<TensorCoreCases.Row> Listed => TensorCoreCases.Listed();

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle_with_every_tile(TensorCoreCases.Row row)
    {
        _backend!.Precision = row.Asked;
        Check(row);
    }

    /// <summary>The whole case list, attention included, by the rule's choice; the same bits again.</summary>
    [TestCaseSource(nameof(Listed))]
    public void Equals_the_oracle(TensorCoreCases.Row row)
    {
        _backend!.Precision = row.Asked;
        var start = row.Case.Start();
        using var tensors = new CaseTensors(_backend, row.Case, start);
        row.Case.Run(_backend, tensors.Operands);
        var first = tensors.Results();
        Assert.That(Comparison.Difference(row.Case, row.Case.Expected(start), first), Is.Null);
        tensors.Reset();
        Checker.Poison(_backend);
        row.Case.Run(_backend, tensors.Operands);
        Assert.That(tensors.Results(), Is.EqualTo(first), "the same bits again");
    }
}
