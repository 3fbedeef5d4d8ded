using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Layers;
using BDense.Model.Networks;

namespace BDense.Training.Runs;

/// <summary>What a training holds of a device's memory, in bytes, by what it is for.</summary>
/// <param name="Weights">Of the network that is trained.</param>
/// <param name="Gradients">As many.</param>
/// <param name="Moments">Adam's two.</param>
/// <param name="Averages">The moving average of the weights, and those with profiles, where they are kept.</param>
/// <param name="Teacher">The weights of a teacher.</param>
/// <param name="KeptForms">Weights once more as tensor cores copy them (<see cref="Backend.KeptWeightBytes"/>).</param>
/// <param name="Activations">All else of the largest iteration: activations and their gradients, images, targets, buffers.</param>
/// <param name="Watching">A copy of the weights to sample or to measure with, while that is done.</param>
/// <param name="Trajectories">The teacher's states that are kept, where the device's memory is the machine's.</param>
public sealed record MemoryPlan(long Weights, long Gradients, long Moments, long Averages, long Teacher, long KeptForms, long Activations,
    long Watching = 0, long Trajectories = 0)
{
    /// <summary>All of it.</summary>
    public long Total =>
        Weights + Gradients + Moments + Averages + Teacher + KeptForms + Activations + Watching + Trajectories;

    /// <summary>Each part with its name, those that are none left out.</summary>
    public IEnumerable<(string Name, long Bytes)> Parts() => new (string, long)[]
    {
        ("weights", Weights), ("gradients", Gradients), ("Adam's moments", Moments), ("averages", Averages), ("teacher", Teacher),
        ("weights as tensor cores copy them", KeptForms), ("activations and buffers", Activations), ("a copy to look at", Watching),
        ("kept trajectories", Trajectories),
    }.Where(part => part.Item2 > 0);

    /// <summary>
    /// From a dry run of the training (<see cref="MemoryNeeds.OfTraining"/>), as the device's memory pool counts it.
    /// </summary>
    /// <param name="device">Where it is to run.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="make">The training with so many images at once, on a device that computes nothing.</param>
    /// <param name="teacher">Its teacher; or none.</param>
    /// <param name="profiles">Averages that are kept besides the training's own.</param>
    /// <param name="isWatched">Whether samples or a loss on held-out images are asked for.</param>
    /// <exception cref="BDenseException">The batch is too large for any device.</exception>
    public static MemoryPlan Of(Backend device, int batch, Func<Backend, int, ITraining> make,
        NetworkConfig? teacher = null, int profiles = 0, bool isWatched = false)
    {
        bool averages = false;
        NetworkConfig network = null!;
        long pool = MemoryNeeds.OfTraining(batch, (dry, images) =>
        {
            var training = make(dry, images);
            (averages, network) = (training.Ema is not null, training.Network.Config);
            return training;
        }, device.ActivationType);
        var (weights, kept, keptOnce) = Sizes(device, network);
        var (theirs, _, keptOfTeacher) = teacher is null ? default : Sizes(device, teacher);
        long own = weights * (4 + (averages ? 1 : 0)) + theirs;
        return new MemoryPlan(weights, weights, 2 * weights, weights * (profiles + (averages ? 1 : 0)), theirs, kept + keptOfTeacher,
            Math.Max(0, pool - own), isWatched ? weights + keptOnce : 0);
    }

    /// <summary>Bytes that a device keeps of a network's weights for passes without a gradient.</summary>
    internal static long KeptOfFrozen(Backend device, NetworkConfig config) => Sizes(device, config).Frozen;

    /// <summary>A network's weights, and what a device keeps of them beside: trained, and for passes without a gradient.</summary>
    private static (long Weights, long Trained, long Frozen) Sizes(Backend device, NetworkConfig config)
    {
        using var dry = new DryRunBackend();
        using var network = new Network(dry, config, seed: null);
        long trained = 0, frozen = 0;
        foreach (Parameter p in network.Parameters.All.Where(p => p.Shape.Rank == 4))
        {
            int k = p.Shape[0], taps = p.Shape[1] * p.Shape[2], c = p.Shape[3];
            trained += device.KeptWeightBytes(k, taps, c, trained: true);
            frozen += device.KeptWeightBytes(k, taps, c, trained: false);
        }
        return (sizeof(float) * (long)network.Parameters.Values.Length, trained, frozen);
    }
}
