using BDense.Kernels;

namespace BDense.Model.Layers;

/// <summary>A tensor that checkpoints list among the parameters but that is never trained ("buffer" in PyTorch).</summary>
/// <param name="Name">Its key.</param>
/// <param name="Shape">As stored.</param>
/// <param name="Values">Row-major.</param>
/// <param name="Fixed">EDM's resampling filters: a checkpoint with other values belongs to another network. Otherwise (Fourier
/// frequencies) the checkpoint's values replace these.</param>
public sealed record ConstantTensor(string Name, int[] Shape, float[] Values, bool Fixed);

/// <summary>
/// Collects what layers ask for while a network is put together, in PyTorch's order; memory follows when all of it is known. Without
/// a device this alone gives every name, shape and count.
/// </summary>
public sealed class StateDeclaration
{
    private const int Alignment = 64;

    private readonly List<Parameter> _parameters = [];
    private readonly List<ConstantTensor> _constants = [];
    private readonly List<(string Name, int[] Shape)> _keys = [];
    private long _length;

    /// <summary>The trained tensors so far, in the order declared.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>The tensors so far that are not trained.</summary>
    public IReadOnlyList<ConstantTensor> Constants => _constants;

    /// <summary>Every state_dict key with its shape as stored, in the order declared.</summary>
    public IReadOnlyList<(string Name, int[] Shape)> Keys => _keys;

    /// <summary>Floats of a flat buffer: every parameter starts at a multiple of 64.</summary>
    public int FlatLength => (int)_length;

    /// <summary>A trained tensor.</summary>
    /// <param name="name">Its key in checkpoints; of this network alone.</param>
    /// <param name="shape">Here: [K,R,S,C] of a convolution, [Out,In] of a linear layer.</param>
    /// <param name="initializer">Its values before any training.</param>
    /// <param name="layout">How checkpoints order its values; as PyTorch does unless given.</param>
    /// <returns>Without memory until the network is made.</returns>
    /// <exception cref="BDenseException">The network has more parameters than a buffer of 2^31-1 floats holds.</exception>
    public Parameter Add(string name, Shape shape, Initializer initializer, WeightLayout layout = default)
    {
        var parameter = Place(name, [name], shape, initializer, layout);
        _keys.Add((name, layout.StoredShape(shape)));
        return parameter;
    }

    /// <summary>A weight and a bias that checkpoints have as one matrix and one vector for each part.</summary>
    /// <param name="name">Prefix of the two names here.</param>
    /// <param name="parts">Prefixes of the names in checkpoints.</param>
    /// <param name="shape">[K,1,1,C] of all parts together.</param>
    /// <param name="weight">The weight's initial values.</param>
    /// <param name="bias">The bias's.</param>
    public (Parameter Weight, Parameter Bias) AddPacked(string name, string[] parts, Shape shape, Initializer weight, Initializer bias)
    {
        var layout = new WeightLayout(0, IsMatrix: true, parts.Length);
        var vector = new Shape(shape[0]);
        var pair = (Place($"{name}.weight", [.. parts.Select(p => $"{p}.weight")], shape, weight, layout),
            Place($"{name}.bias", [.. parts.Select(p => $"{p}.bias")], vector, bias, layout));
        foreach (string part in parts)
        {
            _keys.Add(($"{part}.weight", layout.StoredShape(shape)));
            _keys.Add(($"{part}.bias", layout.StoredShape(vector)));
        }
        return pair;
    }

    /// <summary>A tensor that checkpoints hold and training does not change.</summary>
    /// <param name="name">Its key.</param>
    /// <param name="shape">As stored.</param>
    /// <param name="values">Row-major.</param>
    /// <param name="isFixed">Whether a checkpoint with other values is refused; else they replace these.</param>
    public ConstantTensor AddConstant(string name, int[] shape, float[] values, bool isFixed)
    {
        var constant = new ConstantTensor(name, shape, values, isFixed);
        _constants.Add(constant);
        _keys.Add((name, shape));
        return constant;
    }

    private Parameter Place(string name, string[] storedNames, Shape shape, Initializer initializer, WeightLayout layout)
    {
        if (_parameters.Any(p => p.Name == name))
            throw new BDenseException($"the network declares {name} twice; give each layer a name of its own");
        var parameter = new Parameter(name, storedNames, shape, layout, initializer, FlatLength);
        _parameters.Add(parameter);
        _length += ((long)shape.Length + Alignment - 1) / Alignment * Alignment;
        if (_length > int.MaxValue)
            throw new BDenseException("this network has more than 2^31-1 parameters; take fewer channels");
        return parameter;
    }
}
