using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// An mbarrier object: PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier". A phase is complete when nobody is
/// pending and no bytes are
/// on their way.
/// </summary>
/// <param name="offset">In shared memory.</param>
/// <param name="agent">In a <see cref="Clock"/>.</param>
/// <param name="expected">Arrivals of a phase.</param>
internal sealed class Mbarrier(long offset, int agent, int expected)
{
    /// <summary>Of counts and of bytes, either way.</summary>
    public const int Most = (1 << 20) - 1;

    public long Offset { get; } = offset;

    public int Agent { get; } = agent;

    /// <summary>Of the next phase.</summary>
    public int Expected { get; set; } = expected;

    /// <summary>Arrivals that are missing.</summary>
    public int Pending { get; set; } = expected;

    /// <summary>Bytes that are expected and have not arrived; less than 0 if more arrived.</summary>
    public int Bytes { get; set; }

    /// <summary>Phases that are complete: the current one's number.</summary>
    public int Phase { get; private set; }

    /// <summary>Phases that anybody saw complete.</summary>
    public int Seen { get; set; }

    /// <summary>Who made it, and when.</summary>
    public required (int Warp, int Time) Made { get; init; }

    /// <summary>Whether a fence made it known to bulk copies.</summary>
    public bool IsFenced { get; set; }

    /// <summary>What those knew who arrived.</summary>
    public Clock Arrived { get; } = new();

    /// <summary>The same, of complete phases.</summary>
    public Clock Known { get; } = new();

    /// <returns>Whether the phase is complete; then the next one has begun.</returns>
    public bool Complete()
    {
        if (Pending != 0 || Bytes != 0)
            return false;
        Phase++;
        Pending = Expected;
        Known.Merge(Arrived);
        return true;
    }

    /// <summary>As findings tell it.</summary>
    public override string ToString()
    {
        string bytes = Bytes switch
        {
            > 0 => $", {Bytes} bytes expected that nobody copies",
            < 0 => $", {-Bytes} bytes more arrived than were expected",
            _ => "",
        };
        return $"phase {Phase}, {Pending} of {Expected} arrivals missing{bytes}";
    }
}
