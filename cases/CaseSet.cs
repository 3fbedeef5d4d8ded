using BDense.Kernels.MachineCode;

namespace BDense.Cases;

/// <summary>
/// What someone hands to the checker and to <c>ops</c>: this library's operations, or those of a project of one's own.
/// </summary>
/// <remarks>
/// An operation from outside is checked and timed by a program of one line,
/// <c>return OpsCommand.Run(args, new CaseSet(rows, gradients) { Kernels = KernelRegistry.Add(assembly) });</c>
/// where its rows name the operation, its operands, the call and the double-precision loops. See <see cref="OpCase"/>,
/// <see cref="Checking.Checker"/> and <see cref="Timing.OpsCommand"/>.
/// </remarks>
/// <param name="Rows">Operations with shapes and options. Names are unique.</param>
/// <param name="Gradients">Backward oracles beside their forward oracles.</param>
public sealed record CaseSet(IReadOnlyList<OpCase> Rows, IReadOnlyList<GradientCase> Gradients)
{
    /// <summary>Names of the kernels that are to compile to PTX and machine code: <see cref="KernelCatalog.Names"/> knows them.</summary>
    public IReadOnlyList<string> Kernels { get; init; } = [];

    /// <summary>Every operation of the library, and its kernels.</summary>
    public static CaseSet Library { get; } = new(CaseList.All, CaseList.Gradients) { Kernels = KernelCatalog.Names };

    /// <summary>Several as one.</summary>
    public static CaseSet Join(params IReadOnlyList<CaseSet> sets) => sets is [var one] ? one
        : new([.. sets.SelectMany(s => s.Rows)], [.. sets.SelectMany(s => s.Gradients)]) { Kernels = [.. sets.SelectMany(s => s.Kernels)] };

    /// <summary>The operations' names, each once, in order.</summary>
    public IReadOnlyList<string> Ops => [.. Rows.Select(row => row.Op).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Those rows and gradients alone whose operation is one of <paramref name="ops"/>; kernels stay.</summary>
    public CaseSet Of(IReadOnlyCollection<string> ops) =>
        this with { Rows = [.. Rows.Where(row => ops.Contains(row.Op))], Gradients = [.. Gradients.Where(g => ops.Contains(g.Op))] };
}
