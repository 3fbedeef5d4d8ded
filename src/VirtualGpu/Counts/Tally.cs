namespace BDense.VirtualGpu.Counts;

/// <summary>Running sums of one place: see <see cref="PlaceCounts"/>.</summary>
internal struct Tally
{
    public long Executions, Lanes, GlobalRequests, Sectors, IdealSectors, BytesAsked, SectorsFromL2, SharedRequests, Wavefronts,
        IdealWavefronts, Diverged, Waits;

    public readonly PlaceCounts Counts =>
        new(Executions, Lanes, GlobalRequests, Sectors, IdealSectors, BytesAsked, SectorsFromL2, SharedRequests, Wavefronts,
        IdealWavefronts, Diverged, Waits);
}
