using BDense.Kernels.MachineCode;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;

namespace BDense.Kernels.Profiling;

/// <summary>A line of C#, or of PTX where that is not known, and what a launch did there.</summary>
/// <param name="Source">Line 0 where debug information does not reach.</param>
/// <param name="PtxLine">The first line of PTX.</param>
/// <param name="Text">The line's.</param>
/// <param name="Counts">Over all instructions that it became.</param>
public sealed record ProfiledLine(SourceLine Source, int PtxLine, string Text, PlaceCounts Counts)
{
    /// <summary>Every line of a launch, the most executed first.</summary>
    public static IReadOnlyList<ProfiledLine> Of(LaunchCounts counts) =>
    [
        .. counts.Places.GroupBy(p => SourceOf(p.Place) is { Line: > 0 } source ? (source, 0) : (default(SourceLine), p.Place.Line))
            .Select(group =>
            {
                var first = group.First().Place;
                string text = group.Key.Item1.Line > 0 ? KernelSources.Line(group.Key.Item1.File, group.Key.Item1.Line) : first.Text;
                return new ProfiledLine(group.Key.Item1, first.Line, text,
                    group.Aggregate(default(PlaceCounts), (sum, p) => sum + p.Counts));
            })
            .OrderByDescending(line => line.Counts.Executions).ThenBy(line => line.PtxLine),
    ];

    private static SourceLine SourceOf(PtxPlace place) =>
        place.File is null ? default : new SourceLine(KernelSources.Relative(place.File), place.SourceLine);
}
