using System.Text.Json.Nodes;
using BDense.Kernels;

namespace BDense.Training.Runs;

/// <summary>What a resumed run may differ in from what it was begun with; everything else that differs is refused.</summary>
public sealed record ResumeChanges
{
    /// <summary>Other data than it has seen so far.</summary>
    public bool Data { get; init; }

    /// <summary>A device that rounds otherwise.</summary>
    public bool Device { get; init; }

    /// <summary>How it may become longer; none for not at all.</summary>
    public RunLength? Length { get; init; }

    /// <summary>Compares what a run was begun with and what is asked for now.</summary>
    /// <param name="path">The run, for messages.</param>
    /// <param name="was">Its configuration.</param>
    /// <param name="wanted">What is asked for.</param>
    /// <param name="notice">Told of what has changed and of what cannot be compared.</param>
    /// <returns>The configuration from now on: still the same run, and what it was before stays on record. None if nothing has
    /// changed.</returns>
    /// <exception cref="BDenseException">They differ in something that this does not allow.</exception>
    internal JsonObject? Apply(string path, JsonObject was, JsonObject wanted, Action<string>? notice)
    {
        bool grows = Length?.Grows(was, wanted) == true;
        JsonObject before = RunData.Without(was), now = RunData.Without(wanted);
        if (RunJson.Difference(grows ? Length!.With(before, wanted) : before, now) is { } difference)
            throw new BDenseException($"{path} cannot be resumed with other options: {difference}");
        if (grows && Length!.Obstacle is { } obstacle)
            throw new BDenseException($"{path} cannot go on to more {Length.Field}: {obstacle}");
        var config = was;
        foreach (var source in RunData.Sources)
        {
            if (source.Change(was, wanted) is { } change)
            {
                if (!(source.Kind == SourceKind.Data ? Data : source.Kind == SourceKind.Device && Device))
                    throw new BDenseException($"{path} cannot be resumed {source.Refusal(change)}");
                config = source.Changed(config, wanted);
                notice?.Invoke($"{path} goes on {source.Notice(change)}");
            }
            else if (source.IsUnknown(was, wanted))
            {
                notice?.Invoke(
                    $"{path} was begun by an older version, which kept no fingerprint of its {source.What}: whether "
                        + $"{(source.Kind is SourceKind.Data or SourceKind.Init ? "they are" : "it is")} the same is not known");
            }
        }
        if (grows)
            config = Length!.With(RunIdentity.Kept(config), wanted);
        return ReferenceEquals(config, was) ? null : config;
    }
}

/// <summary>Where a run's length stands in its configuration, and whether it may grow.</summary>
/// <param name="Section">The part of the configuration.</param>
/// <param name="Field">In it.</param>
/// <param name="Obstacle">Why a longer run would have been another from its beginning, as a sentence; null if its first iterations are the
/// same.</param>
public sealed record RunLength(string Section, string Field, string? Obstacle)
{
    internal bool Grows(JsonObject was, JsonObject wanted) => Of(was) is { } before && Of(wanted) is { } now && now > before;

    /// <summary>A configuration with another's length.</summary>
    internal JsonObject With(JsonObject config, JsonObject other)
    {
        var longer = (JsonObject)config.DeepClone();
        longer[Section]![Field] = Of(other);
        return longer;
    }

    private long? Of(JsonObject config) =>
        config[Section] is JsonObject part && part[Field] is JsonValue value && value.TryGetValue(out long n) ? n : null;
}
