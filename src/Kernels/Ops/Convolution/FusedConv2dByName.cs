using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> FusedConv2dByName()
    {
        string[] extents = ["N", "SIZE", "C", "K", "R"];
        yield return new("fused-conv2d-prologue", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), factors = t.Normal(new(s.N, 2 * s.C)),
                y = t.Empty(s.Output), dy = t.Normal(s.Output),
                dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
            var prologue = new ConvolutionPrologue(factors, Silu: true);
            return
            [
                new("forward", () => t.Backend.FusedConv2d(s, x, w, prologue, new(bias), y)),
                new("wgrad", () => t.Backend.FusedConv2dWgrad(s, x, prologue, dy, dw, dbias)),
            ];
        });
        yield return new("fused-conv2d-epilogue", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), embedding = t.Normal(new(s.N, s.K)),
                residual = t.Normal(s.Output), y = t.Empty(s.Output);
            return [new("forward", () => t.Backend.FusedConv2d(s, x, w, default, new(bias, embedding, residual, 0.7f, Silu: true), y))];
        });
        yield return new("fused-conv2d-moments", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), residual = t.Normal(s.Output),
                y = t.Empty(s.Output), moments = t.Empty(s.OutputBlocks.Moments);
            return [new("forward",
                () => t.Backend.FusedConv2d(s, x, w, default, new(bias, null, residual, 0.7f, Moments: moments), y))];
        });
        foreach (var resampling in new[] { Resampling.Up, Resampling.Down })
        {
            yield return new($"fused-conv2d-{resampling.ToString().ToLowerInvariant()}", extents, [4, 16, 64, 64, 3], (t, e) =>
            {
                var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
                int before = resampling == Resampling.Up ? e[1] / 2 : 2 * e[1];
                var input = new Shape(s.N, before, before, s.C);
                Tensor x = t.Normal(input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), y = t.Empty(s.Output),
                    dy = t.Normal(s.Output), dx = t.Empty(input),
                    dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
                var prologue = new ConvolutionPrologue(null, Resampling: resampling);
                return
                [
                    new("forward", () => t.Backend.FusedConv2d(s, x, w, prologue, new(bias), y)),
                    new("dgrad", () => t.Backend.FusedConv2dDgrad(s, dy, w, resampling, dx)),
                    new("wgrad", () => t.Backend.FusedConv2dWgrad(s, x, prologue, dy, dw, dbias)),
                ];
            });
        }
    }
}
