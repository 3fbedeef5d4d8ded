using BDense.Cases;
using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>A NaN in any operand that is read must be in every element that depends on it: training stops on it, so nothing may swallow
/// it.</summary>
internal static class NaNs
{
    /// <summary>All but the largest: the oracle runs once for every operand.</summary>
    public static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small).Where(row => row.Operands.Sum(o => o.Shape.Length) < 40_000);

    public static void Check(Backend backend, OpCase row)
    {
        for (int k = 0; k < row.Operands.Length; k++)
        {
            if (row.Operands[k].Role == Role.Output)
                continue;
            var start = row.Start();
            start[k][start[k].Length / 2] = float.NaN;
            using var tensors = new CaseTensors(backend, row, start);
            row.Run(backend, tensors.Operands);
            string? difference = Comparison.Difference(row, row.Expected(start), tensors.Results(), nanOnly: true);
            Assert.That(difference, Is.Null, $"NaN in {row.Operands[k].Name}");
        }
    }
}
