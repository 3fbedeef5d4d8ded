using BDense.Cases;
using BDense.Kernels;
using BDense.Peers;
using static BDense.Parity.CaseValues;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Parity;

/// <summary>
/// The rows of the case list by libtorch: for an operation, what its written operands are to be, by their names and in our layout. An
/// operation that is not here has no counterpart: random numbers, Adam (whose states libtorch keeps to itself), weights of a doubled image.
/// Convolutions and normalisations are in <see cref="TorchConvolutions"/>.
/// </summary>
internal static class TorchOps
{
    public static IReadOnlyDictionary<string, Func<CaseValues, Dictionary<string, float[]>>> All { get; } =
        new Dictionary<string, Func<CaseValues, Dictionary<string, float[]>>>(TorchConvolutions.All)
        {
            ["Linear"] = v => new() { ["y"] = Layout.Values(functional.linear(v.As("x"), v.As("w"), v.As("bias"))) },
            ["LinearDgrad"] = v => LinearGradients(v, zeros(v.Shape("dx")[0], v.Shape("dx")[1]), v.As("w"), "dx"),
            ["LinearWgrad"] = v => LinearGradients(v, v.As("x"), zeros(v.Shape("dw")[0], v.Shape("dw")[1]), "dw"),
            ["MatMul"] = MatMul,
            ["Silu"] = v => new() { ["y"] = Layout.Values(functional.silu(v.As("x"))) },
            ["SiluBackward"] = v => Gradient("dx", v.As("x"), x => functional.silu(x), v.As("dy")),
            ["Softmax"] = v => new() { [v.Written] = Layout.Values(functional.softmax(v.As("x"), -1)) },
            // The gradient starts from the result: the logarithm is a point that has it.
            ["SoftmaxBackward"] = v => Gradient("dx", v.As("y").log(), x => functional.softmax(x, -1), v.As("dy")),
            ["Multiply"] = v => new() { ["y"] = Layout.Values(v.As("a") * v.As("b")) },
            ["Transpose"] = v => new() { ["y"] = Layout.Values(v.As("x").transpose(0, 1)) },
            ["BroadcastAdd"] = v => new() { [v.Written] = Layout.Values(v.As("x") + Embedding(v)) },
            ["BroadcastAddBackward"] = v => Gradient("de", zeros(v.Shape("de")[0], 1, 1, v.Shape("de")[1]),
                e => e + zeros_like(v.As("dy")), v.As("dy")),
            ["Concat"] = v => new() { ["y"] = Layout.Values(cat([v.As("a"), v.As("b")], -1)) },
            ["Split"] = Split,
            // A mean of four is a sum of four quarters.
            ["Downsample"] = v => new() { ["y"] = Layout.ChannelsLast(4 * v.Setting<float>() * functional.avg_pool2d(v.Image("x"), 2L)) },
            ["Upsample"] = v => new()
            {
                ["y"] = Layout.ChannelsLast(v.Setting<float>()
                    * functional.interpolate(v.Image("x"), scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest)),
            },
            ["LinearCombination"] = v => Sum(v, v.All("x")),
            ["Add"] = v => Sum(v, [v.As("a"), v.As("b")]),
            ["Scale"] = v => Sum(v, [v.As("x")]),
            ["Copy"] = v => Sum(v, [v.As("x")]),
            ["LinearCombinationPerSample"] = PerSample,
            ["Clamp"] = Clamp,
            ["Sum"] = v => new() { ["y"] = Layout.Values(v.As("x").sum().view(1)) },
            ["SumOfSquares"] = v => new() { ["y"] = Layout.Values(v.As("x").square().sum().view(1)) },
            ["Embedding"] = Features,
            ["Attention"] = v => new() { ["y"] = Layout.Values(Attend(v.As("qkv"), v.Setting<AttentionShape>())) },
            ["AttentionBackward"] = v => Gradient("dqkv", v.As("qkv"), qkv => Attend(qkv, v.Setting<AttentionShape>()), v.As("dy")),
            ["TrajectoryStates"] = v => new()
            {
                ["states"] = Layout.Values(States(v.Setting<TrajectoryShape>(), v.As("x0"), v.As("heads"), v.As("skip"), v.As("map"))),
            },
            ["TrajectoryStatesBackward"] = v => Gradient("dheads", zeros_like(v.As("dheads")),
                heads => States(v.Setting<TrajectoryShape>(), null, heads, null, v.As("map")), v.As("dstates")),
        };

