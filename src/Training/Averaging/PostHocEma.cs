using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Runs;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training.Averaging;

/// <summary>A stored average.</summary>
/// <param name="File">Where it lies.</param>
/// <param name="Step">When it ended, in iterations.</param>
/// <param name="SigmaRel">Its width.</param>
public sealed record StoredAverage(string File, long Step, double SigmaRel);

/// <summary>A sum of stored averages that comes nearest to the one asked for.</summary>
/// <param name="Parts">Each with its factor; the factors' sum is 1.</param>
/// <param name="Mismatch">What is left between the two profiles, root of the integral of its square over that of the one asked for: 0
/// where they agree. An average of weights theta(t) is wrong by at most this times the norm of the profile times that of theta - c, for any
/// constant c.</param>
public sealed record EmaFit(IReadOnlyList<(StoredAverage Average, double Factor)> Parts, double Mismatch);

/// <summary>
/// The weights' average of any width at any time, after the training, from averages that were stored in it: the sum of those whose profile
/// is nearest to the profile asked for in the least squares' sense, divided by the sum of the factors (Karras et al. 2023,
/// arXiv 2312.02696, section 3.2 and appendix C, algorithm 3).
/// </summary>
public static class PostHocEma
{
    // Of the Gram matrix of profiles of length 1: what is below is rounding, and would only make factors large.
    private const double LeastEigenvalue = 1e-11;

    // A sum that is further off has nothing of what was asked for.
    private const double MostMismatch = 0.5;

    /// <summary>What a run has stored, up to its newest checkpoint and with it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="notice">Told of stored ones that have been lost, or that nothing tells to be whole.</param>
    /// <exception cref="BDenseException">It has stored nothing, or the checkpoint or a stored one is damaged.</exception>
    public static IReadOnlyList<StoredAverage> Of(RunFolder run, Action<string>? notice = null)
    {
        string checkpoint = run.Latest ?? throw new BDenseException($"{run.FullName} has no checkpoint yet");
        CheckpointCheck.Require(checkpoint, notice);
        long end = RunFolder.StepOf(checkpoint)!.Value;
        string snapshots = Path.Combine(run.FullName, EmaProfiles.SnapshotsFolder);
        var all = Directory.GetFiles(checkpoint, "profile-*.safetensors")
            .Concat(SnapshotDigests.Whole(snapshots, end, notice))
            .Select(Read).Where(stored => stored.Step > 0 && stored.Step <= end)
            // The checkpoint's own come first.
            .DistinctBy(stored => (stored.Step, stored.SigmaRel)).OrderBy(stored => (stored.Step, stored.SigmaRel)).ToList();
        return all.Count > 0 ? all
            : throw new BDenseException($"{run.FullName} has kept no profiles: train it with --ema-profiles 0.05,0.1");
    }

    /// <summary>The sum that comes nearest.</summary>
    /// <param name="stored">All that may be used; one or more.</param>
    /// <param name="sigmaRel">The width asked for.</param>
    /// <param name="step">When it is to end, in iterations: up to the last that is stored.</param>
    /// <exception cref="UsageException">The width or the time is out of range.</exception>
    /// <exception cref="BDenseException">No sum comes near: half of the profile or more would be left over.</exception>
    public static EmaFit Fit(IReadOnlyList<StoredAverage> stored, double sigmaRel, long step)
    {
        long last = stored.Max(one => one.Step);
        if (step < 1 || step > last)
            throw new UsageException($"--step is from 1 to {last}, the last that is stored, not {step}");
        var asked = PowerProfile.OfSigmaRel(sigmaRel);
        PowerProfile[] profiles = [.. stored.Select(one => PowerProfile.OfSigmaRel(one.SigmaRel))];
        int n = stored.Count;
        // Of profiles scaled to a length of 1.
        double[] lengths = [.. profiles.Select((p, i) => Math.Sqrt(PowerProfile.Product(p, stored[i].Step, p, stored[i].Step)))];
        var gram = Matrix<double>.Build.Dense(n, n, (i, j) =>
            PowerProfile.Product(profiles[i], stored[i].Step, profiles[j], stored[j].Step) / (lengths[i] * lengths[j]));
        var right = Vector<double>.Build.Dense(n, i =>
            PowerProfile.Product(profiles[i], stored[i].Step, asked, step) / lengths[i]);
        var eigen = gram.Evd(Symmetricity.Symmetric);
        var along = eigen.EigenVectors.TransposeThisAndMultiply(right);
        double largest = eigen.EigenValues.Enumerate().Max(value => value.Real);
        for (int i = 0; i < n; i++)
        {
            double value = eigen.EigenValues[i].Real;
            along[i] = value > LeastEigenvalue * largest ? along[i] / value : 0;
        }
        var factors = eigen.EigenVectors * along;
        // Weights that never change are their own average.
        factors /= factors.Select((factor, i) => factor / lengths[i]).Sum();
        double whole = PowerProfile.Product(asked, step, asked, step);
        double left = whole - 2 * factors.DotProduct(right) + factors.DotProduct(gram * factors);
        double mismatch = Math.Sqrt(Math.Max(0, left) / whole);
        // Also where it is no number.
        if (!(mismatch < MostMismatch))
            throw new BDenseException(string.Create(CultureInfo.InvariantCulture,
                $"no average with sigma_rel {PowerProfile.Text(sigmaRel)} at iteration {step} can be made of what is stored: widths ")
                + $"{string.Join(", ", stored.Select(one => one.SigmaRel).Distinct().Order().Select(PowerProfile.Text))} at iterations "
                + string.Create(CultureInfo.InvariantCulture,
                    $"{stored.Min(one => one.Step)} to {last}; ask for a width near to these, or ")
                + "for an end at an iteration that was stored");
        return new EmaFit([.. stored.Select((one, i) => (one, factors[i] / lengths[i]))], mismatch);
    }

    /// <summary>The network with the fit's weights; the caller disposes it.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="fit">Which.</param>
    /// <param name="onDone">Told after each file how many are read.</param>
    /// <exception cref="BDenseException">A file is damaged, or they are of several networks.</exception>
    public static INetwork Make(Backend backend, EmaFit fit, Action<int>? onDone = null)
    {
        var network = Checkpoint.Load(backend, fit.Parts[0].Average.File);
        try
        {
            var sum = new double[network.Parameters.Values.Length];
            for (int p = 0; p < fit.Parts.Count; p++)
            {
                var (average, factor) = fit.Parts[p];
                Checkpoint.LoadInto(network, average.File);
                float[] values = network.Parameters.Values.ToArray();
                for (int i = 0; i < sum.Length; i++)
                    sum[i] += factor * values[i];
                onDone?.Invoke(p + 1);
            }
            network.Parameters.Values.Upload([.. sum.Select(value => (float)value)]);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static StoredAverage Read(string file)
    {
        var metadata = SafeTensors.ReadMetadata(file);
        if (metadata.TryGetValue(EmaProfiles.StepKey, out string? step) && metadata.TryGetValue(EmaProfiles.SigmaRelKey, out string? width)
            && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out long t)
            && PowerProfile.SigmaRels.TryRead(width, out double sigmaRel))
            return new StoredAverage(file, t, sigmaRel);
        throw new BDenseException($"{file} is no stored average: its metadata lack '{EmaProfiles.StepKey}' or '{EmaProfiles.SigmaRelKey}'");
    }
}
