using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Layers;
using BDense.Model.Networks;

namespace BDense.Benchmarks.Gpu;

/// <summary>
/// A row made ready on a device: its inputs, several times over so that a run finds none of its data in a cache, and its outputs.
/// </summary>
public sealed class GpuWork : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly List<Action> _sets = [], _restore = [];
    private readonly Backend _backend;
    private readonly GpuRow _row;
    private readonly GpuInputs _inputs;
    private readonly Dictionary<string, Tensor> _outputs = [];
    private int _step;

    /// <param name="backend">The device; its precision becomes the row's.</param>
    /// <param name="row">What to make.</param>
    /// <param name="fusions">Of whole networks.</param>
    /// <param name="inputs">Their seed and number.</param>
    /// <param name="scratch">Folder of the weights that the peer will read; null to write none.</param>
    /// <exception cref="BDenseException">The device does not have that precision.</exception>
    public GpuWork(Backend backend, GpuRow row, Fusions fusions, GpuInputs inputs, string? scratch)
    {
        (_backend, _row, _inputs) = (backend, row, inputs);
        SetPrecision();
        try
        {
            if (row.Network is { } network)
                AddNetwork(NetworkConfig.FromJson(network.GetRawText(), row.Name), fusions, scratch);
            else
                AddSets();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Sets => _sets.Count;

    /// <summary>Queues the work on one set of inputs.</summary>
    public void Run(int set) => _sets[set % _sets.Count]();

    /// <summary>
    /// The work on each set of inputs as a graph, captured and ready to be launched again; none where the device captures nothing.
    /// </summary>
    /// <remarks>
    /// Numbers of a step (dropout's key, Adam's count) stay those of the capture: the same work, if not the same training.
    /// </remarks>
    public IReadOnlyList<StepGraph>? Capture()
    {
        if (_backend.Graphs is null)
            return null;
        var graphs = _sets.Select(set => new StepGraph(_backend, _row.Name, set)).ToList();
        _owned.InsertRange(0, graphs);
        foreach (var graph in graphs)
        {
            // The first run warms up, the second is captured: the first step of a training.
            for (int run = 0; run < 2; run++)
            {
                _step = 0;
                graph.Run();
            }
        }
        return graphs.All(graph => graph.IsCaptured) ? graphs : null;
    }

    /// <summary>
    /// The first set as it was at the start, and NaN where a run is to write: what it leaves out, or what it finds from before, shows.
    /// </summary>
    public void Restore()
    {
        _step = 0;
        foreach (var restore in _restore)
            restore();
    }

    /// <summary>Every result of the last run on the first set: up to 1,024 elements, evenly spread.</summary>
    public Dictionary<string, float[]> Outputs() => _outputs.ToDictionary(o => o.Key, o => Sample(o.Value.ToArray()));

    public void Dispose()
    {
        foreach (var thing in _owned)
            thing.Dispose();
        _owned.Clear();
    }

    /// <summary>Elements floor(j * length / count) for j = 0, 1, ..., count - 1; count is 1,024 or the length.</summary>
    private static float[] Sample(float[] values)
    {
        long count = Math.Min(1024, values.Length);
        return [.. Enumerable.Range(0, (int)count).Select(j => values[j * values.LongLength / count])];
    }

    private void SetPrecision()
    {
        var precision = Enum.Parse<Precision>(_row.Precision, ignoreCase: true);
        if (_backend is IlgpuBackend ilgpu)
            ilgpu.Precision = precision;
        else if (precision != Precision.Fp32)
            throw new BDenseException($"{_backend.Name} has no {_row.Precision}");
    }

    private void AddSets()
    {
        for (int set = 0; set < _inputs.MostSets; set++)
        {
            int before = _owned.Count;
            _sets.Add(Make(16 * set));
            long bytes = _owned.Skip(before).OfType<Tensor>().Sum(t => 4L * t.Length);
            if (bytes * (set + 1) >= _inputs.SetsBytes)
                break;
        }
    }

    private Action Make(int seed) => _row.Kind switch
    {
        GpuRows.ConvForward or GpuRows.ConvDgrad or GpuRows.ConvWgrad => Convolution(seed),
        GpuRows.Gemm => Product(seed),
        GpuRows.Attention or GpuRows.AttentionBackward => Attend(seed),
        GpuRows.Copy => Copy(seed),
        GpuRows.GroupNorm or GpuRows.GroupNormBackward => Normalise(seed),
        GpuRows.TrajectoryLoss => Loss(seed),
        GpuRows.SolverStep => Step(seed),
        GpuRows.Adam => Adam(seed),
        _ => throw new ArgumentException($"no such kind of row: {_row.Kind}"),
    };

    private Action Convolution(int seed)
    {
        var s = Conv2dShape.Same(_row["n"], _row["size"], _row["size"], _row["c"], _row["k"], _row["r"]);
        Tensor w = Draw(s.Weight, 2, MathF.Sqrt(3f / (s.C * s.R * s.S)));
        if (_row.Kind == GpuRows.ConvForward)
        {
            Tensor x = Draw(s.Input, seed + 1), bias = Draw(new(s.K), 3), y = Output("y", s.Output);
            return () => _backend.Conv2d(s, x, w, bias, y);
        }
        Tensor dy = Draw(s.Output, seed + 4);
        if (_row.Kind == GpuRows.ConvDgrad)
        {
            Tensor dx = Output("dx", s.Input);
            return () => _backend.Conv2dDgrad(s, dy, w, dx);
        }
        Tensor input = Draw(s.Input, seed + 1), dw = Sum("dw", s.Weight), dbias = Sum("dbias", new(s.K));
        return () => _backend.Conv2dWgrad(s, input, dy, dw, dbias);
    }

    private Action Product(int seed)
    {
        var s = new MatMulShape(1, _row["m"], _row["n"], _row["k"]);
        Tensor a = Draw(s.A, seed + 1), b = Draw(s.B, seed + 2, MathF.Sqrt(3f / s.K)), c = Output("c", s.C);
        return () => _backend.MatMul(s, a, b, c);
    }

    private Action Attend(int seed)
    {
        var s = new AttentionShape(_row["n"], _row["tokens"], _row["heads"], _row["headSize"]);
        Tensor qkv = Draw(s.Qkv, seed + 1, 2f), y = Output("y", s.Output), lse = Own(_backend.Empty(s.LogSumExp));
        if (_row.Kind == GpuRows.Attention)
            return () => _backend.Attention(s, qkv, y, lse);
        Tensor dy = Draw(s.Output, seed + 2), dqkv = Output("dqkv", s.Qkv);
        return () =>
        {
            _backend.Attention(s, qkv, y, lse);
            _backend.AttentionBackward(s, dy, qkv, y, lse, dqkv);
        };
    }

    private Action Copy(int seed)
    {
        Tensor x = Draw(new(_row["length"]), seed + 1), y = Output("y", x.Shape);
        return () => _backend.Copy(x, y);
    }

    private Action Normalise(int seed)
    {
        int c = _row["c"];
        var s = new GroupNormShape(_row["n"], _row["size"] * _row["size"], c, _row["groups"], 1e-5f, Silu: true);
        Tensor x = Draw(s.Activation, seed + 1), gamma = Draw(new(c), 2, 0.5f, 1f), beta = Draw(new(c), 3),
            y = Output("y", s.Activation), stats = Own(_backend.Empty(s.Stats));
        if (_row.Kind == GpuRows.GroupNorm)
            return () => _backend.GroupNorm(s, x, gamma, beta, null, y, stats);
        Tensor dy = Draw(s.Activation, seed + 4), dx = Output("dx", s.Activation), dgamma = Sum("dgamma", new(c)),
            dbeta = Sum("dbeta", new(c));
        return () =>
        {
            _backend.GroupNorm(s, x, gamma, beta, null, y, stats);
            _backend.GroupNormBackward(s, dy, x, stats, gamma, beta, null, dx, dgamma, dbeta, null);
        };
    }

    private Action Loss(int seed)
    {
        int k = _row["k"];
        var s = new TrajectoryShape(_row["n"], _row["size"] * _row["size"], _row["c"], k);
        var map = HashedValues.Draw(s.Map.Length, Seed(6));
        for (int i = 0; i < map.Length; i++)
        {
            // Chained steps: state b depends on the heads up to b.
            if (i % k > i / k % k)
                map[i] = 0f;
        }
        float weight = 1f / s.State.Length;
        Tensor x0 = Draw(s.State, seed + 1), heads = Draw(s.Heads, seed + 2), targets = Draw(s.States, seed + 3),
            skip = Draw(s.PerBranch, 4),
            m = Own(_backend.FromArray(map, s.Map)), weights = Draw(s.PerBranch, 5, weight, 1.5f * weight),
            dheads = Output("dheads", s.Heads), losses = Output("losses", s.Losses);
        return () => _backend.TrajectoryLoss(s, Distance.L2, 1f, x0, heads, targets, skip, m, weights, dheads, losses);
    }

    private Action Step(int seed)
    {
        float[] coefficients = [.. Enumerable.Range(0, _row["terms"]).Select(j => HashedValues.At(j, Seed(7)))];
        Tensor[] terms = [.. Enumerable.Range(0, _row["terms"]).Select(j => Draw(new(_row["length"]), seed + j))];
        Tensor y = Output("y", terms[0].Shape);
        return () => _backend.LinearCombination(coefficients, terms, y);
    }

    /// <summary>Always the first step: its factors do not change from run to run, so a graph does what a launch does.</summary>
    private Action Adam(int seed)
    {
        var shape = new Shape(_row["length"]);
        Tensor p = State("p", shape, seed + 1), ema = State("ema", shape, seed + 1), g = Draw(shape, seed + 2), m = Sum("m", shape),
            v = Sum("v", shape),
            norm = Own(_backend.Empty(new(1)));
        return () =>
        {
            _backend.SumOfSquares(g, norm);
            _backend.Adam(new AdamStep(1e-3f, 1, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm);
        };
    }

    /// <summary>
    /// Training: forward with dropout, gradient (F - target) / elements, backward, clipping, Adam, moving average. Sampling: an evaluation
    /// without gradients. The outputs that are compared: F, of training from an evaluation before any update; and the squared norm of the
    /// first step's gradient, where no dropout makes it another one at the peer.
    /// </summary>
    private void AddNetwork(NetworkConfig config, Fusions fusions, string? scratch)
    {
        int batch = _row["batch"], size = config.Resolution, c = config.ImageChannels;
        bool folded = _row.Dims.GetValueOrDefault("folded") == 1;
        var unet = Own(new Network(_backend, config, seed: null) { Execution = new Execution(fusions) });
        var parameters = unet.Parameters;
        void Start()
        {
            for (int i = 0; i < parameters.All.Count; i++)
                parameters.All[i].Value.Upload(InitialValues(parameters.All[i], 100 + i));
        }
        Start();
        if (scratch is not null && _row.Weights is not null)
            Checkpoint.Save(Path.Combine(scratch, _row.Weights), unet);
        INetwork network = folded ? Own(new FoldedNetwork(unet, [.. Enumerable.Repeat(1.0 / config.Branches, config.Branches)])) : unet;

        var images = new Shape(batch, size, size, c);
        var heads = new Shape(batch, size, size, c * network.Config.Branches);
        Tensor x = Draw(images, 1), noise = Draw(new(batch), 2), f = Output("F", heads);
        void Evaluate()
        {
            using var tape = Tape.For(network, recording: false);
            _backend.Copy(network.Forward(tape, tape.Input(x), noise).Data, f);
        }
        if (_row.Kind == GpuRows.Sampling)
        {
            _sets.Add(Evaluate);
            return;
        }
        parameters.EnableGradients();
        Tensor p = parameters.Values, g = parameters.Gradients!, target = Draw(heads, 3), df = Own(_backend.Empty(heads)),
            m = Own(_backend.Zeros(p.Shape)), v = Own(_backend.Zeros(p.Shape)), ema = Own(parameters.CopyValues()),
            norm = Output(config.Dropout > 0 ? "ours: |g|^2" : "|g|^2", new(1));
        float scale = 1f / heads.Length;
        _restore.Add(() =>
        {
            Start();
            _backend.Fill(m, 0f);
            _backend.Fill(v, 0f);
            _backend.Copy(p, ema);
            Evaluate();
        });
        _sets.Add(() =>
        {
            parameters.ZeroGradients();
            using (var tape = Tape.For(network, recording: true))
            {
                var y = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(new RandomKey(1, (uint)_step)));
                _backend.LinearCombination([scale, -scale], [y.Data, target], df);
                tape.Backward(y, df);
            }
            _backend.SumOfSquares(g, norm);
            _backend.Adam(new AdamStep(1e-4f, ++_step, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm);
        });
    }

    /// <summary>Networks start with layers near zero; these values make every layer count.</summary>
    private float[] InitialValues(Parameter parameter, int seed)
    {
        var s = parameter.Shape;
        float bound = s.Rank == 1 ? 0.1f : MathF.Sqrt(1.5f * s[0] / s.Length);
        bool isScale = s.Rank == 1 && parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
        return HashedValues.Draw(s.Length, Seed(seed), bound, isScale ? 1f : 0f);
    }

    /// <summary>A stream of this run's.</summary>
    private int Seed(int stream) => unchecked(7919 * _inputs.Seed + stream);

    private Tensor Draw(Shape shape, int seed, float scale = 1f, float offset = 0f) =>
        Own(_backend.FromArray(HashedValues.Draw(shape.Length, Seed(seed), scale, offset), shape));

    /// <summary>A result that is overwritten.</summary>
    private Tensor Output(string name, Shape shape) => Result(name, Own(_backend.Zeros(shape)), y => _backend.Fill(y, float.NaN));

    /// <summary>A result that is added to.</summary>
    private Tensor Sum(string name, Shape shape) => Result(name, Own(_backend.Zeros(shape)), y => _backend.Fill(y, 0f));

    /// <summary>A result that is changed.</summary>
    private Tensor State(string name, Shape shape, int seed) =>
        Result(name, Draw(shape, seed), y => y.Upload(HashedValues.Draw(shape.Length, Seed(seed))));

    private Tensor Result(string name, Tensor y, Action<Tensor> restore)
    {
        if (_outputs.TryAdd(name, y))
            _restore.Add(() => restore(y));
        return y;
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }
}
