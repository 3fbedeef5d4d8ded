using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Cuda;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Tests.Cases;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>Whole operations in TF32 and BF16: the tile that the rule takes and every other that there is for the problem, and views that start anywhere.</summary>
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
            Assert.That(keys.Select(k => k.Precision).Distinct(), Is.EqualTo(row.Computed == Precision.Fp32 || !row.HasTiles ? [] : new[] { row.Computed }), "what it was computed in");
            foreach (var key in keys)
            {
                var problem = new TensorProblem(key.M, key.N, key.Steps, Operation(key), key.Batch);
                var candidates = TensorPlan.Candidates(problem, SharedLimit).ToList();
                Assert.That(candidates, Has.Count.GreaterThan(1).Or.Matches<List<TensorChoice>>(c => key.N % 2 != 0));
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
                Scratch.Poison(Backend);
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

    /// <summary>Tells the backend what was measured, as a file of <c>bdense tune</c> would; nothing leaves it to the rule.</summary>
    private void Force(params (TuningKey Key, TensorChoice Choice)[] choices)
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
/// and the tensor-core kernels that it launches in an emulator of their PTX, on the same memory.
/// </summary>
[TestFixture, NonParallelizable]
internal sealed class EmulatedTensorCoreTests : TensorCoreTests
{
    private readonly IlgpuBackend _backend = (IlgpuBackend)Devices.Open("ilgpu-cpu");
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
        Assert.That(_device.Ran.Count > 0, Is.EqualTo(row.Computed != Precision.Fp32), "kernels in the emulator");
        Assert.That(_device.Ran.Where(name => name != "TensorAttentionStatisticsKernel"), Is.All.Contains(row.Computed.ToString()), "of the precision");
    }

    [Test]
    public void Attention_in_float32_is_said_once()
    {
        var lines = new List<string>();
        using var backend = (IlgpuBackend)Devices.Open("ilgpu-cpu");
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

[TestFixture, Category("CUDA")]
internal sealed class CudaTensorCoreTests : TensorCoreTests
{
    private IlgpuBackend? _backend;

    protected override IlgpuBackend Backend => _backend!;

    [OneTimeSetUp]
    public void Open() => _backend = (IlgpuBackend)Backends.Open("cuda");

    [OneTimeTearDown]
    public void Close() => _backend?.Dispose();

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
        Scratch.Poison(_backend);
        row.Case.Run(_backend, tensors.Operands);
        Assert.That(tensors.Results(), Is.EqualTo(first), "the same bits again");
    }
}
