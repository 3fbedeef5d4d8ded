using BDense.Kernels;

namespace BDense.Model.Layers;

/// <summary>
/// A trained tensor: its name in checkpoints, its shape here, and where it lies in the flat buffers of its <see cref="ParameterSet"/>.
/// </summary>
public sealed class Parameter
{
    private Tensor? _value;

    internal Parameter(string name, string[] storedNames, Shape shape, WeightLayout layout, Initializer initializer, int offset) =>
        (Name, StoredNames, Shape, Layout, Initializer, Offset) = (name, storedNames, shape, layout, initializer, offset);

    /// <summary>PyTorch's: <c>model.enc.16x16_block0.conv0.weight</c>.</summary>
    public string Name { get; }

    /// <summary>Its keys in checkpoints: the name, or those of the parts that are stored apart.</summary>
    public IReadOnlyList<string> StoredNames { get; }

    /// <summary>[K,R,S,C] for convolutions, [Out,In] for linear layers, [C] for the rest.</summary>
    public Shape Shape { get; }

    /// <summary>How checkpoints order its values.</summary>
    public WeightLayout Layout { get; }

    /// <summary>What its values are before any training.</summary>
    public Initializer Initializer { get; }

    /// <summary>First element in the flat buffers, in floats; a multiple of 64.</summary>
    public int Offset { get; }

    /// <exception cref="InvalidOperationException">Before its <see cref="ParameterSet"/> was made.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException($"{Name} has no memory yet");

    /// <summary>A window into <see cref="ParameterSet.Gradients"/>; none for a frozen parameter.</summary>
    public Tensor? Gradient { get; private set; }

    internal void Attach(Tensor values) => _value = values.View(Offset, Shape);

    internal void AttachGradient(Tensor gradients) => Gradient = gradients.View(Offset, Shape);

    internal void Detach()
    {
        _value?.Dispose();
        Gradient?.Dispose();
        (_value, Gradient) = (null, null);
    }

    /// <summary>Name and shape.</summary>
    public override string ToString() => $"{Name} {Shape}";
}
