namespace BDense.Kernels.Ilgpu.Tuning;

/// <summary>Times the candidates of every problem that a device meets for the first time.</summary>
/// <param name="timer">Milliseconds of an action that queues one launch.</param>
internal sealed class Autotuner(Func<Action, double> timer)
{
    private readonly HashSet<TuningKey> _done = [];
    private readonly List<TuningRow> _rows = [];

    public IReadOnlyList<TuningRow> Rows => _rows;

    /// <summary>Called after each problem.</summary>
    public Action<TuningRow>? OnRow { get; init; }

    /// <summary>Looked at before each candidate.</summary>
    public CancellationToken Cancellation { get; init; }

    public bool Has(in TuningKey key) => _done.Contains(key);

    /// <summary>
    /// The candidate with the least time; of equals the rule's, then the first. Then what lies beside it, as long as that is faster.
    /// </summary>
    /// <param name="key">The problem.</param>
    /// <param name="candidates">To begin with.</param>
    /// <param name="rule">What would be taken without a measurement.</param>
    /// <param name="trial">Launches a candidate.</param>
    /// <param name="neighbours">Of a choice; none for a list that is all there is.</param>
    public TileChoice Fastest(in TuningKey key, IReadOnlyList<TileChoice> candidates, TileChoice rule, Action<TileChoice> trial,
        Func<TileChoice, IEnumerable<TileChoice>>? neighbours = null)
    {
        var (best, least, ruleTime) = (rule, double.MaxValue, double.NaN);
        var timed = new HashSet<TileChoice>();
        bool Try(IEnumerable<TileChoice> choices)
        {
            var before = best;
            foreach (var candidate in choices.Where(timed.Add))
            {
                Cancellation.ThrowIfCancellationRequested();
                double time = timer(() => trial(candidate));
                if (candidate == rule)
                    ruleTime = time;
                if (time < least)
                    (best, least) = (candidate, time);
            }
            return best != before;
        }
        Try(candidates.OrderBy(c => c != rule));
        while (neighbours is not null && Try(neighbours(best)))
        {
        }
        _done.Add(key);
        var row = new TuningRow(key.Operation, key.Precision.Text(), key.M, key.N, key.Steps, key.Taps, key.Stride, key.Batch,
            best.Tile, best.Slices, least, rule.Tile, rule.Slices, ruleTime, timed.Count);
        _rows.Add(row);
        OnRow?.Invoke(row);
        return best;
    }

    /// <summary>
    /// A timer of a device: warm, then the least of five rounds, each of as many launches as take a millisecond. The least, since
    /// whatever else the machine does only adds to it.
    /// </summary>
    public static Func<Action, double> Timer(Backend backend) => launch =>
    {
        double Round(int count)
        {
            using var start = backend.Mark();
            for (int i = 0; i < count; i++)
                launch();
            using var end = backend.Mark();
            return end.MillisecondsSince(start) / count;
        }
        launch();
        double once = Round(1);
        int launches = (int)Math.Clamp(1 / Math.Max(once, 1e-3), 1, 100);
        double least = once;
        for (int round = 0; round < (once > 300 ? 1 : 5); round++)
            least = Math.Min(least, Round(launches));
        return least;
    };
}
