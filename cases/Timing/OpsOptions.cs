using BDense.Kernels;

namespace BDense.Cases.Timing;

/// <summary>What <c>ops</c> was asked for.</summary>
/// <param name="Names">Operations, in any case; one that ends in * means all that begin so. None: they are listed.</param>
/// <param name="Device">As <see cref="Kernels.Devices.DeviceCatalog.Open"/> takes it.</param>
/// <param name="Size">tiny, small, large, huge or all; null for what suits the device.</param>
/// <param name="Only">Only rows whose label contains this.</param>
/// <param name="Precision">Of products and convolutions.</param>
/// <param name="Seconds">Timing of a row, at least.</param>
/// <param name="List">Whether rows are named and nothing runs.</param>
/// <param name="Check">Whether rows are checked instead of timed.</param>
internal sealed record OpsOptions(IReadOnlyList<string> Names, string Device, string? Size, string? Only,
    Precision Precision, double Seconds, bool List, bool Check)
{
    private const string AllSizes = "all";

    private static readonly string[] SizeNames = [.. Enum.GetNames<CaseSize>().Select(n => n.ToLowerInvariant()), AllSizes];

    /// <summary>What <c>--size</c> takes.</summary>
    public static string SizeText => $"{string.Join(", ", SizeNames[..^1])} or {SizeNames[^1]}";

    /// <summary>The operations that the names mean.</summary>
    /// <exception cref="UsageException">There is none of a name; the message has the nearest.</exception>
    public IReadOnlyList<string> Ops(IReadOnlyList<string> known)
    {
        var found = new List<string>();
        foreach (string name in Names)
        {
            var ops = known.Where(op => name.EndsWith('*') ? op.StartsWith(name[..^1], StringComparison.OrdinalIgnoreCase)
                : op.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
            if (ops.Count == 0)
            {
                string near = Suggestion.For(name.TrimEnd('*'), known);
                near = near.Length > 0 ? near : "; without a name they are listed";
                throw new UsageException($"no operation {Printable.Quoted(name)}{near}");
            }
            found.AddRange(ops);
        }
        return [.. found.Distinct()];
    }

    /// <summary>The rows that are meant: those of the size, or where an operation has none of it, of the nearest below.</summary>
    /// <exception cref="UsageException">No such size, or no row is left.</exception>
    public IReadOnlyList<OpCase> Rows(CaseSet cases)
    {
        if (Size is not null && !SizeNames.Contains(Size))
            throw new UsageException($"--size knows {SizeText}, not {Printable.Quoted(Size)}{Suggestion.For(Size, SizeNames)}");
        var named = Labelled(cases.Rows);
        if (named.Count == 0)
            throw new UsageException($"no row's label contains {Printable.Quoted(Only ?? "")}; --size all --list names them all");
        var rows = Size == AllSizes ? named : [.. named.GroupBy(row => row.Op).SelectMany(OfSize)];
        return rows.Count > 0 ? rows : throw new UsageException($"there is no row of size {Size}; --size all --list names them all");
    }

    /// <summary>Those whose label contains what <c>--only</c> says.</summary>
    public IReadOnlyList<OpCase> Labelled(IReadOnlyList<OpCase> rows) =>
        Only is null ? rows : [.. rows.Where(row => row.Label.Contains(Only, StringComparison.OrdinalIgnoreCase))];

    /// <summary>The largest rows that a check runs: the oracle's loops in double precision take seconds for large ones.</summary>
    public CaseSize LargestToCheck => Size is null or AllSizes ? IsSlow ? CaseSize.Tiny : CaseSize.Small : Wanted;

    private IEnumerable<OpCase> OfSize(IEnumerable<OpCase> rows)
    {
        // Asked for by name, a size is that size; by default an operation without large rows shows what it has.
        var at = Size is not null ? Wanted : rows.Where(row => row.Size <= Wanted).Select(row => row.Size).DefaultIfEmpty(Wanted).Max();
        return rows.Where(row => row.Size == at);
    }

    private CaseSize Wanted => Size is not null ? Enum.Parse<CaseSize>(Size, ignoreCase: true) : IsSlow ? CaseSize.Tiny : CaseSize.Large;

    /// <summary>Simulations in software: a large row would take hours.</summary>
    private bool IsSlow => Device == "ilgpu-cpu" || Device.Split(':')[0] == "virtual";
}
