namespace BDense.Kernels.Profiling;

/// <summary>Makes an operation's tensors and gives them back.</summary>
public sealed class OperandSource(Backend backend) : IDisposable
{
    private readonly List<Tensor> _owned = [];
    private uint _stream;

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

    public Tensor Zeros(Shape shape)
    {
        var x = Empty(shape);
        backend.Fill(x, 0f);
        return x;
    }

    public Tensor Empty(Shape shape)
    {
        var x = backend.Empty(shape);
        _owned.Add(x);
        return x;
    }

    public void Dispose()
    {
        foreach (var tensor in _owned)
            tensor.Dispose();
        _owned.Clear();
    }
}
