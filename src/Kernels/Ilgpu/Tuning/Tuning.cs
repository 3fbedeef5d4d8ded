using BDense.Kernels.Ilgpu.Cuda;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Which tile a launch takes: what was measured on this device if it was, else the rule's; decided once for each problem.
/// </summary>
public sealed partial class IlgpuBackend
{
    private readonly Dictionary<TuningKey, TileChoice> _choices = [];
    private TuningTable _tuned = new();
    private Autotuner? _tuner;

    /// <summary>Where choices are remembered.</summary>
    public string TuningFile { get; private set; } = "";

    /// <summary>Reads what <c>bdense tune</c> wrote; a file that cannot be read is ignored with a <see cref="Backend.Notice"/>.</summary>
    internal void ReadTuning(string path)
    {
        TuningFile = path;
        (_tuned, _notice) = TuningTable.Read(path);
        _choices.Clear();
    }

    private TileChoice? _forced;

    /// <summary>What every product on tensor cores takes, whatever was measured: to count one kernel's work; none otherwise.</summary>
    internal TileChoice? ForcedTile
    {
        get => _forced;
        set
        {
            _forced = value;
            _choices.Clear();
        }
    }

    private string? _notice;

    /// <summary>What was decided so far.</summary>
    internal IReadOnlyDictionary<TuningKey, TileChoice> Decided => _choices;

    /// <inheritdoc/>
    public override string? Notice =>
        !IsVirtual ? _notice : _notice is null ? VirtualCuda.Notice : VirtualCuda.Notice + Environment.NewLine + _notice;

    /// <summary>
    /// Runs <paramref name="work"/> and times, where it meets a problem for the first time, all tiles that there are for it; then
    /// writes the choices to the user's cache, where every later run on this device finds them.
    /// </summary>
    /// <param name="work">Any operations; their results are as always.</param>
    /// <param name="onRow">Called after each problem.</param>
    /// <param name="timer">Milliseconds of an action that queues one launch; null for the device's clock.</param>
    /// <param name="cancellation">Looked at between launches that are timed; what was tuned before is then forgotten.</param>
    public IReadOnlyList<TuningRow> Tune(Action work, Action<TuningRow>? onRow = null, Func<Action, double>? timer = null,
        CancellationToken cancellation = default)
    {
        _tuner = new Autotuner(timer ?? Autotuner.Timer(this)) { OnRow = onRow, Cancellation = cancellation };
        try
        {
            work();
            Synchronize();
            if (_tuner.Rows.Count > 0)
                _tuned.Write(TuningFile, _accelerator.Name);
            return _tuner.Rows;
        }
        finally
        {
            _tuner = null;
        }
    }

    /// <summary>How many problems <see cref="Tune"/> would time for the same work, which is done once.</summary>
    public int Problems(Action work)
    {
        _choices.Clear();
        _problems = [];
        try
        {
            work();
            return _problems.Count;
        }
        finally
        {
            _problems = null;
        }
    }

    private HashSet<TuningKey>? _problems;

    /// <summary>Whether the problem was decided; while tuning, only if it was tuned.</summary>
    private bool IsDecided(in TuningKey key, out TileChoice choice) =>
        _choices.TryGetValue(key, out choice) && (_tuner is null || _tuner.Has(key));

    /// <summary>Of a product on tensor cores: the table's tiles by rule, those and all others while tuning.</summary>
    private TileChoice Decide(in TuningKey key, TensorProblem problem, Action<TileChoice> trial) =>
        Decide(key, [.. TensorPlan.Candidates(problem, SharedLimit)],
            TensorPlan.Choose(problem, _accelerator.NumMultiprocessors, SharedLimit), trial,
            choice => TensorSearch.Neighbours(problem, choice, SharedLimit),
            choice => TensorSearch.Allows(problem, choice, SharedLimit));

    /// <param name="key">The problem.</param>
    /// <param name="candidates">What is timed; a remembered choice that is none of them is passed over unless it is allowed.</param>
    /// <param name="rule">The choice without a measurement.</param>
    /// <param name="trial">Launches a candidate, with no effect but its time.</param>
    /// <param name="neighbours">What else is timed (<see cref="Autotuner.Fastest"/>).</param>
    /// <param name="isAllowed">Whether another remembered choice can be launched.</param>
    private TileChoice Decide(in TuningKey key, IReadOnlyList<TileChoice> candidates, TileChoice rule, Action<TileChoice> trial,
        Func<TileChoice, IEnumerable<TileChoice>>? neighbours = null, Func<TileChoice, bool>? isAllowed = null)
    {
        TileChoice choice;
        if (_forced is { } forced && key.Operation != "portable")
            return _choices[key] = forced;
        if (candidates.Count > 1)
            _problems?.Add(key);
        if (_tuner is not null && candidates.Count > 1)
            _tuned[key] = choice = _tuner.Fastest(key, candidates, rule, trial, neighbours);
        else if (!_tuned.TryGet(key, out choice) || !(candidates.Contains(choice) || isAllowed?.Invoke(choice) == true))
            choice = rule;
        return _choices[key] = choice;
    }
}
