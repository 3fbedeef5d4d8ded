using BDense.Benchmarks.Workloads;

namespace BDense.Benchmarks.Comparison;

/// <summary>Something to be compared with.</summary>
public interface IPeer : IDisposable
{
    string Name { get; }

    /// <summary>Why it cannot run here, in one line; null if it can.</summary>
    string? Unavailable { get; }

    /// <summary>Whether it would have a row for <paramref name="work"/>, could it run.</summary>
    bool Takes(Workload work);

    /// <summary>Every way in which this peer can do it; the fastest of them is the one that counts.</summary>
    IEnumerable<Running> Start(Workload work);
}

/// <summary>Stands in for a peer that could not even be built.</summary>
public sealed class MissingPeer(string name, string reason) : IPeer
{
    public string Name => name;

    public string? Unavailable => reason;

    public bool Takes(Workload work) => true;

    public IEnumerable<Running> Start(Workload work) => [];

    public void Dispose() { }
}
