using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>A last convolution in the place of a network's own.</summary>
/// <param name="Weight">[C,3,3,Cin]</param>
/// <param name="Bias">[C]</param>
public sealed record Head(Parameter Weight, Parameter Bias);

/// <summary>
/// A student with its K heads folded into one, F = sum_j c_j F_j (<see cref="BranchHead.Fold(INetwork, ReadOnlySpan{double})"/>), that
/// shares all else with it: folding costs a linear combination of the heads' weights. For sampling; it has no gradients.
/// </summary>
public sealed class FoldedNetwork : INetwork
{
    private readonly INetwork _student;
    private readonly Tensor _weight, _bias;
    private readonly Head _head;

    /// <param name="student">K heads; it stays the caller's and is not to change while this is in use.</param>
    /// <param name="coefficients">c_0 .. c_{K-1}</param>
    /// <exception cref="BDenseException">Not K coefficients.</exception>
    public FoldedNetwork(INetwork student, ReadOnlySpan<double> coefficients)
    {
        _student = student;
        Config = student.Config with { Branches = 1 };
        (_weight, _bias) = BranchHead.FoldedHead(student, coefficients);
        _head = new Head(Frozen(student.HeadWeight, _weight), Frozen(student.HeadBias, _bias));
    }

    /// <summary>The student's.</summary>
    public Backend Backend => _student.Backend;

    /// <summary>The student's with one branch.</summary>
    public NetworkConfig Config { get; }

    /// <summary>The student's: those of its heads are not in use.</summary>
    public ParameterSet Parameters => _student.Parameters;

    /// <summary>The student's.</summary>
    public IReadOnlyList<(string Name, int[] Shape)> Keys => _student.Keys;

    /// <summary>The student's.</summary>
    public IReadOnlyList<ConstantTensor> Constants => _student.Constants;

    /// <summary>sum_j c_j W_j: one head of C rows.</summary>
    public Parameter HeadWeight => _head.Weight;

    /// <summary>sum_j c_j b_j</summary>
    public Parameter HeadBias => _head.Bias;

    /// <summary>The student's.</summary>
    public Execution Execution
    {
        get => _student.Execution;
        set => _student.Execution = value;
    }

    /// <inheritdoc/>
    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options = default) =>
        _student.Forward(tape, x, noise, options with { Head = _head });

    /// <summary>The plain network with memory of its own: <see cref="BranchHead.Fold(INetwork, ReadOnlySpan{double})"/>.</summary>
    public INetwork Clone() => BranchHead.Plain(_student, _weight, _bias);

    /// <inheritdoc/>
    public void ConstantsChanged() => _student.ConstantsChanged();

    /// <summary>Frees the folded head; the student stays.</summary>
    public void Dispose()
    {
        _head.Weight.Detach();
        _head.Bias.Detach();
        _weight.Dispose();
        _bias.Dispose();
    }

    private static Parameter Frozen(Parameter like, Tensor value)
    {
        var parameter = new Parameter(like.Name, [like.Name], value.Shape, like.Layout, like.Initializer, 0);
        parameter.Attach(value);
        return parameter;
    }
}
