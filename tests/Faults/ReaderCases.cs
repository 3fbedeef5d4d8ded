namespace BDense.Tests.Faults;

/// <summary>Everything that the project reads, in one table. A new reader gets a row here.</summary>
internal static class ReaderCases
{
    public static IReadOnlyList<ReaderCase> All { get; } = [.. RunCases.All, .. NetworkCases.All, .. ArrayCases.All, .. ImageCases.All,
        .. OtherCases.All];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(r => r.Name)];
}
