using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Peers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = BDense.Kernels.Tensor;

namespace BDense.Parity;

/// <summary>An operation with its gradient on both sides: named results in our layout.</summary>
public sealed record OpCase(string Name, Func<Backend, Dictionary<string, float[]>> Ours, Func<Dictionary<string, float[]>> Theirs)
{
    public override string ToString() => Name;
}

/// <summary>Operations that no benchmark times. Inputs are <see cref="Workload.Uniform"/> numbers of the given seed.</summary>
internal static class OpCases
{
    public static IEnumerable<OpCase> All =>
    [
        Strided(new(2, 8, 8, 5, 7, 3, 3, Stride: 2, PadBegin: 1, PadEnd: 1)),
        Strided(new(2, 8, 8, 16, 16, 3, 3, Stride: 2, PadBegin: 0, PadEnd: 1)),
        Strided(new(1, 9, 7, 3, 20, 1, 1, Stride: 2)),
        Strided(new(2, 6, 10, 4, 6, 2, 3, Stride: 1, PadBegin: 0, PadEnd: 0)),
        Linear(new(3, 5, 7)),
        Linear(new(16, 128, 512)),
        .. from a in new[] { false, true } from b in new[] { false, true } select MatMul(new(3, 6, 10, 17, a, b)),
        Silu(1000),
        Softmax(1, 1),
        Softmax(5, 33),
        Softmax(64, 256),
        Multiply(1003),
        Transpose(6, 5, 7),
        Transpose(48, 9, 16),
        ScaleShift(2, 15, 5, silu: false),
        ScaleShift(3, 16, 48, silu: true),
        ComposeScaleShift(3, 16),
        .. FusedConv2d(),
        GroupNorm(new(2, 12, 8, 2, 1e-6f, Silu: false), scaleShift: false),
        GroupNorm(new(2, 12, 8, 2, 1e-5f, Silu: false), scaleShift: true),
        GroupNorm(new(3, 16, 48, 12, 1e-5f, Silu: true), scaleShift: true),
        BroadcastAdd(3, 10, 7),
        Concat(2, 6, 5, 11),
        Resample(2, 6, 4, 5),
        LinearCombination(501),
        LinearCombinationPerSample(4, 33),
        Clamp(301),
        Reductions(10007),
        Reductions(1 << 22),
        Embedding(5, 16),
        States(new(3, 20, 3, 4)),
        AdamW(777),
    ];

    private static float[] U(int length, int seed) => Workload.Uniform(length, seed);

    private static Dictionary<string, float[]> Take(params (string Name, Tensor Value)[] results)
    {
        var taken = results.ToDictionary(r => r.Name, r => r.Value.ToArray());
        return taken;
    }

    /// <summary>Runs libtorch's side and frees what it made.</summary>
    private static Func<Dictionary<string, float[]>> Scoped(Func<Dictionary<string, float[]>> body) => () =>
    {
        using var scope = NewDisposeScope();
        return body();
    };

    private static Torch T(float[] values, params long[] extents) => tensor(values, extents);

    private static Torch Leaf(Torch t)
    {
        t = t.detach().contiguous();
        t.requires_grad = true;
        return t;
    }

