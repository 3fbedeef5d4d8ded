using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;

namespace BDense.Model.Networks;

/// <summary>
/// A pass without a gradient at one batch size, captured: x, the noise numbers and the labels are copied in, the heads stay in place.
/// </summary>
internal sealed class PassGraph : IDisposable
{
    private readonly Network _network;
    private readonly Tensor _x, _numbers, _scale, _noise, _heads;
    private readonly Tensor? _labels;
    private readonly float[] _host;
    private readonly StepGraph _graph;

    /// <param name="network">Disposes this.</param>
    /// <param name="n">Batch.</param>
    /// <param name="labelled">Whether labels are given.</param>
    public PassGraph(Network network, int n, bool labelled)
    {
        var (backend, c) = (network.Backend, network.Config);
        _network = network;
        _x = backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
        _heads = backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.Branches * c.ImageChannels));
        _labels = labelled ? backend.Empty(new Shape(n, c.LabelCount)) : null;
        // Both in one upload.
        int stride = (n + 63) / 64 * 64;
        _host = new float[2 * stride];
        _numbers = backend.Empty(new Shape(_host.Length));
        _scale = _numbers.View(0, new Shape(n, 1));
        _noise = _numbers.View(stride, new Shape(n));
        _graph = new StepGraph(backend, "network pass", Pass);
    }

    /// <summary>Whether runs are replays.</summary>
    public bool IsCaptured => _graph.IsCaptured;

    /// <summary>Raw heads [N,H,W,K*C], this graph's own and valid until the next run.</summary>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="scale">c_in of each sample.</param>
    /// <param name="noise">c_noise of each sample.</param>
    /// <param name="labels">[N,LabelCount], or none.</param>
    public Tensor Run(Tensor x, ReadOnlySpan<float> scale, ReadOnlySpan<float> noise, Tensor? labels)
    {
        scale.CopyTo(_host);
        noise.CopyTo(_host.AsSpan(_host.Length / 2));
        _numbers.Upload(_host);
        x.Backend.Copy(x, _x);
        if (_labels is not null)
            x.Backend.Copy(labels!, _labels);
        _graph.Run();
        return _heads;
    }

    public void Dispose()
    {
        _graph.Dispose();
        foreach (var tensor in new[] { _x, _heads, _labels, _scale, _noise, _numbers })
            tensor?.Dispose();
    }

    private void Pass()
    {
        using var tape = Tape.For(_network, recording: false);
        var heads = new Denoiser(_network).Heads(tape, _x, _scale, _noise, new ForwardOptions(Labels: _labels));
        _network.Backend.Copy(heads.Data, _heads);
    }
}
