using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Peers;
using static BDense.Parity.CaseValues;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Parity;

/// <summary>Convolutions, alone and with what is around them, and normalisations by libtorch: a part of <see cref="TorchOps"/>.</summary>
internal static class TorchConvolutions
{
    public static IReadOnlyDictionary<string, Func<CaseValues, Dictionary<string, float[]>>> All { get; } =
        new Dictionary<string, Func<CaseValues, Dictionary<string, float[]>>>
        {
            ["Conv2d"] = v => new()
            {
                ["y"] = Layout.ChannelsLast(Convolve(v.Setting<Conv2dShape>(), v.Image("x"), v.Image("w"), Bias(v))),
            },
            ["Conv2dDgrad"] = v => Gradients(v, v.Setting<Conv2dShape>(), Resampling.None, NoImage(v.Shape("dx")), v.Image("w"), "dx"),
            ["Conv2dWgrad"] = v => Gradients(v, v.Setting<Conv2dShape>(), Resampling.None, v.Image("x"), NoImage(v.Shape("dw")), null),
            ["FusedConv2d"] = Fused,
            ["FusedConv2dDgrad"] = v =>
            {
                var s = v.Setting<FusedConv2dCases.Setting>();
                return Gradients(v, s.Shape, s.Resampling, NoImage(s.Input), v.Image("w"), "dv");
            },
            ["FusedConv2dWgrad"] = v =>
            {
                var s = v.Setting<FusedConv2dCases.Setting>();
                return Gradients(v, s.Shape, s.Resampling, Activated(v, s), NoImage(v.Shape("dw")), null);
            },
            ["ScaleShift"] = v =>
            {
                long n = v.Shape("x")[0], c = v.Shape("x")[2];
                Torch p = v.As("scaleShift", n, 1, 2 * c), y = p.narrow(2, 0, c) * v.As("x") + p.narrow(2, c, c);
                return new() { ["y"] = Layout.Values(v.Setting<bool>() ? functional.silu(y) : y) };
            },
            ["GroupNorm"] = v => new() { ["y"] = Layout.Values(Normalise(v, v.As("x"), v.As("gamma"), v.As("beta"), Affine(v))) },
            ["GroupNormBackward"] = NormalisationGradients,
        };

    private static Torch Convolve(Conv2dShape s, Torch x, Torch w, Torch? bias) =>
        functional.conv2d(functional.pad(x, [s.PadBegin, s.PadEnd, s.PadBegin, s.PadEnd]), w, bias, strides: [s.Stride, s.Stride]);

    private static Torch Resample(Resampling resampling, Torch v) => resampling switch
    {
        Resampling.Down => functional.avg_pool2d(v, 2L),
        Resampling.Up => functional.interpolate(v, scale_factor: [2.0, 2.0], mode: InterpolationMode.Nearest),
        _ => v,
    };

    /// <summary>Of the input behind its prologue (<paramref name="input"/>), or of weights and bias, which are accumulated.</summary>
    private static Dictionary<string, float[]> Gradients(CaseValues v, Conv2dShape s, Resampling resampling, Torch input, Torch weight,
        string? ofInput)
    {
        Torch x = Leaf(input), w = Leaf(weight), bias = Leaf(zeros(s.K));
        var d = autograd.grad([Convolve(s, Resample(resampling, x), w, bias)], [x, w, bias], [v.Image("dy")]);
        if (ofInput is not null)
            return new() { [ofInput] = Layout.ChannelsLast(d[0]) };
        var results = new Dictionary<string, float[]> { ["dw"] = v.Plus("dw", Layout.ChannelsLast(d[1])) };
        if (v.Has("dbias"))
            results["dbias"] = v.Plus("dbias", Layout.Values(d[2]));
        return results;
    }

    /// <summary>act(scale x + shift), before resampling.</summary>
    private static Torch Activated(CaseValues v, FusedConv2dCases.Setting s)
    {
        Torch x = v.Image("x");
        if (s.Normalised)
        {
            var p = v.As("scaleShift", s.Shape.N, 2 * s.Shape.C, 1, 1);
            x = p.narrow(1, 0, s.Shape.C) * x + p.narrow(1, s.Shape.C, s.Shape.C);
        }
        return s.InputSilu ? functional.silu(x) : x;
    }

    private static Dictionary<string, float[]> Fused(CaseValues v)
    {
        var s = v.Setting<FusedConv2dCases.Setting>();
        var y = Convolve(s.Shape, Resample(s.Resampling, Activated(v, s)), v.Image("w"), Bias(v));
        if (v.Has("embedding"))
            y = y + v.As("embedding", s.Shape.N, s.Shape.K, 1, 1);
        if (v.Has("residual"))
            y = y + v.Image("residual");
        y = y * s.Scale;
        return new() { ["y"] = Layout.ChannelsLast(s.Silu ? functional.silu(y) : y) };
    }

    private static Torch? Bias(CaseValues v) => v.Has("bias") ? v.As("bias") : null;

    private static Torch? Affine(CaseValues v) =>
        v.Has("scaleShift") ? v.As("scaleShift", v.Shape("scaleShift")[0], v.Shape("scaleShift")[1], 1) : null;

    /// <summary>From and to [N, pixels, C].</summary>
    private static Torch Normalise(CaseValues v, Torch x, Torch gamma, Torch beta, Torch? affine)
    {
        var s = v.Setting<GroupNormShape>();
        var y = functional.group_norm(x.transpose(1, 2), s.Groups, gamma, beta, s.Epsilon);
        if (affine is not null)
            y = y * (1f + affine.narrow(1, 0, s.C)) + affine.narrow(1, s.C, s.C);
        return (s.Silu ? functional.silu(y) : y).transpose(1, 2);
    }

    private static Dictionary<string, float[]> NormalisationGradients(CaseValues v)
    {
        Torch x = Leaf(v.As("x")), gamma = Leaf(v.As("gamma")), beta = Leaf(v.As("beta"));
        var affine = Affine(v) is { } given ? Leaf(given) : null;
        Torch[] inputs = affine is null ? [x, gamma, beta] : [x, gamma, beta, affine];
        var d = autograd.grad([Normalise(v, x, gamma, beta, affine)], inputs, [v.As("dy")]);
        var results = new Dictionary<string, float[]>
        {
            ["dx"] = Layout.Values(d[0]),
            ["dgamma"] = v.Plus("dgamma", Layout.Values(d[1])),
            ["dbeta"] = v.Plus("dbeta", Layout.Values(d[2])),
        };
        if (affine is not null)
            results["dscaleShift"] = Layout.Values(d[3]);
        return results;
    }
}