    private static OpCase Strided(Conv2dShape s) => new(
        $"conv {s.N}x{s.H}x{s.W}x{s.C} to {s.K}, {s.R}x{s.S}, stride {s.Stride}, padding {s.PadBegin}+{s.PadEnd}",
        backend =>
        {
            using Tensor x = backend.FromArray(U(s.Input.Length, 1), s.Input), w = backend.FromArray(U(s.Weight.Length, 2), s.Weight),
                bias = backend.FromArray(U(s.K, 3), new(s.K)), dy = backend.FromArray(U(s.Output.Length, 4), s.Output), y = backend.Empty(s.Output),
                dx = backend.Empty(s.Input), dw = backend.Zeros(s.Weight), dbias = backend.Zeros(new(s.K));
            backend.Conv2d(s, x, w, bias, y);
            backend.Conv2dDgrad(s, dy, w, dx);
            backend.Conv2dWgrad(s, x, dy, dw, dbias);
            return Take(("y", y), ("dx", dx), ("dw", dw), ("dbias", dbias));
        },
        Scoped(() =>
        {
            Torch x = Leaf(Layout.ChannelsSecond(U(s.Input.Length, 1), s.Input, false)), w = Leaf(Layout.ChannelsSecond(U(s.Weight.Length, 2), s.Weight, false)),
                bias = Leaf(T(U(s.K, 3), s.K)), dy = Layout.ChannelsSecond(U(s.Output.Length, 4), s.Output, false);
            var padded = functional.pad(x, [s.PadBegin, s.PadEnd, s.PadBegin, s.PadEnd]);
            var y = functional.conv2d(padded, w, bias, strides: [s.Stride, s.Stride]);
            var d = autograd.grad([y], [x, w, bias], [dy]);
            return new()
            {
                ["y"] = Layout.ChannelsLast(y),
                ["dx"] = Layout.ChannelsLast(d[0]),
                ["dw"] = Layout.ChannelsLast(d[1]),
                ["dbias"] = Layout.Values(d[2]),
            };
        }));

    private static IEnumerable<OpCase> FusedConv2d()
    {
        foreach (var (size, c, k, kernel) in new[] { (4, 3, 5, 3), (8, 32, 48, 3), (6, 17, 16, 1) })
        {
            var s = Conv2dShape.Same(2, size, size, c, k, kernel);
            foreach (var resampling in Enum.GetValues<Resampling>())
            {
                yield return FusedConv2d(s, new(false, false, resampling, Embedding: true, Residual: false, Scale: 1f, Silu: false));
                yield return FusedConv2d(s, new(true, false, resampling, Embedding: false, Residual: true, Scale: 0.7f, Silu: false));
                yield return FusedConv2d(s, new(true, true, resampling, Embedding: true, Residual: true, Scale: 0.7f, Silu: true));
            }
        }
    }

    /// <summary>What is around a fused convolution; a bias always is.</summary>
    private sealed record Fused(bool ScaleShift, bool SiluBefore, Resampling Resampling, bool Embedding, bool Residual, float Scale, bool Silu);

