using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Networks;
using BDense.Training.Distillation;

namespace BDense.Training.Runs;

/// <summary>
/// What work will take of a device's memory, found by a dry run before the work begins: what does not fit is refused in a second, in place
/// of a process that the system ends in the middle.
/// </summary>
public static class MemoryNeeds
{
    /// <summary>
    /// A dry run takes no device memory but does make the host's part of a batch; beyond so many images it is drawn out in a line.
    /// </summary>
    private const int DryImages = 512;

    /// <summary>Bytes that the pool will hold for a training: weights, gradients, moments, and the largest iteration.</summary>
    /// <param name="batch">Images at once.</param>
    /// <param name="make">The training with so many images at once, on a device that computes nothing.</param>
    /// <param name="activations">What activations are in memory on the device (<see cref="Backend.ActivationType"/>).</param>
    /// <exception cref="BDenseException">The batch is too large for any device.</exception>
    public static long OfTraining(
        int batch, Func<Backend, int, ITraining> make, ElementType activations = ElementType.Float32) => At(batch, images =>
    {
        using var dry = new DryRunBackend { ActivationType = activations };
        using var training = make(dry, images);
        training.Step(0);
        return dry.Pool.ReservedBytes;
    });

    /// <summary>
    /// Bytes that sampling takes beside the weights: the largest pass, the states that a solver keeps, and the weights once more as tensor
    /// cores copy them.
    /// </summary>
    /// <param name="config">The network.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="device">What activations are in its memory, and what it keeps of weights; none: float32, nothing.</param>
    /// <exception cref="BDenseException">The batch is too large for any device.</exception>
    public static long OfSampling(NetworkConfig config, int batch, Backend? device = null)
    {
        var activations = device?.ActivationType ?? ElementType.Float32;
        long kept = device is null ? 0 : MemoryPlan.KeptOfFrozen(device, config);
        // The state, its denoised image and what multistep solvers remember of both.
        const int States = 8;
        long weights = sizeof(float) * NetworkInfo.Describe(config).Parameters,
            state = sizeof(float) * (long)config.Resolution * config.Resolution * config.ImageChannels;
        return At(batch, images => NetworkInfo.PeakBytes(config, images, training: false, activations) - weights) + States * state * batch
            + kept;
    }

    /// <summary>Host bytes of the trajectories that a method keeps.</summary>
    public static long OfTrajectories(Distill options, NetworkConfig config) =>
        options.KeptBytes(config.Resolution * config.Resolution * config.ImageChannels);

    /// <summary>Asks the device for so much.</summary>
    /// <param name="backend">The device.</param>
    /// <param name="bytes">What the work will take.</param>
    /// <param name="work">What takes it, as "training 64 images at once".</param>
    /// <param name="remedy">What takes less, as "a smaller --batch".</param>
    /// <exception cref="BDenseException">There is less; the message has both numbers and the remedy.</exception>
    public static void Require(Backend backend, long bytes, string work, string remedy)
    {
        long free = MachineMemory.FreeBytes(backend);
        if (bytes > free)
            throw new BDenseException(
                FormattableString.Invariant(
                    $"{work} takes about {bytes / 1e9:0.0} GB, {free / 1e9:0.0} GB are free ({backend.Name}): {remedy} takes less"));
    }

    private static long At(int batch, Func<int, long> bytes)
    {
        if (batch <= DryImages)
            return bytes(batch);
        long half = bytes(DryImages / 2), whole = bytes(DryImages);
        return whole + (whole - half) / (DryImages / 2) * (batch - DryImages);
    }
}
