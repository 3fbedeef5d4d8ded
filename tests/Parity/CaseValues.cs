using BDense.Cases;
using BDense.Kernels;
using BDense.Peers;
using static TorchSharp.torch;

namespace BDense.Parity;

/// <summary>The starting values of a row's operands, by their names, as libtorch's tensors.</summary>
internal sealed class CaseValues(OpCase row, float[][] start)
{
    /// <summary>The shape or setting that the row was made of.</summary>
    public T Setting<T>() => (T)row.Setting!;

    public bool Has(string name) => Array.Exists(row.Operands, o => o.Name == name);

    public Shape Shape(string name) => row.Operands[At(name)].Shape;

    public float[] this[string name] => start[At(name)];

    /// <summary>All inputs whose name begins so, in order; work in place is an input, too.</summary>
    public Torch[] All(string prefix) => [.. row.Operands
        .Where(o => o.Role != Role.Output && o.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(o => As(o.Name))];

    /// <summary>The operand that is written, where there is one.</summary>
    public string Written => row.Operands.Single(o => o.Role != Role.Input).Name;

    /// <summary>With its own extents, or others of the same number of elements.</summary>
    public Torch As(string name, params long[] extents) =>
        tensor(this[name], extents.Length > 0 ? extents : [.. Shape(name).ToArray().Select(e => (long)e)]);

    /// <summary>An image or weights with channels second.</summary>
    public Torch Image(string name) => Layout.ChannelsSecond(this[name], Shape(name), channelsLast: false);

    /// <summary>Zeros of an operand's shape with channels second, where only a linear operation's gradient is asked for.</summary>
    public static Torch NoImage(Shape shape) => Layout.ChannelsSecond(new float[shape.Length], shape, channelsLast: false);

    /// <summary>What an accumulated gradient ends as.</summary>
    public float[] Plus(string name, float[] gradient) => [.. this[name].Zip(gradient, (a, b) => a + b)];

    /// <summary>A copy that gradients are asked of.</summary>
    public static Torch Leaf(Torch t)
    {
        t = t.detach().contiguous();
        t.requires_grad = true;
        return t;
    }

    private int At(string name) => Array.FindIndex(row.Operands, o => o.Name == name);
}
