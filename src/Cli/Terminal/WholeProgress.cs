using BDense.Experiments;

namespace BDense.Cli.Terminal;

/// <summary>
/// How long a whole of several stages takes: the work that is left over the speed that was measured. Work is counted from a stage's first
/// report on, so that neither what compiles before it nor what an earlier session did is taken for speed.
/// </summary>
/// <param name="now">Time since some start.</param>
internal sealed class WholeProgress(Func<TimeSpan> now)
{
    /// <summary>So much is measured before anything is said.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.5);

    /// <summary>What takes less needs no announcement.</summary>
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(10);

    private readonly List<PlannedStage> _ahead = [];
    private double _measuredWork, _measuredSeconds;
    private bool _announced;
    private Running? _running;

    /// <summary>The stages to come, in their order; those that are done already may be among them.</summary>
    public void Plan(IEnumerable<PlannedStage> stages)
    {
        _ahead.Clear();
        _ahead.AddRange(stages);
    }

    /// <summary>
    /// As <see cref="Plan"/>, where the work is in seconds that are known; returns the announcement, or none if it is short.
    /// </summary>
    public string? Expect(IReadOnlyCollection<PlannedStage> stages)
    {
        Plan(stages);
        _announced = true;
        var whole = TimeSpan.FromSeconds(stages.Sum(stage => stage.Work));
        return whole < s_short ? null : $"takes about {Text(whole)}";
    }

    /// <summary>
    /// A stage begins. What was planned before it is over or was not needed; one that nobody planned stands for itself alone.
    /// </summary>
    public void Begin(string name, int total)
    {
        int place = _ahead.FindIndex(stage => stage.Name == name);
        double work = total;
        if (place >= 0)
        {
            work = _ahead[place].Work;
            _ahead.RemoveRange(0, place + 1);
        }
        else if (_ahead.Count > 0)
        {
            work = 0;
        }
        else
        {
            (_measuredWork, _measuredSeconds) = (0, 0);
        }
        _running = new Running(work, Math.Max(1, total), now());
    }

    /// <summary>The stage has done so many of its steps.</summary>
    public void Report(int step)
    {
        if (_running is not { } r)
            return;
        if (r.First is null)
            (r.First, r.Since) = (step, now());
        r.Last = step;
    }

    /// <summary>The stage is over.</summary>
    public void End()
    {
        if (_running is not { } r)
            return;
        // One report, or none: the whole of it is all there is to measure.
        bool asOne = r.First is null || r.Last == r.First;
        _measuredWork += asOne ? r.Work : r.Measured;
        _measuredSeconds += (now() - (asOne ? r.Began : r.Since)).TotalSeconds;
        _running = null;
    }

    /// <summary>Seconds in which the work was done that counts as measured.</summary>
    private double Measured => _measuredSeconds + (_running is { First: not null } r ? (now() - r.Since).TotalSeconds : 0);

    /// <summary>Time left of the whole; none while nothing is measured.</summary>
    public TimeSpan? Remaining
    {
        get
        {
            double work = _measuredWork + (_running?.Measured ?? 0), seconds = Measured;
            if (work <= 0 || seconds <= 0)
                return null;
            double left = (_running?.Left ?? 0) + _ahead.Sum(stage => stage.Work);
            return TimeSpan.FromSeconds(Math.Min(left / work * seconds, TimeSpan.FromDays(10_000).TotalSeconds));
        }
    }

    /// <summary>Whether the whole is more than the stage that runs.</summary>
    public bool HasMore => _ahead.Count > 0;

    /// <summary>Once, as soon as the speed is known, the whole's length in words, if it is not short; otherwise none.</summary>
    public string? Announcement()
    {
        double seconds = Measured;
        if (_announced || seconds < s_patience.TotalSeconds || Remaining is not { } left)
            return null;
        _announced = true;
        return left + TimeSpan.FromSeconds(seconds) < s_short ? null : $"takes about {Text(left)} from here";
    }

    /// <summary>A length of time as people say it: 42 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.</summary>
    public static string Text(TimeSpan time)
    {
        var t = TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
        return t switch
        {
            { TotalMinutes: < 1 } => FormattableString.Invariant($"{t.Seconds} s"),
            { TotalMinutes: < 10 } => FormattableString.Invariant($"{t.Minutes} min {t.Seconds} s"),
            { TotalHours: < 1 } => FormattableString.Invariant($"{t.Minutes} min"),
            { TotalDays: < 1 } => FormattableString.Invariant($"{t.Hours} h {t.Minutes} min"),
            _ => FormattableString.Invariant($"{t.Days} d {t.Hours} h"),
        };
    }

    private sealed class Running(double work, int total, TimeSpan began)
    {
        public double Work => work;

        public TimeSpan Began => began;

        public TimeSpan Since { get; set; }

        public int? First { get; set; }

        public int Last { get; set; }

        public double Measured => First is { } first ? work * (Last - first) / total : 0;

        public double Left => work * (total - Math.Min(Last, total)) / total;
    }
}
