using System.Globalization;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Layers;
using BDense.Model.Networks;

[assembly: DeclaresFusions(typeof(BDense.Training.Runs.Optimizer))]

namespace BDense.Training.Runs;

/// <summary>Hyperparameters of the optimizer, but for the learning rate, which each update is given.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Decay of the gradient's average, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squares' average, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the squares' average; above 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled, as AdamW.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest norm of the whole gradient; 0 for no clipping.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Decay of the weights' moving average a step; 0 for none. It starts as min(decay, (1 + t) / (10 + t)).</summary>
    public double EmaDecay { get; init; }

    /// <summary>Whether <see cref="Optimizer.FusedAdam"/> is on.</summary>
    public Fusions Fusions { get; init; } = Fusions.All;

    /// <summary>
    /// Whether updates are captured and replayed. Without <see cref="Optimizer.FusedAdam"/> they cannot be: the composition reads the norm
    /// on the host.
    /// </summary>
    public bool Graph { get; init; }

    /// <summary>As a network's passes run.</summary>
    public OptimizerOptions With(Execution execution) => this with { Fusions = execution.Fusions, Graph = execution.Graph };
}

/// <summary>Adam with a moving average of the weights, over the one flat buffer of all parameters: two launches an update.</summary>
public sealed class Optimizer : IDisposable
{
    /// <summary>One launch updates all parameters.</summary>
    public static Fusion FusedAdam { get; } = new("adam",
        does: "clipping, Adam, moving average of all parameters in one launch",
        instead: "three launches a parameter",
        saves: "three launches for each parameter but one, and the trips between them");

    /// <summary>Files of its state in a checkpoint: moments, and the moving average where there is one.</summary>
    public const string OptimizerFile = "optimizer.safetensors", EmaFile = "ema.safetensors";

    private readonly ParameterSet _parameters;
    private readonly OptimizerOptions _options;
    private readonly Tensor _m, _v, _squaredNorm;
    private readonly Tensor? _schedule;
    private readonly StepGraph? _graph;

    /// <summary>Adam over all parameters, which stay the caller's.</summary>
    public Optimizer(ParameterSet parameters, OptimizerOptions options)
    {
        (_parameters, _options) = (parameters, options);
        parameters.EnableGradients();
        var shape = parameters.Values.Shape;
        _m = parameters.Backend.Zeros(shape);
        _v = parameters.Backend.Zeros(shape);
        _squaredNorm = parameters.Backend.Empty(new Shape(1));
        Ema = options.EmaDecay > 0 ? parameters.CopyValues() : null;
        if (options.Graph && options.Fusions.Has(FusedAdam))
        {
            _schedule = parameters.Backend.Empty(new Shape(AdamStep.ScheduleLength));
            _graph = new StepGraph(parameters.Backend, "optimizer update", UpdateByGraph);
        }
        else if (options.Graph)
        {
            parameters.Backend.OnNotice?.Invoke(
                "optimizer update: not captured, since without the fusion 'adam' it reads the norm on the host");
        }
    }

    /// <summary>Whether updates are replays.</summary>
    public bool IsCaptured => _graph?.IsCaptured == true;

    /// <summary>Updates done: Adam's t.</summary>
    public int Updates { get; private set; }

    /// <summary>Moving average of the flat values; none if its decay is 0.</summary>
    public Tensor? Ema { get; }

