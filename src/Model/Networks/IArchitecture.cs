using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Networks;

/// <summary>A family of networks: its constructor declares the parameters, its forward pass uses them. <see cref="UNet"/> gives it memory.</summary>
internal interface IArchitecture : IDisposable
{
    /// <summary>Prefix of the last convolution's weight and bias: what the K branches widen.</summary>
    string HeadName { get; }

    /// <summary>Puts the constants on the device; called again when a checkpoint brought others.</summary>
    void Attach(Backend backend);

    /// <summary>As <see cref="INetwork.Forward"/>.</summary>
    Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options);
}
