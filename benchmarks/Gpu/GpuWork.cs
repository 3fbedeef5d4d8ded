using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Model;

namespace BDense.Benchmarks.Gpu;

/// <summary>A row made ready on a device: its inputs, several times over so that a run finds none of its data in a cache, and its outputs.</summary>
public sealed class GpuWork : IDisposable
{
    /// <summary>What the sets of inputs should have together: more than any GPU's last-level cache.</summary>
    private const long SetsBytes = 256L << 20;
    private const int MostSets = 4;

    private readonly List<IDisposable> _owned = [];
    private readonly List<Action> _sets = [];
    private readonly Backend _backend;
    private readonly GpuRow _row;
    private Dictionary<string, Tensor> _outputs = [];

    /// <param name="backend">The device; its precision becomes the row's.</param>
    /// <param name="row">What to make.</param>
    /// <param name="fusions">Of whole networks.</param>
    /// <param name="scratch">Folder of the weights that the peer will read; null to write none.</param>
    /// <exception cref="BDenseException">The device does not have that precision.</exception>
    public GpuWork(Backend backend, GpuRow row, Fusions fusions, string? scratch)
    {
        (_backend, _row) = (backend, row);
        SetPrecision();
        try
        {
            if (row.Network is { } network)
                AddNetwork(UNetConfig.FromJson(network.GetRawText(), row.Name), fusions, scratch);
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

    /// <summary>The work on each set of inputs as a graph, captured and ready to be launched again; none where the device captures nothing.</summary>
    /// <remarks>Numbers of a step (dropout's key, Adam's count) stay those of the capture: the same work, if not the same training.</remarks>
    public IReadOnlyList<StepGraph>? Capture()
    {
        if (_backend.Graphs is null)
            return null;
        var graphs = _sets.Select(set => new StepGraph(_backend, _row.Name, set)).ToList();
        _owned.InsertRange(0, graphs);
        foreach (var graph in graphs)
        {
            graph.Run();
            graph.Run();
        }
        return graphs.All(graph => graph.IsCaptured) ? graphs : null;
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
        for (int set = 0; set < MostSets; set++)
        {
            int before = _owned.Count;
            _sets.Add(Make(16 * set));
            long bytes = _owned.Skip(before).OfType<Tensor>().Sum(t => 4L * t.Length);
            if (bytes * (set + 1) >= SetsBytes)
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
        Tensor input = Draw(s.Input, seed + 1), dw = Output("dw", s.Weight), dbias = Output("dbias", new(s.K));
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
        Tensor dy = Draw(s.Activation, seed + 4), dx = Output("dx", s.Activation), dgamma = Output("dgamma", new(c)), dbeta = Output("dbeta", new(c));
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
        var map = HashedValues.Draw(s.Map.Length, 6);
        for (int i = 0; i < map.Length; i++)
        {
            // Chained steps: state b depends on the heads up to b.
            if (i % k > i / k % k)
                map[i] = 0f;
        }
        float weight = 1f / s.State.Length;
        Tensor x0 = Draw(s.State, seed + 1), heads = Draw(s.Heads, seed + 2), targets = Draw(s.States, seed + 3), skip = Draw(s.PerBranch, 4),
            m = Own(_backend.FromArray(map, s.Map)), weights = Draw(s.PerBranch, 5, weight, 1.5f * weight),
            dheads = Output("dheads", s.Heads), losses = Output("losses", s.Losses);
        return () => _backend.TrajectoryLoss(s, Distance.L2, 1f, x0, heads, targets, skip, m, weights, dheads, losses);
    }

    private Action Step(int seed)
    {
        float[] coefficients = [.. Enumerable.Range(0, _row["terms"]).Select(j => HashedValues.At(j, 7))];
        Tensor[] terms = [.. Enumerable.Range(0, _row["terms"]).Select(j => Draw(new(_row["length"]), seed + j))];
        Tensor y = Output("y", terms[0].Shape);
        return () => _backend.LinearCombination(coefficients, terms, y);
    }

    private Action Adam(int seed)
    {
        var shape = new Shape(_row["length"]);
        Tensor p = Draw(shape, seed + 1), g = Draw(shape, seed + 2), m = Output("m", shape), v = Output("v", shape), ema = Draw(shape, seed + 1),
            norm = Own(_backend.Empty(new(1)));
        _outputs.TryAdd("p", p);
        _outputs.TryAdd("ema", ema);
        int step = 0;
        return () =>
        {
            _backend.SumOfSquares(g, norm);
            _backend.Adam(new AdamStep(1e-3f, ++step, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm);
        };
    }

    /// <summary>
    /// Training: forward with dropout, gradient (F - target) / elements, backward, clipping, Adam, moving average. Sampling: an evaluation
    /// without gradients. The output F that is compared comes from an evaluation, before any update.
    /// </summary>
    private void AddNetwork(UNetConfig config, Fusions fusions, string? scratch)
    {
        int batch = _row["batch"], size = config.Resolution, c = config.ImageChannels;
        var network = Own(new UNet(_backend, config, seed: null) { Execution = new Execution(fusions) });
        for (int i = 0; i < network.Parameters.All.Count; i++)
            network.Parameters.All[i].Value.Upload(InitialValues(network.Parameters.All[i], 100 + i));
        if (scratch is not null)
            Checkpoint.Save(Path.Combine(scratch, _row.Weights!), network);

        var images = new Shape(batch, size, size, c);
        var heads = new Shape(batch, size, size, c * config.Branches);
        Tensor x = Draw(images, 1), noise = Draw(new(batch), 2);
        _outputs["F"] = Own(_backend.Empty(heads));
        using (var tape = Tape.For(network, recording: false))
            _backend.Copy(network.Forward(tape, tape.Input(x), noise).Data, _outputs["F"]);

        if (_row.Kind == GpuRows.Sampling)
        {
            _sets.Add(() =>
            {
                using var tape = Tape.For(network, recording: false);
                network.Forward(tape, tape.Input(x), noise);
            });
            return;
        }
        network.Parameters.EnableGradients();
        Tensor p = network.Parameters.Values, g = network.Parameters.Gradients!, target = Draw(heads, 3), df = Own(_backend.Empty(heads)),
            m = Own(_backend.Zeros(p.Shape)), v = Own(_backend.Zeros(p.Shape)), ema = Own(network.Parameters.CopyValues()), norm = Own(_backend.Empty(new(1)));
        float scale = 1f / heads.Length;
        int step = 0;
        _sets.Add(() =>
        {
            network.Parameters.ZeroGradients();
            using (var tape = Tape.For(network, recording: true))
            {
                var y = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(new RandomKey(1, (uint)step)));
                _backend.LinearCombination([scale, -scale], [y.Data, target], df);
                tape.Backward(y, df);
            }
            _backend.SumOfSquares(g, norm);
            _backend.Adam(new AdamStep(1e-4f, ++step, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm);
        });
    }

    /// <summary>Networks start with layers near zero; these values make every layer count.</summary>
    private static float[] InitialValues(Parameter parameter, int seed)
    {
        var s = parameter.Shape;
        float bound = s.Rank == 1 ? 0.1f : MathF.Sqrt(1.5f * s[0] / s.Length);
        bool isScale = s.Rank == 1 && parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
        return HashedValues.Draw(s.Length, seed, bound, isScale ? 1f : 0f);
    }

    private Tensor Draw(Shape shape, int seed, float scale = 1f, float offset = 0f) =>
        Own(_backend.FromArray(HashedValues.Draw(shape.Length, seed, scale, offset), shape));

    private Tensor Output(string name, Shape shape)
    {
        var y = Own(_backend.Zeros(shape));
        _outputs.TryAdd(name, y);
        return y;
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }
}