    /// <summary>One update from the accumulated gradients, which are then cleared. Returns the gradient's norm.</summary>
    /// <param name="learningRate">Of this update.</param>
    /// <param name="microBatches">How many backward passes were accumulated.</param>
    /// <param name="loss">For the check and the message.</param>
    /// <param name="step">For the message: counted from 1.</param>
    /// <exception cref="BDenseException">Loss or gradient is not finite; no parameter was changed.</exception>
    public double Update(double learningRate, int microBatches, double loss, long step)
    {
        var backend = _parameters.Backend;
        var s = StepAt(Updates + 1, learningRate, microBatches);
        Span<float> squared = stackalloc float[1];
        if (_graph is not null && double.IsFinite(loss))
        {
            _schedule!.Upload(s.Schedule());
            _graph.Run();
        }
        else
        {
            backend.SumOfSquares(_parameters.Gradients!, _squaredNorm);
        }
        _squaredNorm.Download(squared);
        // Adam itself leaves everything as it is if the norm is not finite.
        if (!double.IsFinite(loss) || !float.IsFinite(squared[0]))
            throw new BDenseException(string.Create(CultureInfo.InvariantCulture,
                $"training diverged at step {step}: the loss is {loss:g4}, the gradient's squared norm {squared[0]:g4}; try a lower "
                    + $"learning rate or clipping"));
        Updates++;
        if (_graph is null)
        {
            if (_options.Fusions.Has(FusedAdam))
                backend.Adam(s, _parameters.Values, _parameters.Gradients!, _m, _v, Ema, _squaredNorm);
            else
                PlainAdam.Run(s, _parameters.All, _parameters.Values, _parameters.Gradients!, _m, _v, Ema, _squaredNorm, squared[0]);
            _parameters.ZeroGradients();
        }
        return Math.Sqrt(squared[0]) / microBatches;
    }

    /// <summary>Norm, Adam with the schedule from the device, gradients to 0: nothing of the step's own.</summary>
    private void UpdateByGraph()
    {
        var backend = _parameters.Backend;
        backend.SumOfSquares(_parameters.Gradients!, _squaredNorm);
        backend.Adam(StepAt(1, 0, 1), _parameters.Values, _parameters.Gradients!, _m, _v, Ema, _squaredNorm, _schedule);
        _parameters.ZeroGradients();
    }

    private AdamStep StepAt(int update, double learningRate, int microBatches) =>
        new((float)learningRate, update, (float)_options.Beta1, (float)_options.Beta2,
        (float)_options.Epsilon, (float)_options.WeightDecay, 1f / microBatches,
        _options.ClipNorm > 0 ? (float)_options.ClipNorm : float.PositiveInfinity,
        (float)Math.Min(_options.EmaDecay, (1.0 + update) / (10.0 + update)));

    /// <summary>
    /// Both moments and the count in <c>optimizer.safetensors</c>, the moving average as a network in <c>ema.safetensors</c>.
    /// </summary>
    public void Save(string folder, INetwork network)
    {
        SafeTensors.Write(Path.Combine(folder, OptimizerFile), [("m", [_m.Length], _m.ToArray()), ("v", [_v.Length], _v.ToArray())],
            new Dictionary<string, string> { ["updates"] = Updates.ToString(CultureInfo.InvariantCulture) });
        if (Ema is not null)
            Checkpoint.Save(Path.Combine(folder, EmaFile), network, Ema);
    }

    /// <summary>What <see cref="Save"/> wrote.</summary>
    /// <exception cref="BDenseException">Damaged, or of another network.</exception>
    public void Load(string folder, INetwork network)
    {
        string path = Path.Combine(folder, OptimizerFile);
        var file = SafeTensors.Read(path);
        foreach (var (name, x) in new[] { ("m", _m), ("v", _v) })
        {
            if (!file.Tensors.TryGetValue(name, out var saved) || saved.Data.Length != x.Length)
                throw new BDenseException($"{path}: '{name}' does not fit this network of {x.Length} values");
            x.Upload(saved.Data);
        }
        if (!file.Metadata.TryGetValue("updates", out string? text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int updates))
            throw new BDenseException($"{path}: the number of updates is missing");
        Updates = updates;
        if (Ema is null)
            return;
        using var average = network.Clone();
        Checkpoint.LoadInto(average, Path.Combine(folder, EmaFile));
        Ema.Backend.Copy(average.Parameters.Values, Ema);
    }

    /// <summary>Frees its state.</summary>
    public void Dispose()
    {
        _graph?.Dispose();
        _m.Dispose();
        _v.Dispose();
        _squaredNorm.Dispose();
        _schedule?.Dispose();
        Ema?.Dispose();
    }
}
