namespace BDense.Kernels.Profiling;

/// <summary>
/// All operations, each at a shape that the caller chooses: what <c>bdense profile</c> runs. The case list (cases/) stands above this floor
/// and has the shapes that are tested and timed; one shape each is here, so that a name alone can be profiled.
/// </summary>
public static class OperationCatalog
{
    /// <summary>Every operation, variants one by one.</summary>
    public static IReadOnlyList<CatalogOperation> All { get; } = [.. Convolutions(), .. Products(), .. Normalisations(), .. Pointwise(), .. Moves(), .. Losses()];

    /// <summary>By its name, whatever the case and with or without hyphens; null for none.</summary>
    public static CatalogOperation? Find(string name) => All.FirstOrDefault(o => Plain(o.Name) == Plain(name));

    private static string Plain(string name) => name.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    private static IEnumerable<CatalogOperation> Convolutions()
    {
        string[] extents = ["N", "SIZE", "C", "K", "R"];
        yield return new("conv2d", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), y = t.Empty(s.Output), dy = t.Normal(s.Output), dx = t.Empty(s.Input),
                dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
            return
            [
                new("forward", () => t.Backend.Conv2d(s, x, w, bias, y)), new("dgrad", () => t.Backend.Conv2dDgrad(s, dy, w, dx)),
                new("wgrad", () => t.Backend.Conv2dWgrad(s, x, dy, dw, dbias)),
            ];
        });
        yield return new("fused-conv2d-prologue", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), factors = t.Normal(new(s.N, 2 * s.C)), y = t.Empty(s.Output), dy = t.Normal(s.Output),
                dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
            var prologue = new ConvolutionPrologue(factors, Silu: true);
            return
            [
                new("forward", () => t.Backend.FusedConv2d(s, x, w, prologue, new(bias), y)), new("wgrad", () => t.Backend.FusedConv2dWgrad(s, x, prologue, dy, dw, dbias)),
            ];
        });
        yield return new("fused-conv2d-epilogue", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), embedding = t.Normal(new(s.N, s.K)), residual = t.Normal(s.Output), y = t.Empty(s.Output);
            return [new("forward", () => t.Backend.FusedConv2d(s, x, w, default, new(bias, embedding, residual, 0.7f, Silu: true), y))];
        });
        foreach (var resampling in new[] { Resampling.Up, Resampling.Down })
        {
            yield return new($"fused-conv2d-{resampling.ToString().ToLowerInvariant()}", extents, [4, 16, 64, 64, 3], (t, e) =>
            {
                var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
                int before = resampling == Resampling.Up ? e[1] / 2 : 2 * e[1];
                var input = new Shape(s.N, before, before, s.C);
                Tensor x = t.Normal(input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), y = t.Empty(s.Output), dy = t.Normal(s.Output), dx = t.Empty(input),
                    dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
                var prologue = new ConvolutionPrologue(null, Resampling: resampling);
                return
                [
                    new("forward", () => t.Backend.FusedConv2d(s, x, w, prologue, new(bias), y)), new("dgrad", () => t.Backend.FusedConv2dDgrad(s, dy, w, resampling, dx)),
                    new("wgrad", () => t.Backend.FusedConv2dWgrad(s, x, prologue, dy, dw, dbias)),
                ];
            });
        }
        yield return new("upsample-weights", ["K", "C"], [64, 64], (t, e) =>
        {
            Tensor w = t.Normal(new(e[0], 3, 3, e[1])), large = t.Empty(new(e[1], 4, 4, e[0])), dlarge = t.Normal(large.Shape), dw = t.Zeros(w.Shape);
            return [new("forward", () => t.Backend.UpsampleWeights(w, large)), new("backward", () => t.Backend.UpsampleWeightsBackward(dlarge, dw))];
        });
    }

    private static IEnumerable<CatalogOperation> Products()
    {
        yield return new("linear", ["N", "IN", "OUT"], [64, 256, 256], (t, e) =>
        {
            var s = new LinearShape(e[0], e[1], e[2]);
            Tensor x = t.Normal(new(e[0], e[1])), w = t.Normal(new(e[2], e[1])), bias = t.Normal(new(e[2])), y = t.Empty(new(e[0], e[2])), dy = t.Normal(y.Shape), dx = t.Empty(x.Shape),
                dw = t.Zeros(w.Shape), dbias = t.Zeros(bias.Shape);
            return
            [
                new("forward", () => t.Backend.Linear(s, x, w, bias, y)), new("dgrad", () => t.Backend.LinearDgrad(s, dy, w, dx)),
                new("wgrad", () => t.Backend.LinearWgrad(s, x, dy, dw, dbias)),
            ];
        });
        foreach (var (name, transA, transB) in new[] { ("matmul", false, false), ("matmul-at", true, false), ("matmul-bt", false, true) })
        {
            yield return new(name, ["M", "N", "K"], [256, 256, 256], (t, e) =>
            {
                var s = new MatMulShape(1, e[0], e[1], e[2], transA, transB);
                Tensor a = t.Normal(s.A), b = t.Normal(s.B), c = t.Empty(s.C);
                return [new("forward", () => t.Backend.MatMul(s, a, b, c))];
            });
        }
        yield return new("attention", ["N", "TOKENS", "HEADS", "HEADSIZE"], [2, 256, 2, 64], (t, e) =>
        {
            var s = new AttentionShape(e[0], e[1], e[2], e[3]);
            Tensor qkv = t.Normal(s.Qkv), y = t.Empty(s.Output), lse = t.Empty(s.LogSumExp), dy = t.Normal(s.Output), dqkv = t.Empty(s.Qkv);
            return [new("forward", () => t.Backend.Attention(s, qkv, y, lse)), new("backward", () => t.Backend.AttentionBackward(s, dy, qkv, y, lse, dqkv))];
        });
        yield return new("softmax", ["ROWS", "COLUMNS"], [512, 256], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1])), y = t.Empty(x.Shape), dy = t.Normal(x.Shape), dx = t.Empty(x.Shape);
            return [new("forward", () => t.Backend.Softmax(x, y)), new("backward", () => t.Backend.SoftmaxBackward(dy, y, dx))];
        });
    }

    private static IEnumerable<CatalogOperation> Normalisations()
    {
        string[] extents = ["N", "SIZE", "C", "GROUPS"];
        foreach (bool silu in new[] { false, true })
        {
            yield return new(silu ? "group-norm-silu" : "group-norm", extents, [4, 16, 64, 16], (t, e) =>
            {
                var s = new GroupNormShape(e[0], e[1] * e[1], e[2], e[3], 1e-5f, silu);
                Tensor x = t.Normal(s.Activation), gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), y = t.Empty(s.Activation), stats = t.Empty(s.Stats), dy = t.Normal(s.Activation),
                    dx = t.Empty(s.Activation), dgamma = t.Zeros(new(s.C)), dbeta = t.Zeros(new(s.C));
                return
                [
                    new("forward", () => t.Backend.GroupNorm(s, x, gamma, beta, null, y, stats)),
                    new("backward", () => t.Backend.GroupNormBackward(s, dy, x, stats, gamma, beta, null, dx, dgamma, dbeta, null)),
                ];
            });
        }
        yield return new("group-norm-factors", extents, [4, 16, 64, 16], (t, e) =>
        {
            var s = new GroupNormShape(e[0], e[1] * e[1], e[2], e[3], 1e-5f, false);
            Tensor x = t.Normal(s.Activation), gamma = t.Normal(new(s.C)), beta = t.Normal(new(s.C)), factors = t.Empty(s.ScaleShift), stats = t.Empty(s.Stats);
            return [new("forward", () => t.Backend.GroupNormFactors(s, x, gamma, beta, null, factors, stats))];
        });
        yield return new("scale-shift", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1] * e[1], e[2])), factors = t.Normal(new(e[0], 2 * e[2])), y = t.Empty(x.Shape);
            return [new("forward", () => t.Backend.ScaleShift(x, factors, silu: true, y))];
        });
        yield return new("broadcast-add", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1] * e[1], e[2])), embedding = t.Normal(new(e[0], e[2])), y = t.Empty(x.Shape), de = t.Empty(embedding.Shape);
            return [new("forward", () => t.Backend.BroadcastAdd(x, embedding, y)), new("backward", () => t.Backend.BroadcastAddBackward(x, de))];
        });
    }

    private static IEnumerable<CatalogOperation> Pointwise()
    {
        const int usual = 1 << 18;
        yield return OneToOne("copy", (b, x, y) => b.Copy(x, y));
        yield return OneToOne("fill", (b, _, y) => b.Fill(y, 1f));
        yield return OneToOne("clamp", (b, x, y) => b.Clamp(x, -1f, 1f, y));
        yield return new("multiply", ["LENGTH"], [usual], (t, e) =>
        {
            Tensor a = t.Normal(new(e[0])), b = t.Normal(a.Shape), y = t.Empty(a.Shape);
            return [new("forward", () => t.Backend.Multiply(a, b, y))];
        });
        yield return OneToOne("silu", (b, x, y) => b.Silu(x, y), (b, dy, x, dx) => b.SiluBackward(dy, x, dx));
        yield return OneToOne("dropout", (b, x, y) => b.Dropout(x, 0.1f, new RandomKey(7, 7), y));
        yield return OneToOne("random-uniform", (b, _, y) => b.RandomUniform(new RandomKey(7, 7), y));
        yield return OneToOne("random-normal", (b, _, y) => b.RandomNormal(new RandomKey(7, 7), y));
        yield return OneToOne("rho", (b, x, y) => b.Rho(Distance.PseudoHuber, 1f, x, y), (b, _, x, dx) => b.RhoDerivative(Distance.PseudoHuber, 1f, x, dx));
        yield return new("linear-combination", ["LENGTH", "TERMS"], [usual, 4], (t, e) =>
        {
            float[] coefficients = [.. Enumerable.Range(1, e[1]).Select(j => 1f / j)];
            Tensor[] terms = [.. coefficients.Select(_ => t.Normal(new(e[0])))];
            Tensor y = t.Empty(new(e[0]));
            return [new("forward", () => t.Backend.LinearCombination(coefficients, terms, y))];
        });
        yield return new("linear-combination-per-sample", ["N", "LENGTH", "TERMS"], [64, usual / 64, 2], (t, e) =>
        {
            Tensor[] terms = [.. Enumerable.Range(0, e[2]).Select(_ => t.Normal(new(e[0], e[1])))];
            Tensor coefficients = t.Normal(new(e[0], e[2])), y = t.Empty(new(e[0], e[1]));
            return [new("forward", () => t.Backend.LinearCombinationPerSample(coefficients, terms, y))];
        });
        yield return new("adam", ["LENGTH"], [usual], (t, e) =>
        {
            var shape = new Shape(e[0]);
            Tensor p = t.Normal(shape), g = t.Normal(shape), m = t.Normal(shape), v = t.Uniform(shape), ema = t.Normal(shape), norm = t.Uniform(new(1));
            return [new("forward", () => t.Backend.Adam(new AdamStep(1e-3f, 1, ClipNorm: 1f, EmaDecay: 0.999f), p, g, m, v, ema, norm))];
        });

        static CatalogOperation OneToOne(string name, Action<Backend, Tensor, Tensor> forward, Action<Backend, Tensor, Tensor, Tensor>? backward = null) => new(name, ["LENGTH"], [usual], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0])), y = t.Empty(x.Shape);
            if (backward is null)
                return [new("forward", () => forward(t.Backend, x, y))];
            Tensor dy = t.Normal(x.Shape), dx = t.Empty(x.Shape);
            return [new("forward", () => forward(t.Backend, x, y)), new("backward", () => backward(t.Backend, dy, x, dx))];
        });
    }

    private static IEnumerable<CatalogOperation> Moves()
    {
        yield return new("transpose", ["ROWS", "COLUMNS", "BLOCK"], [256, 256, 4], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1], e[2])), y = t.Empty(new(e[1], e[0], e[2]));
            return [new("forward", () => t.Backend.Transpose(x, y))];
        });
        yield return new("concat", ["PIXELS", "A", "B"], [1024, 64, 64], (t, e) =>
        {
            Tensor a = t.Normal(new(e[0], e[1])), b = t.Normal(new(e[0], e[2])), y = t.Empty(new(e[0], e[1] + e[2]));
            return [new("forward", () => t.Backend.Concat(a, b, y)), new("backward", () => t.Backend.Split(y, a, b))];
        });
        yield return new("downsample", ["N", "SIZE", "C"], [4, 32, 64], (t, e) =>
        {
            Tensor large = t.Normal(new(e[0], e[1], e[1], e[2])), small = t.Empty(new(e[0], e[1] / 2, e[1] / 2, e[2]));
            return [new("forward", () => t.Backend.Downsample(large, small)), new("backward", () => t.Backend.Upsample(small, large, 0.25f))];
        });
        yield return new("upsample", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor small = t.Normal(new(e[0], e[1], e[1], e[2])), large = t.Empty(new(e[0], 2 * e[1], 2 * e[1], e[2]));
            return [new("forward", () => t.Backend.Upsample(small, large)), new("backward", () => t.Backend.Downsample(large, small, 1f))];
        });
        yield return new("embedding", ["N", "FREQUENCIES"], [64, 128], (t, e) =>
        {
            Tensor times = t.Uniform(new(e[0])), frequencies = t.Uniform(new(e[1])), y = t.Empty(new(e[0], 2 * e[1]));
            return [new("forward", () => t.Backend.Embedding(times, frequencies, y, sinFirst: false))];
        });
        foreach (var (name, run) in new (string, Action<Backend, Tensor, Tensor>)[] { ("sum", (b, x, y) => b.Sum(x, y)), ("sum-of-squares", (b, x, y) => b.SumOfSquares(x, y)) })
        {
            yield return new(name, ["LENGTH"], [1 << 18], (t, e) =>
            {
                Tensor x = t.Normal(new(e[0])), y = t.Empty(new(1));
                return [new("forward", () => run(t.Backend, x, y))];
            });
        }
    }

    private static IEnumerable<CatalogOperation> Losses()
    {
        string[] extents = ["N", "SIZE", "C", "BRANCHES"];
        yield return new("trajectory-loss", extents, [32, 32, 3, 4], (t, e) =>
        {
            var s = new TrajectoryShape(e[0], e[1] * e[1], e[2], e[3]);
            Tensor x0 = t.Normal(s.State), heads = t.Normal(s.Heads), targets = t.Normal(s.States), skip = t.Normal(s.PerBranch), map = t.Normal(s.Map), weights = t.Uniform(s.PerBranch),
                dheads = t.Empty(s.Heads), losses = t.Empty(s.Losses);
            return [new("forward", () => t.Backend.TrajectoryLoss(s, Distance.L2, 1f, x0, heads, targets, skip, map, weights, dheads, losses))];
        });
        yield return new("trajectory-states", extents, [32, 32, 3, 4], (t, e) =>
        {
            var s = new TrajectoryShape(e[0], e[1] * e[1], e[2], e[3]);
            Tensor x0 = t.Normal(s.State), heads = t.Normal(s.Heads), skip = t.Normal(s.PerBranch), map = t.Normal(s.Map), states = t.Empty(s.States), dheads = t.Empty(s.Heads);
            return
            [
                new("forward", () => t.Backend.TrajectoryStates(s, x0, heads, skip, map, states)),
                new("backward", () => t.Backend.TrajectoryStatesBackward(s, states, map, dheads)),
            ];
        });
    }
}
