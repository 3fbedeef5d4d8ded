using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Benchmarks.Workloads;

/// <summary>Work that any of our backends can do, and that a peer may know how to do as well: the same inputs, the same results.</summary>
public abstract record Workload
{
    /// <summary>What a row is called and what <c>--filter</c> selects by.</summary>
    public abstract string Name { get; }

    /// <summary>Largest relative difference ||a - b|| / ||b|| of any result that still counts as the same result.</summary>
    public virtual double Tolerance => 1e-4;

    /// <summary>
    /// Of whole networks: what is fused on our side. The results are the same up to rounding; single operations have no choice.
    /// </summary>
    public Fusions Fusions { get; init; } = Fusions.Usual;

    /// <summary>The same work under other fusions.</summary>
    public virtual Workload With(Fusions fusions) => this with { Fusions = fusions };

    /// <summary>Makes inputs and outputs on <paramref name="backend"/>, ready to run.</summary>
    public abstract Running Start(Backend backend);

    /// <summary>Values in [-1, 1), the same for each side: they depend on <paramref name="seed"/> alone.</summary>
    public static float[] Uniform(int length, int seed)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = 2f * random.NextSingle() - 1f;
        return values;
    }

    public sealed override string ToString() => Name;
}

/// <summary>A workload with its memory, on one side of a comparison.</summary>
/// <param name="variant">How this side does it, where it has a choice: <c>channels_last</c>.</param>
/// <param name="run">Does it once and waits for the end.</param>
/// <param name="results">Outputs of the last run by name, in our layout (NHWC, KRSC).</param>
/// <param name="owned">Disposed with it.</param>
public sealed class Running(string variant, Action run, Func<Dictionary<string, float[]>> results, params IReadOnlyList<IDisposable> owned)
    : IDisposable
{
    public string Variant { get; } = variant;

    public void Run() => run();

    public Dictionary<string, float[]> Results() => results();

    public void Dispose()
    {
        foreach (var thing in owned)
            thing.Dispose();
    }
}
