using BDense.Kernels;

namespace BDense.Model;

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

    public IReadOnlyList<Parameter> Parameters => _parameters;

    public IReadOnlyList<ConstantTensor> Constants => _constants;

    /// <summary>Every state_dict key with its shape as stored, in the order declared.</summary>
    public IReadOnlyList<(string Name, int[] Shape)> Keys => _keys;

    /// <summary>Floats of a flat buffer: every parameter starts at a multiple of 64.</summary>
    public int FlatLength => (int)_length;

    /// <exception cref="BDenseException">The network has more parameters than a buffer of 2^31-1 floats holds.</exception>
    public Parameter Add(string name, Shape shape, Initializer initializer, WeightLayout layout = default)
    {
        var parameter = new Parameter(name, shape, layout, initializer, FlatLength);
        _parameters.Add(parameter);
        _keys.Add((name, WeightLayout.StoredShape(shape)));
        _length += ((long)shape.Length + Alignment - 1) / Alignment * Alignment;
        if (_length > int.MaxValue)
            throw new BDenseException("this network has more than 2^31-1 parameters; take fewer channels");
        return parameter;
    }

    public ConstantTensor AddConstant(string name, int[] shape, float[] values, bool isFixed)
    {
        var constant = new ConstantTensor(name, shape, values, isFixed);
        _constants.Add(constant);
        _keys.Add((name, shape));
        return constant;
    }
}
