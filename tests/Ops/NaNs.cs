using BDense.Cases;
using BDense.Cases.Checking;

namespace BDense.Tests.Ops;

/// <summary>The rows that <see cref="Checker.NaN"/> is asked about.</summary>
internal static class NaNs
{
    /// <summary>All but the largest: the oracle runs once for every operand.</summary>
    public static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Small).Where(row => row.Elements < Checker.MostElementsForNaN);
}