    /// <summary>
    /// The gradient is that of all that the epilogue adds and of v = act(scale x + shift): what lies before v is GroupNorm's. SiLU's backward
    /// pass starts from its input, which is the same convolution without it.
    /// </summary>
    private static OpCase FusedConv2d(Conv2dShape s, Fused f)
    {
        var input = f.Resampling switch
        {
            Resampling.Down => new Shape(s.N, 2 * s.H, 2 * s.W, s.C),
            Resampling.Up => new Shape(s.N, s.H / 2, s.W / 2, s.C),
            _ => s.Input,
        };
        Shape embedding = new(s.N, s.K), scaleShift = new(s.N, 2 * s.C);
        return new($"fused conv {s.R}x{s.S}, {s.C} to {s.K}, {f}",
            backend =>
            {
                using Tensor x = backend.FromArray(U(input.Length, 1), input), w = backend.FromArray(U(s.Weight.Length, 2), s.Weight),
                    bias = backend.FromArray(U(s.K, 3), new(s.K)), dy = backend.FromArray(U(s.Output.Length, 4), s.Output),
                    p = backend.FromArray(U(scaleShift.Length, 5), scaleShift), e = backend.FromArray(U(embedding.Length, 6), embedding),
                    residual = backend.FromArray(U(s.Output.Length, 7), s.Output), y = backend.Empty(s.Output), before = backend.Empty(s.Output),
                    d = backend.Empty(s.Output), dv = backend.Empty(input), dw = backend.Zeros(s.Weight), dbias = backend.Zeros(new(s.K)),
                    de = backend.Empty(embedding);
                var prologue = new ConvolutionPrologue(f.ScaleShift ? p : null, f.SiluBefore, f.Resampling);
                var epilogue = new ConvolutionEpilogue(bias, f.Embedding ? e : null, f.Residual ? residual : null, f.Scale, f.Silu);
                backend.FusedConv2d(s, x, w, prologue, epilogue, y);
                backend.FusedConv2d(s, x, w, prologue, epilogue with { Silu = false }, before);
                if (f.Silu)
                    backend.SiluBackward(dy, before, d);
                backend.Scale(f.Silu ? d : dy, f.Scale, d);
                backend.FusedConv2dDgrad(s, d, w, f.Resampling, dv);
                backend.FusedConv2dWgrad(s, x, prologue, d, dw, dbias);
                backend.BroadcastAddBackward(d, de);
                return Take(("y", y), ("dv", dv), ("dw", dw), ("dbias", dbias), ("de", de), ("dresidual", d));
            },
            Scoped(() =>
            {
                Torch x = Layout.ChannelsSecond(U(input.Length, 1), input, false), w = Leaf(Layout.ChannelsSecond(U(s.Weight.Length, 2), s.Weight, false)),
                    bias = Leaf(T(U(s.K, 3), s.K)), dy = Layout.ChannelsSecond(U(s.Output.Length, 4), s.Output, false),
                    p = T(U(scaleShift.Length, 5), s.N, 2 * s.C, 1, 1), e = Leaf(T(U(embedding.Length, 6), s.N, s.K, 1, 1)),
                    residual = Leaf(Layout.ChannelsSecond(U(s.Output.Length, 7), s.Output, false));
                var v = f.ScaleShift ? p.narrow(1, 0, s.C) * x + p.narrow(1, s.C, s.C) : x;
                v = Leaf(f.SiluBefore ? functional.silu(v) : v);
                var u = f.Resampling switch
                {
                    Resampling.Down => functional.avg_pool2d(v, 2L),
                    Resampling.Up => functional.interpolate(v, scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest),
                    _ => v,
                };
                var y = functional.conv2d(u, w, bias, padding: [s.R / 2, s.R / 2]);
                // An addend of zeros where there is none, so that there is a gradient to compare ours with: that of a term that one could add.
                y = y + (f.Embedding ? e : e - e.detach()) + (f.Residual ? residual : residual - residual.detach());
                y = y * f.Scale;
                if (f.Silu)
                    y = functional.silu(y);
                var d = autograd.grad([y], [v, w, bias, e, residual], [dy]);
                return new()
                {
                    ["y"] = Layout.ChannelsLast(y),
                    ["dv"] = Layout.ChannelsLast(d[0]),
                    ["dw"] = Layout.ChannelsLast(d[1]),
                    ["dbias"] = Layout.Values(d[2]),
                    ["de"] = Layout.Values(d[3]),
                    ["dresidual"] = Layout.ChannelsLast(d[4]),
                };
            }));
    }

    private static OpCase Linear(LinearShape s) => new($"linear {s.N}x{s.In} to {s.Out}",
        backend =>
        {
            Shape input = new(s.N, s.In), output = new(s.N, s.Out), weight = new(s.Out, s.In);
            using Tensor x = backend.FromArray(U(input.Length, 1), input), w = backend.FromArray(U(weight.Length, 2), weight),
                bias = backend.FromArray(U(s.Out, 3), new(s.Out)), dy = backend.FromArray(U(output.Length, 4), output), y = backend.Empty(output),
                dx = backend.Empty(input), dw = backend.Zeros(weight), dbias = backend.Zeros(new(s.Out));
            backend.Linear(s, x, w, bias, y);
            backend.LinearDgrad(s, dy, w, dx);
            backend.LinearWgrad(s, x, dy, dw, dbias);
            return Take(("y", y), ("dx", dx), ("dw", dw), ("dbias", dbias));
        },
        Scoped(() =>
        {
            Torch x = Leaf(T(U(s.N * s.In, 1), s.N, s.In)), w = Leaf(T(U(s.Out * s.In, 2), s.Out, s.In)), bias = Leaf(T(U(s.Out, 3), s.Out)),
                dy = T(U(s.N * s.Out, 4), s.N, s.Out);
            var y = functional.linear(x, w, bias);
            var d = autograd.grad([y], [x, w, bias], [dy]);
            return new() { ["y"] = Layout.Values(y), ["dx"] = Layout.Values(d[0]), ["dw"] = Layout.Values(d[1]), ["dbias"] = Layout.Values(d[2]) };
        }));

