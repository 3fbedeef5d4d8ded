using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Networks;

namespace BDense.Training.Distillation;

/// <summary>
/// Forward, loss and backward of a <see cref="TrajectoryObjective"/>, captured. What differs from step to step is written into tensors that
/// stay where they are: x_0, targets and labels by a copy on the device, all coefficients (c_in, c_noise, S, M, weights) and the counter of
/// dropout's random numbers by one upload.
/// </summary>
internal sealed class ObjectiveGraph : IDisposable
{
    private readonly Backend _backend;
    private readonly ForwardOptions _options;
    private readonly List<Tensor> _owned = [];
    private readonly Tensor _x0, _targets, _coefficients, _losses;
    private readonly Tensor? _labels, _endpoint;
    private readonly float[] _host;
    private readonly StepGraph _graph;

    /// <param name="network">Whose parameters and execution the launches name; both stay.</param>
    /// <param name="s">Geometry.</param>
    /// <param name="x0">[N,H,W,C]</param>
    /// <param name="options">The first step's: whether there are labels, and the seed and the stream of dropout.</param>
    /// <param name="endpoint">Whether x_K is wanted.</param>
    /// <param name="pass">Queues the launches.</param>
    public ObjectiveGraph(INetwork network, in TrajectoryShape s, Shape x0, in ForwardOptions options, bool endpoint,
        Action<ObjectiveTensors> pass)
    {
        (_backend, _options) = (network.Backend, options);
        _x0 = Empty(x0);
        _targets = Empty(s.States);
        _losses = Empty(s.Losses);
        _labels = options.Labels is { } labels ? Empty(labels.Shape) : null;
        _endpoint = endpoint ? Empty(x0) : null;
        Shape[] parts = [new(s.N, 1), new(s.N), s.PerBranch, s.Map, s.PerBranch, new(RandomKey.CounterLength)];
        _host = new float[parts.Sum(Aligned)];
        _coefficients = Empty(new Shape(_host.Length));
        var views = new Tensor[parts.Length];
        int at = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            _owned.Add(views[i] = _coefficients.View(at, parts[i]));
            at += Aligned(parts[i]);
        }
        RandomKey? dropout = options.Dropout is { } key ? new RandomKey(key.Seed, key.Stream, 0, views[5]) : null;
        var tensors = new ObjectiveTensors(s, _x0, _targets, views[0], views[1], views[2], views[3], views[4],
            new ForwardOptions(dropout, _labels), _losses, _endpoint);
        _graph = new StepGraph(_backend, "forward and backward pass", () => pass(tensors));
    }

    public bool IsCaptured => _graph.IsCaptured;

    /// <summary>Whether a step has the shapes and the random numbers of the one that this was made for.</summary>
    public bool Fits(Shape x0, in ForwardOptions options, bool endpoint) => x0 == _x0.Shape && options.Labels?.Shape == _labels?.Shape
        && options.Dropout?.Seed == _options.Dropout?.Seed && options.Dropout?.Stream == _options.Dropout?.Stream
        && endpoint == _endpoint is not null;

    /// <summary>One step; returns its losses [1+K].</summary>
    public float[] Run(Tensor x0, Tensor targets, float[] scale, float[] noise, TrajectoryMap map, float[] weights,
        in ForwardOptions options, Tensor? endpoint)
    {
        int at = 0;
        foreach (float[] part in new[] { scale, noise, TrajectoryMap.Floats(map.Skip), TrajectoryMap.Floats(map.Map), weights })
        {
            part.CopyTo(_host, at);
            at += Aligned(new Shape(part.Length));
        }
        RandomKey.Digits(options.Dropout?.Offset ?? 0, _host.AsSpan(at, RandomKey.CounterLength));
        _coefficients.Upload(_host);
        _backend.Copy(x0, _x0);
        _backend.Copy(targets, _targets);
        if (_labels is not null)
            _backend.Copy(options.Labels!, _labels);
        _graph.Run();
        if (_endpoint is not null)
            _backend.Copy(_endpoint, endpoint!);
        return _losses.ToArray();
    }

    public void Dispose()
    {
        _graph.Dispose();
        _owned.ForEach(tensor => tensor.Dispose());
    }

    /// <summary>Floats with padding, so that each part starts where 16-byte accesses may.</summary>
    private static int Aligned(Shape shape) => (shape.Length + 63) / 64 * 64;

    private Tensor Empty(Shape shape)
    {
        var tensor = _backend.Empty(shape);
        _owned.Add(tensor);
        return tensor;
    }
}
