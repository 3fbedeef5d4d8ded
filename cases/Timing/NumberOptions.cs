using System.CommandLine.Parsing;
using System.Numerics;
using BDense.Kernels;

namespace BDense.Cases.Timing;

/// <summary>Numbers on the command lines of ops and the benchmarks, read as those of bdense are.</summary>
public static class NumberOptions
{
    /// <summary>The number that an option's only token is; of any other, the fault is told to <paramref name="fault"/>.</summary>
    public static T Read<T>(this NumberRule<T> rule, string name, IReadOnlyList<Token> tokens, Action<string> fault)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        string text = tokens.Count > 0 ? tokens[0].Value : "";
        if (!rule.TryRead(text, out var value))
            fault(rule.Fault(name, text));
        return value;
    }
}