    private static OpCase MatMul(MatMulShape s) => new($"matmul {s.Batch}x{s.M}x{s.N}x{s.K}{(s.TransA ? " A'" : "")}{(s.TransB ? " B'" : "")}",
        backend =>
        {
            using Tensor a = backend.FromArray(U(s.A.Length, 1), s.A), b = backend.FromArray(U(s.B.Length, 2), s.B),
                c = backend.FromArray(U(s.C.Length, 3), s.C), plain = backend.Empty(s.C);
            backend.MatMul(s, a, b, plain);
            backend.MatMul(s, a, b, c, alpha: 0.5f, accumulate: true);
            return Take(("c", plain), ("c + a b / 2", c));
        },
        Scoped(() =>
        {
            Torch a = T(U(s.A.Length, 1), s.A[0], s.A[1], s.A[2]), b = T(U(s.B.Length, 2), s.B[0], s.B[1], s.B[2]), c = T(U(s.C.Length, 3), s.Batch, s.M, s.N);
            var product = bmm(s.TransA ? a.transpose(1, 2) : a, s.TransB ? b.transpose(1, 2) : b);
            return new() { ["c"] = Layout.Values(product), ["c + a b / 2"] = Layout.Values(c + 0.5f * product) };
        }));

    private static OpCase Silu(int length) => new("silu",
        backend =>
        {
            using Tensor x = backend.FromArray(Wide(length), new(length)), dy = backend.FromArray(U(length, 2), new(length)),
                y = backend.Empty(new(length)), dx = backend.Empty(new(length));
            backend.Silu(x, y);
            backend.SiluBackward(dy, x, dx);
            return Take(("y", y), ("dx", dx));
        },
        Scoped(() =>
        {
            var x = Leaf(T(Wide(length), length));
            var y = functional.silu(x);
            return new() { ["y"] = Layout.Values(y), ["dx"] = Layout.Values(autograd.grad([y], [x], [T(U(length, 2), length)])[0]) };
        }));

    /// <summary>Values in [-20, 20): into both tails.</summary>
    private static float[] Wide(int length) => Array.ConvertAll(U(length, 1), u => 20f * u);

    private static OpCase Softmax(int rows, int columns) => new($"softmax {rows}x{columns}",
        backend =>
        {
            Shape shape = new(rows, columns);
            using Tensor x = backend.FromArray(Wide(shape.Length), shape), dy = backend.FromArray(U(shape.Length, 2), shape),
                y = backend.Empty(shape), dx = backend.Empty(shape);
            backend.Softmax(x, y);
            backend.SoftmaxBackward(dy, y, dx);
            return Take(("y", y), ("dx", dx));
        },
        Scoped(() =>
        {
            var x = Leaf(T(Wide(rows * columns), rows, columns));
            var y = x.softmax(-1);
            return new() { ["y"] = Layout.Values(y), ["dx"] = Layout.Values(autograd.grad([y], [x], [T(U(rows * columns, 2), rows, columns)])[0]) };
        }));

    /// <summary>The gradient of a product is two products.</summary>
    private static OpCase Multiply(int length) => new("multiply",
        backend =>
        {
            Shape shape = new(length);
            using Tensor a = backend.FromArray(U(length, 1), shape), b = backend.FromArray(U(length, 2), shape), dy = backend.FromArray(U(length, 3), shape),
                y = backend.Empty(shape), da = backend.Empty(shape), db = backend.Empty(shape);
            backend.Multiply(a, b, y);
            backend.Multiply(dy, b, da);
            backend.Multiply(dy, a, db);
            return Take(("y", y), ("da", da), ("db", db));
        },
        Scoped(() =>
        {
            Torch a = Leaf(T(U(length, 1), length)), b = Leaf(T(U(length, 2), length));
            var y = a * b;
            var d = autograd.grad([y], [a, b], [T(U(length, 3), length)]);
            return new() { ["y"] = Layout.Values(y), ["da"] = Layout.Values(d[0]), ["db"] = Layout.Values(d[1]) };
        }));

