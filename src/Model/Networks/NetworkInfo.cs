using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;

namespace BDense.Model.Networks;

/// <summary>What a network consists of and costs, found without its memory.</summary>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="Keys">Every state_dict key with its shape as stored, in PyTorch's order; constants included.</param>
/// <param name="Macs">Multiply-adds of one forward pass over one sample: convolutions, linear layers and both products of
/// attention.</param>
/// <param name="AddedParameters">What the K-branch head adds to the same network of one branch.</param>
/// <param name="AddedMacs">Likewise.</param>
public sealed record NetworkInfo(long Parameters, IReadOnlyList<(string Name, int[] Shape)> Keys, long Macs, long AddedParameters,
    long AddedMacs)
{
    /// <exception cref="BDenseException">The configuration does not hold together.</exception>
    public static NetworkInfo Describe(NetworkConfig config)
    {
        var (parameters, keys, macs) = Count(config);
        var (plainParameters, _, plainMacs) = config.Branches == 1 ? (parameters, keys, macs) : Count(config with { Branches = 1 });
        return new NetworkInfo(parameters, keys, macs, parameters - plainParameters, macs - plainMacs);
    }

    /// <summary>
    /// The most device memory that one pass takes, parameters included, as the pool would count it. Training means forward and backward
    /// with gradients, two Adam moments and a moving average; otherwise forward alone.
    /// </summary>
    /// <param name="config">The network.</param>
    /// <param name="batch">Samples at once.</param>
    /// <param name="training">Which of the two.</param>
    /// <param name="activations">What activations are in memory (<see cref="Backend.ActivationType"/>).</param>
    /// <exception cref="BDenseException">The configuration does not hold together, or the batch is too large for any device.</exception>
    public static long PeakBytes(NetworkConfig config, int batch, bool training, ElementType activations = ElementType.Float32)
    {
        using var backend = new DryRunBackend { ActivationType = activations };
        using var network = new Network(backend, config, seed: null);
        if (!training)
        {
            Run(backend, network, batch, recording: false);
            return backend.Pool.PeakBytes;
        }
        network.Parameters.EnableGradients();
        using Tensor m = network.Parameters.CopyValues(), v = network.Parameters.CopyValues(), ema = network.Parameters.CopyValues();
        Run(backend, network, batch, recording: true);
        return backend.Pool.PeakBytes;
    }

    private static (long Parameters, IReadOnlyList<(string Name, int[] Shape)> Keys, long Macs) Count(NetworkConfig config)
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, config, seed: null);
        Run(backend, network, batch: 1, recording: false);
        return (network.Parameters.Count, network.Keys, backend.Macs);
    }

    private static void Run(Backend backend, INetwork network, int batch, bool recording)
    {
        var config = network.Config;
        using var x = backend.Empty(new Shape(batch, config.Resolution, config.Resolution, config.ImageChannels));
        using var noise = backend.Empty(new Shape(batch));
        using var step = config.StepCondition ? backend.Empty(new Shape(batch)) : null;
        using var tape = Tape.For(network, recording);
        var options = new ForwardOptions(recording ? new RandomKey(0, 0) : null, Step: step);
        var y = network.Forward(tape, tape.Input(x), noise, options);
        if (!recording)
            return;
        using var gradient = backend.Empty(y.Shape);
        tape.Backward(y, gradient);
    }
}