    /// <summary>
    /// Whether libtorch can do a row: its operation is here, what it needs to know is in the row, and it can be right. For a constant input
    /// libtorch's variance is rounding noise, not zero.
    /// </summary>
    public static bool Takes(OpCase row) => All.ContainsKey(row.Op)
        && (row.Op != "SoftmaxBackward" || row.Label.EndsWith("of a softmax", StringComparison.Ordinal))
        && !row.Label.EndsWith("constant", StringComparison.Ordinal)
        && (row.Op != "Clamp" || row.Setting is not null)
        && !(row.Op == "Add" && row.Operands.Length == 1);

    /// <summary>One gradient, in the operand's own order of elements.</summary>
    private static Dictionary<string, float[]> Gradient(string name, Torch at, Func<Torch, Torch> forward, Torch dy)
    {
        var x = Leaf(at);
        var y = forward(x);
        var dx = Layout.Values(autograd.grad([y], [x], [dy.view(y.shape)])[0]);
        return new() { [name] = dx };
    }

    private static Dictionary<string, float[]> LinearGradients(CaseValues v, Torch input, Torch weight, string wanted)
    {
        Torch x = Leaf(input), w = Leaf(weight), bias = Leaf(zeros(weight.shape[0]));
        var d = autograd.grad([functional.linear(x, w, bias)], [x, w, bias], [v.As("dy")]);
        return wanted == "dx" ? new() { ["dx"] = Layout.Values(d[0]) }
            : new() { ["dw"] = v.Plus("dw", Layout.Values(d[1])), ["dbias"] = v.Plus("dbias", Layout.Values(d[2])) };
    }

    private static Dictionary<string, float[]> MatMul(CaseValues v)
    {
        var (s, alpha, accumulate) = v.Setting<Cases.Ops.MatMulCases.Setting>();
        Torch a = v.As("a"), b = v.As("b");
        var product = alpha * bmm(s.TransA ? a.transpose(1, 2) : a, s.TransB ? b.transpose(1, 2) : b);
        return new() { ["c"] = Layout.Values(accumulate ? v.As("c") + product : product) };
    }

    private static Dictionary<string, float[]> Clamp(CaseValues v)
    {
        var (low, high) = v.Setting<(float, float)>();
        return new() { [v.Written] = Layout.Values(v.As("x").clamp(low, high)) };
    }

    private static Torch Embedding(CaseValues v) => v.As("e", v.Shape("e")[0], 1, 1, v.Shape("e")[1]);

    private static Dictionary<string, float[]> Split(CaseValues v)
    {
        long first = v.Shape("a")[3], second = v.Shape("b")[3];
        var y = v.As("y");
        return new() { ["a"] = Layout.Values(y.narrow(-1, 0, first)), ["b"] = Layout.Values(y.narrow(-1, first, second)) };
    }

    private static Dictionary<string, float[]> Sum(CaseValues v, Torch[] terms)
    {
        float[] coefficients = v.Setting<float[]>();
        var y = coefficients[0] * terms[0];
        for (int j = 1; j < terms.Length; j++)
            y = y + coefficients[j] * terms[j];
        return new() { [v.Written] = Layout.Values(y) };
    }

    private static Dictionary<string, float[]> PerSample(CaseValues v)
    {
        var (x, c) = (v.All("x"), v.As("c"));
        var y = c.narrow(1, 0, 1) * x[0];
        for (int j = 1; j < x.Length; j++)
            y = y + c.narrow(1, j, 1) * x[j];
        return new() { [v.Written] = Layout.Values(y) };
    }

    private static Dictionary<string, float[]> Features(CaseValues v)
    {
        var a = v.As("t", v.Shape("t")[0], 1) * v.As("frequencies", 1, v.Shape("frequencies")[0]);
        return new() { ["y"] = Layout.Values(v.Setting<bool>() ? cat([a.sin(), a.cos()], 1) : cat([a.cos(), a.sin()], 1)) };
    }

    private static Torch Attend(Torch qkv, AttentionShape s)
    {
        var parts = qkv.view(s.N, s.Tokens, 3, s.Heads, s.HeadSize).permute(2, 0, 3, 1, 4).unbind(0);
        return functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2);
    }

    private static Torch States(TrajectoryShape s, Torch? x0, Torch heads, Torch? skip, Torch map)
    {
        long n = s.N, p = s.Pixels, c = s.C, k = s.Branches;
        var made = einsum("nbj,npjc->bnpc", map.view(n, k, k), heads.view(n, p, k, c));
        return x0 is null || skip is null ? made : skip.view(n, k).t().contiguous().view(k, n, 1, 1) * x0.view(1, n, p, c) + made;
    }
}