    /// <summary>The gradient of a transposition is the transposition back.</summary>
    private static OpCase Transpose(int rows, int columns, int block) => new($"transpose {rows}x{columns}x{block}",
        backend =>
        {
            Shape shape = new(rows, columns, block), swapped = new(columns, rows, block);
            using Tensor x = backend.FromArray(U(shape.Length, 1), shape), dy = backend.FromArray(U(shape.Length, 2), swapped),
                y = backend.Empty(swapped), dx = backend.Empty(shape);
            backend.Transpose(x, y);
            backend.Transpose(dy, dx);
            return Take(("y", y), ("dx", dx));
        },
        Scoped(() =>
        {
            var x = Leaf(T(U(rows * columns * block, 1), rows, columns, block));
            var y = x.transpose(0, 1);
            var dx = autograd.grad([y], [x], [T(U(rows * columns * block, 2), columns, rows, block)])[0];
            return new() { ["y"] = Layout.Values(y), ["dx"] = Layout.Values(dx) };
        }));

    /// <summary>Forward only: its gradient is part of <see cref="Backend.GroupNormBackward"/>.</summary>
    private static OpCase ScaleShift(int n, int pixels, int c, bool silu) => new($"scale and shift{(silu ? ", silu" : "")}",
        backend =>
        {
            Shape shape = new(n, pixels, c), small = new(n, 2 * c);
            using Tensor x = backend.FromArray(U(shape.Length, 1), shape), p = backend.FromArray(U(small.Length, 2), small), y = backend.Empty(shape);
            backend.ScaleShift(x, p, silu, y);
            return Take(("y", y));
        },
        Scoped(() =>
        {
            Torch p = T(U(2 * n * c, 2), n, 1, 2 * c), y = p.narrow(2, 0, c) * T(U(n * pixels * c, 1), n, pixels, c) + p.narrow(2, c, c);
            return new() { ["y"] = Layout.Values(silu ? functional.silu(y) : y) };
        }));

    /// <summary>One pair of scale and shift after another, as one; the autodiff layer's composition of plain operations.</summary>
    private static OpCase ComposeScaleShift(int n, int c) => new("composed scales and shifts",
        backend =>
        {
            Shape shape = new(n, 2 * c);
            using Tensor p = backend.FromArray(U(shape.Length, 1), shape), q = backend.FromArray(U(shape.Length, 2), shape), dy = backend.FromArray(U(shape.Length, 3), shape);
            using var tape = new Tape(backend, recording: true);
            Variable first = tape.Input(p, requiresGradient: true), second = tape.Input(q, requiresGradient: true), y = tape.ComposeScaleShift(first, second);
            float[] composed = y.Data.ToArray();
            tape.Backward(y, dy);
            return new() { ["y"] = composed, ["dp"] = first.Gradient!.ToArray(), ["dq"] = second.Gradient!.ToArray() };
        },
        Scoped(() =>
        {
            Torch p = Leaf(T(U(2 * n * c, 1), n, 2 * c)), q = Leaf(T(U(2 * n * c, 2), n, 2 * c));
            Torch scale = p.narrow(1, 0, c), shift = p.narrow(1, c, c), scaleAfter = q.narrow(1, 0, c), shiftAfter = q.narrow(1, c, c);
            var y = cat([(scale + 1f) * (scaleAfter + 1f) - 1f, shift * (scaleAfter + 1f) + shiftAfter], 1);
            var d = autograd.grad([y], [p, q], [T(U(2 * n * c, 3), n, 2 * c)]);
            return new() { ["y"] = Layout.Values(y), ["dp"] = Layout.Values(d[0]), ["dq"] = Layout.Values(d[1]) };
        }));

