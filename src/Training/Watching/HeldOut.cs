using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

namespace BDense.Training.Watching;

/// <summary>
/// The training's own loss on images that it does not learn from, every so many iterations and at the end, of the averaged weights where
/// an average is kept: with the same noise levels and noises every time (<see cref="HeldOutBatch"/>).
/// </summary>
/// <param name="Data">All of these count.</param>
/// <param name="Every">Iterations between two measurements, 1 or more.</param>
/// <param name="Batch">Images at once.</param>
public sealed record HeldOut(Dataset Data, long Every, int Batch)
{
    /// <summary>The loss after so many iterations, a mean over all images; none if it is not time for it.</summary>
    internal double? At(ITraining training, long step)
    {
        if (step % Every != 0 && step != training.Steps)
            return null;
        using var network = AveragedNetwork.Of(training);
        double sum = 0;
        for (int first = 0; first < Data.Count; first += Batch)
        {
            var batch = new HeldOutBatch(Data, first, Math.Min(Batch, Data.Count - first));
            sum += batch.Count * training.HeldOutLoss(network, batch);
        }
        return sum / Data.Count;
    }

    /// <summary>
    /// Whether images can tell anything about a training: they fit its network, and are none of those that it learns from.
    /// </summary>
    /// <param name="network">What is trained.</param>
    /// <param name="training">The images that it learns from.</param>
    /// <param name="heldOut">Those for the measurement.</param>
    /// <exception cref="BDenseException">They do not fit, have other classes, or some are among those that are learned from.</exception>
    public static void Require(NetworkConfig network, Dataset training, Dataset heldOut)
    {
        if (heldOut.Height != training.Height || heldOut.Width != training.Width)
            throw new BDenseException($"--validation: images of {heldOut.Height} x {heldOut.Width} ({heldOut.Name}), the run has "
                + $"{training.Height} x {training.Width}: give images of that size, or --resolution {training.Height}, which "
                + $"averages those "
                + "of --data and of --validation down");
        if (heldOut.Height != network.Resolution || heldOut.Width != network.Resolution || heldOut.Channels != network.ImageChannels)
            throw new BDenseException($"--validation: {heldOut.Name} holds images of {heldOut.Height} x {heldOut.Width} x "
                + $"{heldOut.Channels}, the network takes {network.Resolution} x {network.Resolution} x {network.ImageChannels}");
        if (network.LabelCount > 0 && heldOut.ClassCount != network.LabelCount)
            throw new BDenseException(
                $"--validation: the network has {network.LabelCount} classes, {heldOut.Name} has {heldOut.ClassCount}");
        if (network.LabelCount > 0 && training.Classes.Count > 0 && heldOut.Classes.Count > 0
            && training.Classes.Zip(heldOut.Classes).FirstOrDefault(pair => pair.First != pair.Second) is { First: not null } other)
            throw new BDenseException($"--validation: where {training.Name} has the class {Printable.Quoted(other.First)}, {heldOut.Name} "
                + $"has {Printable.Quoted(other.Second)}; give images of the same classes");
        if (training.Fingerprint == heldOut.Fingerprint)
            throw new BDenseException($"--validation: {heldOut.Name} holds the very images that are learned from; give others");
        var (count, place, same) = ImageOverlap.Of(training, heldOut);
        if (count > 0)
            throw new BDenseException(FormattableString.Invariant(
                $"--validation: {count} of the {heldOut.Count} images of {heldOut.Name} are among those that are learned from (the first, ")
                + FormattableString.Invariant($"number {place}, is number {same} of {training.Name}); give others"));
    }
}
