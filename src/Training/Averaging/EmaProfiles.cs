using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Runs;

namespace BDense.Training.Averaging;

/// <summary>
/// Averages of the weights with <see cref="PowerProfile"/>s, kept while a network is trained, and stored every so often, so that an average
/// of any other width, at any time, can be made of them afterwards (<see cref="PostHocEma"/>). Time is counted in iterations.
/// </summary>
/// <remarks>
/// In a checkpoint <c>profile-0.05.safetensors</c> holds one as a network; in the run's folder
/// <c>snapshots/step-000500-0.05.safetensors</c> holds it as it was then (<see cref="SnapshotDigests"/>).
/// </remarks>
public sealed class EmaProfiles : IDisposable
{
    /// <summary>In the run's folder.</summary>
    public const string SnapshotsFolder = "snapshots";

    /// <summary>In a run's configuration: the widths.</summary>
    public const string ConfigKey = "emaProfiles";

    // Of a file's metadata.
    internal const string StepKey = "step", SigmaRelKey = "sigmaRel";

    private readonly INetwork _network;
    private readonly long _every;
    private readonly (double SigmaRel, PowerProfile Profile, Tensor Average)[] _all;
    private long _step;

    /// <param name="network">What is trained; stays the caller's.</param>
    /// <param name="sigmaRels">The widths, each once.</param>
    /// <param name="every">Iterations between two that are stored; 0 for none.</param>
    /// <exception cref="UsageException">A width is out of range.</exception>
    public EmaProfiles(INetwork network, IReadOnlyList<double> sigmaRels, long every)
    {
        (_network, _every) = (network, every);
        PowerProfile[] profiles = [.. sigmaRels.Select(PowerProfile.OfSigmaRel)];
        _all = [.. sigmaRels.Zip(profiles, (width, profile) => (width, profile, network.Parameters.CopyValues()))];
    }

    /// <summary>An average as it stands, flat.</summary>
    public Tensor Average(double sigmaRel) => _all.Single(one => one.SigmaRel == sigmaRel).Average;

    /// <summary>The network's weights after iteration <paramref name="step"/>, counted from 1, go into all averages.</summary>
    public void Update(long step)
    {
        _step = step;
        foreach (var (_, profile, average) in _all)
        {
            double beta = profile.Beta(step);
            average.Backend.LinearCombination([(float)beta, (float)(1 - beta)], [average, _network.Parameters.Values], average);
        }
    }

    /// <summary>Writes the averages into a checkpoint's folder.</summary>
    internal void Save(string folder)
    {
        foreach (var (sigmaRel, _, average) in _all)
            Write(Path.Combine(folder, NameInCheckpoint(sigmaRel)), sigmaRel, average);
    }

    /// <summary>What <see cref="Save"/> wrote.</summary>
    /// <exception cref="BDenseException">Missing, damaged, or of another network.</exception>
    internal void Load(string folder)
    {
        foreach (var (sigmaRel, _, average) in _all)
        {
            using var saved = _network.Clone();
            Checkpoint.LoadInto(saved, Path.Combine(folder, NameInCheckpoint(sigmaRel)));
            average.Backend.Copy(saved.Parameters.Values, average);
        }
    }

    /// <summary>Forgets what was stored beyond so many iterations: a run that goes on from there stores it anew.</summary>
    internal static void Begin(RunFolder folder, long step)
    {
        string path = Path.Combine(folder.FullName, SnapshotsFolder);
        foreach (string file in Directory.Exists(path) ? Directory.GetFiles(path, "step-*.safetensors") : [])
        {
            if (StepOf(file) is { } stored && stored > step)
                AtomicFile.Delete(file);
        }
        var digests = SnapshotDigests.Read(path);
        string[] beyond = [.. digests.Keys.Where(name => StepOf(name) > step)];
        foreach (string name in beyond)
            digests.Remove(name);
        if (beyond.Length > 0)
            SnapshotDigests.Write(path, digests);
    }

    /// <summary>Stores the averages in the run's folder, if it is time for it.</summary>
    internal void Store(RunFolder folder, long step)
    {
        if (_every == 0 || step % _every != 0)
            return;
        string path = folder.Part(SnapshotsFolder);
        var digests = SnapshotDigests.Read(path);
        using (var written = new FileDigests())
        {
            foreach (var (sigmaRel, _, average) in _all)
            {
                string name = $"{RunFolder.NameOf(step)}-{PowerProfile.Text(sigmaRel)}.safetensors", file = Path.Combine(path, name);
                Write(file, sigmaRel, average);
                digests[name] = written.Of(file)!;
            }
        }
        SnapshotDigests.Write(path, digests);
    }

    /// <summary>The step that a stored file is named for; none if it is named otherwise.</summary>
    internal static long? StepOf(string file)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        int end = name.LastIndexOf('-');
        return end < 0 ? null : RunFolder.StepOf(name[..end]);
    }

    internal static string NameInCheckpoint(double sigmaRel) => $"profile-{PowerProfile.Text(sigmaRel)}.safetensors";

    private void Write(string path, double sigmaRel, Tensor average) => Checkpoint.Save(path, _network, average,
        new Dictionary<string, string>
        {
            [StepKey] = _step.ToString(CultureInfo.InvariantCulture),
            [SigmaRelKey] = PowerProfile.Text(sigmaRel),
        });

    /// <summary>Frees the averages; the network stays the caller's.</summary>
    public void Dispose()
    {
        foreach (var (_, _, average) in _all)
            average.Dispose();
    }
}