    private static OpCase GroupNorm(GroupNormShape s, bool scaleShift) => new($"groupnorm {s}{(scaleShift ? " scale and shift" : "")}",
        backend =>
        {
            using Tensor x = backend.FromArray(U(s.Activation.Length, 1), s.Activation), gamma = backend.FromArray(U(s.C, 2), new(s.C)),
                beta = backend.FromArray(U(s.C, 3), new(s.C)), dy = backend.FromArray(U(s.Activation.Length, 4), s.Activation),
                affine = backend.FromArray(U(s.ScaleShift.Length, 5), s.ScaleShift), y = backend.Empty(s.Activation), stats = backend.Empty(s.Stats),
                dx = backend.Empty(s.Activation), dgamma = backend.Zeros(new(s.C)), dbeta = backend.Zeros(new(s.C)), daffine = backend.Zeros(s.ScaleShift);
            backend.GroupNorm(s, x, gamma, beta, scaleShift ? affine : null, y, stats);
            backend.GroupNormBackward(s, dy, x, stats, gamma, beta, scaleShift ? affine : null, dx, dgamma, dbeta, scaleShift ? daffine : null);
            return Take(("y", y), ("dx", dx), ("dgamma", dgamma), ("dbeta", dbeta), ("dscaleShift", daffine));
        },
        Scoped(() =>
        {
            Torch nlc = T(U(s.Activation.Length, 1), s.N, s.Pixels, s.C), x = Leaf(nlc.transpose(1, 2)), gamma = Leaf(T(U(s.C, 2), s.C)), beta = Leaf(T(U(s.C, 3), s.C)),
                dy = T(U(s.Activation.Length, 4), s.N, s.Pixels, s.C).transpose(1, 2), affine = Leaf(T(U(s.ScaleShift.Length, 5), s.N, 2 * s.C, 1));
            var y = functional.group_norm(x, s.Groups, gamma, beta, s.Epsilon);
            if (scaleShift)
                y = y * (1f + affine.narrow(1, 0, s.C)) + affine.narrow(1, s.C, s.C);
            if (s.Silu)
                y = functional.silu(y);
            var d = autograd.grad([y], scaleShift ? [x, gamma, beta, affine] : [x, gamma, beta], [dy]);
            return new()
            {
                ["y"] = Layout.Values(y.transpose(1, 2)),
                ["dx"] = Layout.Values(d[0].transpose(1, 2)),
                ["dgamma"] = Layout.Values(d[1]),
                ["dbeta"] = Layout.Values(d[2]),
                ["dscaleShift"] = scaleShift ? Layout.Values(d[3]) : new float[s.ScaleShift.Length],
            };
        }));

    private static OpCase BroadcastAdd(int n, int pixels, int c) => new("broadcast add",
        backend =>
        {
            Shape shape = new(n, pixels, c), small = new(n, c);
            using Tensor x = backend.FromArray(U(shape.Length, 1), shape), e = backend.FromArray(U(small.Length, 2), small),
                dy = backend.FromArray(U(shape.Length, 3), shape), y = backend.Empty(shape), de = backend.Empty(small);
            backend.BroadcastAdd(x, e, y);
            backend.BroadcastAddBackward(dy, de);
            return Take(("y", y), ("de", de));
        },
        Scoped(() =>
        {
            Torch x = T(U(n * pixels * c, 1), n, pixels, c), e = Leaf(T(U(n * c, 2), n, 1, c));
            var y = x + e;
            return new() { ["y"] = Layout.Values(y), ["de"] = Layout.Values(autograd.grad([y], [e], [T(U(n * pixels * c, 3), n, pixels, c)])[0]) };
        }));

    private static OpCase Concat(int n, int pixels, int ca, int cb) => new("concatenation and split",
        backend =>
        {
            Shape sa = new(n, pixels, ca), sb = new(n, pixels, cb), both = new(n, pixels, ca + cb);
            using Tensor a = backend.FromArray(U(sa.Length, 1), sa), b = backend.FromArray(U(sb.Length, 2), sb), dy = backend.FromArray(U(both.Length, 3), both),
                y = backend.Empty(both), da = backend.Empty(sa), db = backend.Empty(sb);
            backend.Concat(a, b, y);
            backend.Split(dy, da, db);
            return Take(("y", y), ("da", da), ("db", db));
        },
        Scoped(() =>
        {
            Torch a = Leaf(T(U(n * pixels * ca, 1), n, pixels, ca)), b = Leaf(T(U(n * pixels * cb, 2), n, pixels, cb));
            var y = cat([a, b], -1);
            var d = autograd.grad([y], [a, b], [T(U(n * pixels * (ca + cb), 3), n, pixels, ca + cb)]);
            return new() { ["y"] = Layout.Values(y), ["da"] = Layout.Values(d[0]), ["db"] = Layout.Values(d[1]) };
        }));

