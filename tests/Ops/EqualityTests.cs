using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>Every row of the case list on the CPU reference: right, the same bits for 1, 2 and 3 threads, and the same bits
/// again.</summary>
[TestFixture]
internal sealed class CpuEqualityTests
{
    private readonly Backend[] _backends = [new ReferenceBackend(1), new ReferenceBackend(2), new ReferenceBackend(3)];

    [OneTimeTearDown]
    public void Close() => Array.ForEach(_backends, b => b.Dispose());

    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small);

    private static IEnumerable<OpCase> LargeRows => CaseList.All.Where(row => row.Size == CaseSize.Large);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle_with_any_number_of_threads(OpCase row)
    {
        var start = row.Start();
        float[][]? first = null;
        foreach (var backend in _backends)
        {
            using var tensors = new CaseTensors(backend, row, start);
            for (int run = 0; run < 2; run++)
            {
                tensors.Reset();
                row.Run(backend, tensors.Operands);
                var results = tensors.Results();
                first ??= results;
                Assert.That(SameBits(row, first, results), Is.Null, $"run {run + 1} on {backend.Description}");
            }
        }
        var expected = row.Expected(start);
        Assert.That(Comparison.Difference(row, expected, first!), Is.Null);

        using var shifted = new CaseTensors(_backends[1], row, start, aligned: false);
        row.Run(_backends[1], shifted.Operands);
        Assert.That(Comparison.Difference(row, expected, shifted.Results()), Is.Null, "views that start anywhere");
    }

    [Explicit("The double-precision loops take minutes."), TestCaseSource(nameof(LargeRows))]
    public void Equals_the_oracle_at_benchmark_sizes(OpCase row) => Assert.That(Comparison.Difference(_backends[1], row), Is.Null);

    [TestCaseSource(typeof(NaNs), nameof(NaNs.Rows))]
    public void Hands_on_NaN(OpCase row) => NaNs.Check(_backends[1], row);

    private static string? SameBits(OpCase row, float[][] a, float[][] b)
    {
        for (int k = 0; k < a.Length; k++)
        {
            for (int i = 0; i < a[k].Length; i++)
            {
                if (BitConverter.SingleToInt32Bits(a[k][i]) != BitConverter.SingleToInt32Bits(b[k][i]))
                    return $"{row.Name}: {row.Operands[k].Name} differs at {i}: {a[k][i]:g9} and {b[k][i]:g9}";
            }
        }
        return null;
    }
}

/// <summary>Rows of the case list on one device: right, the same bits again, NaN handed on.</summary>
internal abstract class DeviceEqualityTests(string device)
{
    private Backends.Lease? _lease;

    protected Backend Backend => _lease!.Backend;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    protected void Check(OpCase row)
    {
        var start = row.Start();
        using var tensors = new CaseTensors(Backend, row, start);
        row.Run(Backend, tensors.Operands);
        var first = tensors.Results();
        var expected = row.Expected(start);
        Assert.That(Comparison.Difference(row, expected, first), Is.Null);
        tensors.Reset();
        Scratch.Poison(Backend);
        row.Run(Backend, tensors.Operands);
        var second = tensors.Results();
        for (int k = 0; k < first.Length; k++)
            Assert.That(second[k].AsSpan().SequenceEqual(first[k]) || Array.Exists(first[k], float.IsNaN),
                $"{row.Name}: {row.Operands[k].Name} differs from run to run");

        using var shifted = new CaseTensors(Backend, row, start, aligned: false);
        row.Run(Backend, shifted.Operands);
        Assert.That(Comparison.Difference(row, expected, shifted.Results()), Is.Null, "views that start anywhere");
    }
}

/// <summary>ILGPU's CPU accelerator: the same kernels, step by step on threads; a group barrier takes a millisecond, so tiny rows
/// only.</summary>
[TestFixture]
internal sealed class IlgpuCpuEqualityTests() : DeviceEqualityTests("ilgpu-cpu")
{
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Tiny);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);
}

[TestFixture, Category("OpenCL")]
internal sealed class OpenClEqualityTests() : DeviceEqualityTests("opencl")
{
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);

    [TestCaseSource(typeof(NaNs), nameof(NaNs.Rows))]
    public void Hands_on_NaN(OpCase row) => NaNs.Check(Backend, row);
}

[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class CudaEqualityTests(string device) : DeviceEqualityTests(device)
{
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small);

    private static IEnumerable<OpCase> LargeRows => CaseList.All.Where(row => row.Size == CaseSize.Large);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);

    [TestCaseSource(typeof(NaNs), nameof(NaNs.Rows))]
    public void Hands_on_NaN(OpCase row) => NaNs.Check(Backend, row);

    [Explicit("The double-precision loops take minutes."), TestCaseSource(nameof(LargeRows))]
    public void Equals_the_oracle_at_benchmark_sizes(OpCase row) => Check(row);
}
