using BDense.Cases;
using BDense.Cases.Checking;
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
    public void Equals_the_oracle_with_any_number_of_threads(OpCase row) => Assert.That(Checker.Row(_backends, row), Is.Empty);

    [Explicit("The double-precision loops take minutes."), TestCaseSource(nameof(LargeRows))]
    public void Equals_the_oracle_at_benchmark_sizes(OpCase row) => Assert.That(Comparison.Difference(_backends[1], row), Is.Null);

    [TestCaseSource(typeof(NaNs), nameof(NaNs.Rows))]
    public void Hands_on_NaN(OpCase row) => Assert.That(Checker.NaN(_backends[1], row), Is.Empty);
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

    protected void Check(OpCase row) => Assert.That(Checker.Row(Backend, row), Is.Empty);

    protected void CheckNaN(OpCase row) => Assert.That(Checker.NaN(Backend, row), Is.Empty);
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
    public void Hands_on_NaN(OpCase row) => CheckNaN(row);
}

[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Cuda))]
internal sealed class CudaEqualityTests(string device) : DeviceEqualityTests(device)
{
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small);

    private static IEnumerable<OpCase> LargeRows => CaseList.All.Where(row => row.Size == CaseSize.Large);

    [TestCaseSource(nameof(Rows))]
    public void Equals_the_oracle(OpCase row) => Check(row);

    [TestCaseSource(typeof(NaNs), nameof(NaNs.Rows))]
    public void Hands_on_NaN(OpCase row) => CheckNaN(row);

    [Explicit("The double-precision loops take minutes."), TestCaseSource(nameof(LargeRows))]
    public void Equals_the_oracle_at_benchmark_sizes(OpCase row) => Check(row);
}
