using BDense.Kernels;

namespace BDense.Model.Layers;

/// <summary>
/// All parameters of a network in one flat buffer (and their gradients in another), so that the optimizer needs one launch.
/// </summary>
/// <remarks>Each parameter starts at a multiple of 64 floats; the gaps hold zeros, in values and gradients.</remarks>
public sealed class ParameterSet : IDisposable
{
    private readonly Dictionary<string, Parameter> _byName = [];

    /// <param name="backend">Where the values live.</param>
    /// <param name="declaration">What the layers asked for.</param>
    /// <param name="seed">For the initial values; without it they are zeros, for the caller to overwrite.</param>
    internal ParameterSet(Backend backend, StateDeclaration declaration, ulong? seed)
    {
        Backend = backend;
        All = declaration.Parameters;
        Values = backend.Empty(new Shape(declaration.FlatLength));
        backend.Fill(Values, 0f);
        foreach (var parameter in All)
        {
            parameter.Attach(Values);
            _byName.Add(parameter.Name, parameter);
            Count += parameter.Shape.Length;
        }
        if (seed is { } s)
            Initialize(s);
    }

    /// <summary>Where the buffers lie.</summary>
    public Backend Backend { get; }

    /// <summary>In PyTorch's order.</summary>
    public IReadOnlyList<Parameter> All { get; }

    /// <summary>Trained numbers, padding not counted.</summary>
    public long Count { get; }

    /// <summary>[FlatLength]</summary>
    public Tensor Values { get; }

    /// <summary>[FlatLength]; none while frozen.</summary>
    public Tensor? Gradients { get; private set; }

    /// <exception cref="KeyNotFoundException">There is no parameter of that name.</exception>
    public Parameter this[string name] => _byName[name];

    /// <summary>Makes the gradients' buffer, zeroed; nothing happens if there is one.</summary>
    public void EnableGradients()
    {
        if (Gradients is not null)
            return;
        Gradients = Backend.Zeros(Values.Shape);
        foreach (var parameter in All)
            parameter.AttachGradient(Gradients);
    }

    /// <exception cref="InvalidOperationException">Before <see cref="EnableGradients"/>.</exception>
    public void ZeroGradients() => Backend.Fill(Gradients ?? throw new InvalidOperationException("these parameters are frozen"), 0f);

    /// <summary>Copies the values of a network with the same parameters in the same order, on the same backend.</summary>
    /// <exception cref="BDenseException">The two differ; the message names the first difference.</exception>
    public void CopyFrom(ParameterSet other)
    {
        for (int i = 0; i < Math.Max(All.Count, other.All.Count); i++)
        {
            var (mine, theirs) = (All.ElementAtOrDefault(i), other.All.ElementAtOrDefault(i));
            if (mine?.Name != theirs?.Name || mine?.Shape != theirs?.Shape)
                throw new BDenseException(
                    $"the networks differ: {mine?.ToString() ?? "nothing"} here, {theirs?.ToString() ?? "nothing"} there");
        }
        CopyFrom(other.Values);
    }

    /// <summary>Copies a flat buffer of the same layout, such as a moving average of <see cref="Values"/>.</summary>
    public void CopyFrom(Tensor values) => Backend.Copy(values, Values);

    /// <summary>A flat copy of the values: where a moving average starts. The caller disposes it.</summary>
    public Tensor CopyValues()
    {
        var copy = Backend.Empty(Values.Shape);
        Backend.Copy(Values, copy);
        return copy;
    }

    /// <summary>Frees both buffers; the parameters have no values any more.</summary>
    public void Dispose()
    {
        foreach (var parameter in All)
            parameter.Detach();
        Values.Dispose();
        Gradients?.Dispose();
        Gradients = null;
    }

    // On the host, so that a seed gives the same bits on every device.
    private void Initialize(ulong seed)
    {
        var flat = new float[Values.Length];
        Parallel.ForEach(All, p => p.Initializer.Fill(flat.AsSpan(p.Offset, p.Shape.Length), seed, p.Name));
        Values.Upload(flat);
    }
}
