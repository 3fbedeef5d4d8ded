using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// The raw network F(c_in x; c_noise, conditions) inside a denoiser, whatever its family: what training, distillation and sampling
/// hold. <see cref="Network"/> makes one of a configuration; <see cref="FoldedNetwork"/> is one seen otherwise.
/// </summary>
public interface INetwork : IDisposable
{
    /// <summary>Where its parameters and its passes are.</summary>
    Backend Backend { get; }

    /// <summary>Its shape: images, heads, conditions, and what it predicts.</summary>
    NetworkConfig Config { get; }

    /// <summary>What training changes, in one flat buffer.</summary>
    ParameterSet Parameters { get; }

    /// <summary>Every state_dict key with its shape as stored, in PyTorch's order.</summary>
    IReadOnlyList<(string Name, int[] Shape)> Keys { get; }

    /// <summary>What checkpoints hold besides parameters.</summary>
    IReadOnlyList<ConstantTensor> Constants { get; }

    /// <summary>[K*C,3,3,Cin] or another shape of K*C rows: the last layer's weight, whose rows are branch-major.</summary>
    Parameter HeadWeight { get; }

    /// <summary>[K*C]</summary>
    Parameter HeadBias { get; }

    /// <summary>How its passes run; <see cref="Tape.For"/> heeds it.</summary>
    Execution Execution { get; set; }

    /// <summary>Whether passes were asked to be captured as graphs (<see cref="Execution.Graph"/>) and all of them are.</summary>
    bool PassesAreCaptured => false;

    /// <param name="tape">Records, or not.</param>
    /// <param name="x">[N,H,W,C]; stays the caller's.</param>
    /// <param name="noise">[N] c_noise on the device; stays the caller's, and may be disposed after the call.</param>
    /// <param name="options">Dropout and conditions.</param>
    /// <returns>[N,H,W,K*C], branch-major: the C channels of head 0, then those of head 1, ...</returns>
    Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options = default);

    /// <summary>The same network again: own parameters, equal values, frozen. The caller disposes it.</summary>
    INetwork Clone();

    /// <summary>To be called when <see cref="Constants"/> got other values: puts them on the device.</summary>
    void ConstantsChanged();
}

/// <summary>What a forward pass needs besides its input.</summary>
/// <param name="Dropout">Random numbers of this pass, or none for evaluation. Layer l draws from Offset + l * 2^30, so passes that
/// must differ should differ in Stream, or by 2^40 in Offset.</param>
/// <param name="Labels">[N,LabelCount] one-hot rows, a row of zeros for "no label"; none for no labels at all.</param>
/// <param name="Augment">[N,AugmentCount] EDM's augmentation labels; none for unaugmented images. To be kept until the backward
/// pass.</param>
/// <param name="Step">[N] SFD's step condition, the student's number of steps; none for the network without it.</param>
/// <param name="Head">Instead of the network's last convolution; see <see cref="FoldedNetwork"/>.</param>
public readonly record struct ForwardOptions(RandomKey? Dropout = null, Tensor? Labels = null, Tensor? Augment = null, Tensor? Step = null,
    Head? Head = null);
