using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>The raw network F(c_in x; c_noise, conditions) inside a denoiser.</summary>
public interface INetwork : IDisposable
{
    Backend Backend { get; }

    UNetConfig Config { get; }

    ParameterSet Parameters { get; }

    /// <summary>How its passes run; <see cref="Tape.For"/> heeds it.</summary>
    Execution Execution { get; set; }

    /// <param name="tape">Records, or not.</param>
    /// <param name="x">[N,H,W,C]; stays the caller's.</param>
    /// <param name="noise">[N] c_noise on the device; stays the caller's, and may be disposed after the call.</param>
    /// <param name="options">Dropout and conditions.</param>
    /// <returns>[N,H,W,K*C], branch-major: the C channels of head 0, then those of head 1, ...</returns>
    Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options = default);
}

/// <summary>What a forward pass needs besides its input.</summary>
/// <param name="Dropout">Random numbers of this pass, or none for evaluation. Layer l draws from Offset + l * 2^30, so passes that
/// must differ should differ in Stream, or by 2^40 in Offset.</param>
/// <param name="Labels">[N,LabelCount] one-hot rows, a row of zeros for "no label"; none for no labels at all.</param>
/// <param name="Augment">[N,AugmentCount] EDM's augmentation labels; none for unaugmented images. To be kept until the backward pass.</param>
/// <param name="Step">[N] SFD's step condition, the student's number of steps; none for the network without it.</param>
/// <param name="Head">Instead of the network's last convolution; see <see cref="FoldedNetwork"/>.</param>
public readonly record struct ForwardOptions(RandomKey? Dropout = null, Tensor? Labels = null, Tensor? Augment = null, Tensor? Step = null,
    Head? Head = null);
