using System.Reflection;
using BDense.Cases;
using BDense.Cases.Checking;
using BDense.Kernels;
using BDense.Kernels.Devices;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>
/// No operation without a case in cases/Ops, no gradient without a finite difference, no cost that its operands do not bear out.
/// </summary>
[TestFixture]
internal sealed class CoverageTests
{
    /// <summary>Every abstract ...Core of the contract, less the two copies, is an operation.</summary>
    private static string[] Operations() => [.. typeof(Backend).GetMethods(BindingFlags.Instance | BindingFlags.NonPublic)
        .Where(m => m.IsAbstract && m.Name.EndsWith("Core", StringComparison.Ordinal))
        .Select(m => m.Name[..^"Core".Length])
        .Where(name => name is not ("Upload" or "Download"))
        .Order()];

    [Test]
    public void Every_operation_has_a_case_that_reaches_it()
    {
        var reached = new SortedSet<string>();
        using var backend = new DryRunBackend();
        backend.OnOp = (op, _) => reached.Add(op);
        foreach (var row in CaseList.Of(CaseSize.Tiny))
        {
            using var tensors = new CaseTensors(backend, row, row.Start());
            row.Run(backend, tensors.Operands);
        }
        Assert.That(Operations(), Has.Length.GreaterThan(25), "the reflection finds the operations");
        Assert.That(reached, Is.EqualTo(Operations()));
    }

    [Test]
    public void Every_public_method_that_runs_an_operation_has_a_case()
    {
        var methods = typeof(Backend).GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            .Where(m => m.ReturnType == typeof(void) && m.GetParameters().Any(p => p.ParameterType == typeof(Tensor)))
            .Select(m => m.Name).Distinct().Order();
        Assert.That(methods, Is.EqualTo(CaseList.All.Select(row => row.Op).Distinct().Order()));
    }

    [Test]
    public void Every_gradient_has_a_finite_difference()
    {
        var gradients = Operations().Where(op => op.EndsWith("Backward", StringComparison.Ordinal)
            || op.EndsWith("grad", StringComparison.Ordinal))
            .Concat(["TrajectoryLoss", "Split", "Upsample", "Downsample", "Dropout"]);
        Assert.That(gradients, Is.SubsetOf(CaseList.Gradients.Select(row => row.Op)));
    }

    [Test]
    public void Names_are_unique() => Assert.That(CaseList.All.Select(row => row.Name), Is.Unique);

    private static IEnumerable<OpCase> Rows => CaseList.All.Where(row => row.Size != CaseSize.Tiny
        && row.Elements is > 10_000 and < 1_000_000);

    [TestCaseSource(nameof(Rows))]
    public void Declared_bytes_are_those_of_the_operands(OpCase row)
    {
        using var backend = new DryRunBackend();
        Assert.That(Checker.Cost(backend, row), Is.Empty);
    }
}
