using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Runs;

namespace BDense.Training.Watching;

/// <summary>
/// How a run is watched, in <c>watching.json</c> of its folder: what a resumed run goes on with. It is no part of what the run is made
/// from, nor of its checkpoints.
/// </summary>
/// <param name="SamplesEvery">Iterations between two pictures; 0 for none.</param>
/// <param name="SamplesCount">Images of a picture.</param>
public sealed record WatchRecord(int SamplesEvery, int SamplesCount)
{
    /// <summary>In the run's folder.</summary>
    public const string FileName = "watching.json";

    /// <summary>The images for the loss that is not learned from; or none.</summary>
    public HeldOutRecord? Validation { get; init; }

    /// <summary>Of a run; none where there is none, or an older one.</summary>
    /// <exception cref="BDenseException">The file is damaged.</exception>
    public static WatchRecord? Read(string run)
    {
        string path = Path.Combine(run, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            return RunJson.FromNode<WatchRecord>(RunJson.Read(path), path);
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{e.Message}; remove it to go on without what was watched before", e);
        }
    }

    /// <summary>Into a run that is there.</summary>
    /// <exception cref="BDenseException">It cannot be written.</exception>
    public void Write(RunFolder run) =>
        AtomicFile.WriteText(Path.Combine(run.FullName, FileName), RunJson.ToText(RunJson.ToNode(this)) + "\n", makeFolders: false);

    /// <summary>What makes pictures and losses other than they were, by the options' names; nothing where they were not made.</summary>
    /// <param name="was">Of the sessions before.</param>
    public IEnumerable<string> Differences(WatchRecord was)
    {
        if (was.SamplesEvery > 0)
        {
            if (SamplesEvery != was.SamplesEvery)
                yield return Of("--samples-every", SamplesEvery, was.SamplesEvery);
            if (SamplesCount != was.SamplesCount && SamplesEvery > 0)
                yield return Of("--samples-count", SamplesCount, was.SamplesCount);
        }
        if (Validation is not { } now || was.Validation is not { } then)
            yield break;
        if (now.Limit != then.Limit && now.Images != then.Images)
            yield return Of("--validation-limit", now.Limit, then.Limit);
        else if (now.Images != then.Images)
            yield return now.Path == then.Path ? $"--validation {now.Path} holds other images by now"
                : $"--validation is {now.Path}, not {then.Path}, and holds other images";
        if (now.Every != then.Every)
            yield return Of("--validation-every", now.Every, then.Every);

        static string Of(string option, int now, int then) => string.Create(CultureInfo.InvariantCulture, $"{option} is {now}, not {then}");
    }
}

/// <summary>Images for a loss, as a run remembers them.</summary>
/// <param name="Path">Where they lay, in full.</param>
/// <param name="Images">How many of what size, and their digest (<see cref="RunData.Fingerprint"/>).</param>
/// <param name="Limit">At most so many were used; 0 for all.</param>
/// <param name="Every">Iterations between two losses.</param>
public sealed record HeldOutRecord(string Path, string Images, int Limit, int Every);