    private static OpCase Resample(int n, int h, int w, int c)
    {
        Shape large = new(n, h, w, c), small = new(n, h / 2, w / 2, c);
        return new("resampling",
            backend =>
            {
                using Tensor x = backend.FromArray(U(large.Length, 1), large), z = backend.FromArray(U(small.Length, 2), small),
                    down = backend.Empty(small), up = backend.Empty(large), ddown = backend.Empty(large), dup = backend.Empty(small);
                backend.Downsample(x, down);
                backend.Upsample(z, up);
                backend.Upsample(z, ddown, 0.25f);
                backend.Downsample(x, dup, 1f);
                return Take(("down", down), ("up", up), ("gradient of down", ddown), ("gradient of up", dup));
            },
            Scoped(() =>
            {
                Torch x = Leaf(Layout.ChannelsSecond(U(large.Length, 1), large, false)), z = Leaf(Layout.ChannelsSecond(U(small.Length, 2), small, false));
                var down = functional.avg_pool2d(x, 2L);
                var up = functional.interpolate(z, scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest);
                return new()
                {
                    ["down"] = Layout.ChannelsLast(down),
                    ["up"] = Layout.ChannelsLast(up),
                    ["gradient of down"] = Layout.ChannelsLast(autograd.grad([down], [x], [z.detach()])[0]),
                    ["gradient of up"] = Layout.ChannelsLast(autograd.grad([up], [z], [x.detach()])[0]),
                };
            }));
    }

    private static OpCase LinearCombination(int length) => new("linear combination",
        backend =>
        {
            using Tensor a = backend.FromArray(U(length, 1), new(length)), b = backend.FromArray(U(length, 2), new(length)),
                c = backend.FromArray(U(length, 3), new(length)), y = backend.Empty(new(length));
            backend.LinearCombination([0.5f, -2f, 3f], [a, b, c], y);
            return Take(("y", y));
        },
        Scoped(() => new() { ["y"] = Layout.Values(0.5f * T(U(length, 1), length) - 2f * T(U(length, 2), length) + 3f * T(U(length, 3), length)) }));

    private static OpCase LinearCombinationPerSample(int n, int e) => new("linear combination per sample",
        backend =>
        {
            using Tensor k = backend.FromArray(U(2 * n, 1), new(n, 2)), a = backend.FromArray(U(n * e, 2), new(n, e)),
                b = backend.FromArray(U(n * e, 3), new(n, e)), y = backend.Empty(new(n, e));
            backend.LinearCombinationPerSample(k, [a, b], y);
            return Take(("y", y));
        },
        Scoped(() =>
        {
            var k = T(U(2 * n, 1), n, 2);
            return new() { ["y"] = Layout.Values(k.narrow(1, 0, 1) * T(U(n * e, 2), n, e) + k.narrow(1, 1, 1) * T(U(n * e, 3), n, e)) };
        }));

    private static OpCase Clamp(int length) => new("clamp",
        backend =>
        {
            using Tensor x = backend.FromArray(U(length, 1), new(length)), y = backend.Empty(new(length));
            backend.Clamp(x, -0.3f, 0.6f, y);
            return Take(("y", y));
        },
        Scoped(() => new() { ["y"] = Layout.Values(T(U(length, 1), length).clamp(-0.3f, 0.6f)) }));

