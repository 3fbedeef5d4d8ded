using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>A network of a configuration (<see cref="NetworkConfig.Declare"/> says which), with its parameters on a backend.</summary>
public sealed class Network : INetwork
{
    private readonly IArchitecture _architecture;
    private readonly StateDeclaration _state;
    private readonly Dictionary<(int Batch, bool Labelled, Fusions Fusions), PassGraph> _graphs = [];

    /// <param name="backend">Where it lives.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">Of the initial values, which depend on it and on each parameter's name alone. Without a seed they are zeros,
    /// for the caller to overwrite.</param>
    /// <exception cref="BDenseException">
    /// The configuration does not hold together, its family is not registered, or its head has not K * C rows.
    /// </exception>
    public Network(Backend backend, NetworkConfig config, ulong? seed)
    {
        (_state, _architecture) = Declare(config);
        Backend = backend;
        Config = config;
        HeadWeight = Head("weight");
        HeadBias = Head("bias");
        Parameters = new ParameterSet(backend, _state, seed);
        _architecture.Attach(backend);
    }

    /// <inheritdoc/>
    public Backend Backend { get; }

    /// <inheritdoc/>
    public NetworkConfig Config { get; }

    /// <inheritdoc/>
    public ParameterSet Parameters { get; }

    /// <inheritdoc/>
    public Execution Execution { get; set; } = Execution.Default;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, int[] Shape)> Keys => _state.Keys;

    /// <inheritdoc/>
    public IReadOnlyList<ConstantTensor> Constants => _state.Constants;

    /// <inheritdoc/>
    public Parameter HeadWeight { get; }

    /// <inheritdoc/>
    public Parameter HeadBias { get; }

    /// <inheritdoc/>
    public bool PassesAreCaptured => _graphs.Count > 0 && _graphs.Values.All(graph => graph.IsCaptured);

    /// <inheritdoc/>
    /// <exception cref="BDenseException">Shapes do not fit the configuration.</exception>
    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options = default)
    {
        int n = x.Shape.Rank == 4 ? x.Shape[0] : 0;
        if (x.Shape.Rank != 4 || x.Shape[1] != Config.Resolution || x.Shape[2] != Config.Resolution || x.Shape[3] != Config.ImageChannels)
            throw new BDenseException(
                $"the network takes images of {Config.Resolution} x {Config.Resolution} x {Config.ImageChannels}, not {x.Shape}");
        if (noise.Length != n)
            throw new BDenseException($"{noise.Length} noise levels for {n} images");
        if (options.Labels is { } labels && (Config.LabelCount == 0 || labels.Length != n * Config.LabelCount))
            throw new BDenseException($"the network takes labels of {n} x {Config.LabelCount}, not {labels.Shape}");
        if (options.Augment is { } augment && (Config.AugmentCount == 0 || augment.Length != n * Config.AugmentCount))
            throw new BDenseException($"the network takes augmentation labels of {n} x {Config.AugmentCount}, not {augment.Shape}");
        if (options.Step is { } step && (!Config.StepCondition || step.Length != n))
        {
            throw new BDenseException(Config.StepCondition
                ? $"{step.Length} step conditions for {n} images" : "the network has no step condition (field 'stepCondition')");
        }
        var y = _architecture.Forward(tape, x, noise, options);
        // Not rounded to BF16 where the last layer says so itself (Surroundings.Result).
        if (y.Type != ElementType.Float32)
            tape.Replace(ref y, tape.Convert(y, ElementType.Float32));
        var expected = new Shape(n, Config.Resolution, Config.Resolution, (options.Head?.Bias ?? HeadBias).Shape.Length);
        return y.Shape == expected ? y : throw new BDenseException($"the family '{Config.Family}' made {y.Shape}, expected {expected}: "
            + "the last layer gives the channels of all heads, with the weight and bias of the pass's Head where there is one");
    }

    /// <inheritdoc/>
    public INetwork Clone()
    {
        var copy = new Network(Backend, Config, seed: null);
        copy.Execution = Execution;
        copy.Parameters.CopyFrom(Parameters);
        copy.CopyConstants(this);
        return copy;
    }

    /// <summary>Frees parameters, constants and captured passes.</summary>
    public void Dispose()
    {
        foreach (var graph in _graphs.Values)
            graph.Dispose();
        _graphs.Clear();
        Parameters.Dispose();
        _architecture.Dispose();
    }

    /// <inheritdoc/>
    public void ConstantsChanged() => _architecture.Attach(Backend);

    /// <summary>Names, shapes and counts without memory.</summary>
    internal static (StateDeclaration State, IArchitecture Architecture) Declare(NetworkConfig config)
    {
        config.Validate("network configuration");
        var state = new StateDeclaration();
        return (state, config.Declare(state));
    }

    /// <summary>The captured pass of a batch size.</summary>
    internal PassGraph PassGraph(int batch, bool labelled)
    {
        var key = (batch, labelled, Execution.Fusions);
        if (!_graphs.TryGetValue(key, out var graph))
            _graphs[key] = graph = new PassGraph(this, batch, labelled);
        return graph;
    }

    /// <summary>A parameter of the last layer, checked: the K heads are cut from its rows.</summary>
    private Parameter Head(string part)
    {
        string name = $"{_architecture.HeadName}.{part}";
        int rows = Config.Branches * Config.HeadChannels;
        var parameter = _state.Parameters.FirstOrDefault(p => p.Name == name)
            ?? throw new BDenseException($"the family '{Config.Family}' has declared no {name}, its head");
        return parameter.Shape[0] == rows ? parameter
            : throw new BDenseException(
                $"the family '{Config.Family}' has {parameter.Shape[0]} rows in {name}, its head; {rows} are needed, C for each branch");
    }

    internal void CopyConstants(INetwork other)
    {
        // By name: a network with the step condition has more of them.
        foreach (var theirs in other.Constants)
            theirs.Values.CopyTo(Constants.Single(mine => mine.Name == theirs.Name).Values, 0);
        ConstantsChanged();
    }
}
