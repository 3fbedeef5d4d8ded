namespace BDense.Kernels.Profiling;

/// <summary>Makes an operation's tensors and gives them back.</summary>
public sealed class OperandSource(Backend backend) : IDisposable
{
    /// <summary>Elements of an operand that an interpreter fills and reads in bearable time.</summary>
    private const long MostElements = 1 << 26;

    private readonly List<Tensor> _owned = [];
    private uint _stream;

    /// <summary>Where they are made.</summary>
    public Backend Backend => backend;

    /// <summary>Normal numbers, others for each tensor, the same in every run.</summary>
    public Tensor Normal(Shape shape)
    {
        var x = Empty(shape);
        backend.RandomNormal(new RandomKey(1, _stream++), x);
        return x;
    }

    /// <summary>Positive numbers: squares, variances.</summary>
    public Tensor Uniform(Shape shape)
    {
        var x = Empty(shape);
        backend.RandomUniform(new RandomKey(2, _stream++), x);
        return x;
    }

    /// <summary>Zeros, for gradients that are accumulated.</summary>
    public Tensor Zeros(Shape shape)
    {
        var x = Empty(shape);
        backend.Fill(x, 0f);
        return x;
    }

    /// <exception cref="UsageException">More elements than are sensible here.</exception>
    public Tensor Empty(Shape shape, ElementType type = ElementType.Float32)
    {
        if (shape.Length > MostElements)
            throw new UsageException(
                $"an operand of {shape.Length} elements is too large for a GPU in software; at most {MostElements}: give a "
                    + "smaller --shape");
        var x = backend.Empty(shape, type);
        _owned.Add(x);
        return x;
    }

    /// <summary>Gives all of them back.</summary>
    public void Dispose()
    {
        foreach (var tensor in _owned)
            tensor.Dispose();
        _owned.Clear();
    }
}
