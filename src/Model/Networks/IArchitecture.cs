using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Networks;

/// <summary>
/// The layers of a network: its constructor declares their parameters (<see cref="NetworkConfig.Declare"/>), its forward pass uses
/// them. <see cref="Network"/> gives them memory.
/// </summary>
public interface IArchitecture : IDisposable
{
    /// <summary>
    /// Prefix of the last layer's weight and bias, whose K * C rows are branch-major: what the K branches widen, and fold again.
    /// </summary>
    string HeadName { get; }

    /// <summary>Puts constants on the device, if there are any; called again when a checkpoint brought others.</summary>
    /// <param name="backend">Where the network lives.</param>
    void Attach(Backend backend) { }

    /// <summary>
    /// As <see cref="INetwork.Forward"/>, with all shapes checked. Where <see cref="ForwardOptions.Head"/> is given, it takes the place of
    /// the last layer's own weight and bias. A pass may be captured as a graph, so it brings nothing from the host.
    /// </summary>
    Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options);

    /// <summary>Frees what <see cref="Attach"/> made.</summary>
    void IDisposable.Dispose() { }
}