    private static OpCase Reductions(int length) => new($"sum and sum of squares of {length}",
        backend =>
        {
            using Tensor x = backend.FromArray(U(length, 1), new(length)), sum = backend.Empty(new(1)), squares = backend.Empty(new(1));
            backend.Sum(x, sum);
            backend.SumOfSquares(x, squares);
            return Take(("sum", sum), ("squares", squares));
        },
        Scoped(() =>
        {
            var x = T(U(length, 1), length);
            return new() { ["sum"] = Layout.Values(x.sum().view(1)), ["squares"] = Layout.Values(x.square().sum().view(1)) };
        }));

    private static OpCase Embedding(int n, int frequencies) => new("embedding",
        backend =>
        {
            using Tensor t = backend.FromArray(U(n, 1), new(n)), f = backend.FromArray(Wide(frequencies), new(frequencies)),
                cosFirst = backend.Empty(new(n, 2 * frequencies)), sinFirst = backend.Empty(new(n, 2 * frequencies));
            backend.Embedding(t, f, cosFirst, sinFirst: false);
            backend.Embedding(t, f, sinFirst, sinFirst: true);
            return Take(("cos first", cosFirst), ("sin first", sinFirst));
        },
        Scoped(() =>
        {
            var a = T(U(n, 1), n, 1) * T(Wide(frequencies), 1, frequencies);
            return new() { ["cos first"] = Layout.Values(cat([a.cos(), a.sin()], 1)), ["sin first"] = Layout.Values(cat([a.sin(), a.cos()], 1)) };
        }));

    private static OpCase States(TrajectoryShape s) => new("trajectory states",
        backend =>
        {
            using Tensor x0 = backend.FromArray(U(s.State.Length, 1), s.State), heads = backend.FromArray(U(s.Heads.Length, 2), s.Heads),
                skip = backend.FromArray(U(s.PerBranch.Length, 3), s.PerBranch), map = backend.FromArray(U(s.Map.Length, 4), s.Map),
                dstates = backend.FromArray(U(s.States.Length, 5), s.States), states = backend.Empty(s.States), dheads = backend.Empty(s.Heads);
            backend.TrajectoryStates(s, x0, heads, skip, map, states);
            backend.TrajectoryStatesBackward(s, dstates, map, dheads);
            return Take(("states", states), ("dheads", dheads));
        },
        Scoped(() =>
        {
            long n = s.N, p = s.Pixels, c = s.C, k = s.Branches;
            Torch x0 = T(U(s.State.Length, 1), 1, n, p, c), heads = Leaf(T(U(s.Heads.Length, 2), n, p, k, c)),
                skip = T(U(s.PerBranch.Length, 3), n, k), map = T(U(s.Map.Length, 4), n, k, k);
            var states = skip.t().view(k, n, 1, 1) * x0 + einsum("nbj,npjc->bnpc", map, heads);
            var dheads = autograd.grad([states], [heads], [T(U(s.States.Length, 5), k, n, p, c)])[0];
            return new() { ["states"] = Layout.Values(states), ["dheads"] = Layout.Values(dheads) };
        }));

    /// <summary>Five steps with decoupled weight decay and no clipping.</summary>
    private static OpCase AdamW(int length)
    {
        const float Rate = 1e-2f, Decay = 0.1f;
        return new("adamw",
            backend =>
            {
                Shape shape = new(length);
                using Tensor p = backend.FromArray(U(length, 0), shape), m = backend.Zeros(shape), v = backend.Zeros(shape), norm = backend.Empty(new(1));
                for (int step = 1; step <= 5; step++)
                {
                    using var g = backend.FromArray(U(length, step), shape);
                    backend.SumOfSquares(g, norm);
                    backend.Adam(new AdamStep(Rate, step, WeightDecay: Decay), p, g, m, v, null, norm);
                }
                return Take(("p", p));
            },
            Scoped(() =>
            {
                using var p = new TorchSharp.Modules.Parameter(T(U(length, 0), length));
                using var adam = optim.AdamW([p], Rate, weight_decay: Decay);
                for (int step = 1; step <= 5; step++)
                {
                    p.grad = T(U(length, step), length);
                    adam.step();
                }
                return new() { ["p"] = Layout.Values(p) };
            }));
    }
}
