using BDense.Benchmarks.Workloads;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace BDense.Peers;

/// <summary>Clipping, Adam and the moving average on one flat tensor: TorchSharp's optimizer, and in-place operators by hand.</summary>
/// <remarks>libtorch's own fused Adam is not within TorchSharp's reach.</remarks>
internal static class TorchAdam
{
    public static IEnumerable<Running> Variants(AdamEma work) => [Optimizer(work), InPlace(work)];

    private static Running Optimizer(AdamEma work)
    {
        var p = new Parameter(Layout.Make(work.P, work.Parameters));
        var ema = Layout.Make(work.P, work.Parameters);
        p.grad = Layout.Make(work.G, work.Parameters);
        var adam = optim.Adam([p], AdamEma.LearningRate, AdamEma.Beta1, AdamEma.Beta2, AdamEma.Epsilon);
        return new("torch.optim.Adam",
            () =>
            {
                using var scope = NewDisposeScope();
                nn.utils.clip_grad_norm_([p], AdamEma.ClipNorm);
                adam.step();
                using var _ = no_grad();
                ema.mul_(AdamEma.Decay).add_(p, alpha: 1 - AdamEma.Decay);
            },
            () => new() { ["p"] = Layout.Values(p), ["ema"] = Layout.Values(ema) },
            p, ema, adam);
    }

    private static Running InPlace(AdamEma work)
    {
        Tensor p = Layout.Make(work.P, work.Parameters), g = Layout.Make(work.G, work.Parameters),
            ema = Layout.Make(work.P, work.Parameters);
        var adam = new FlatAdam(p, ema);
        return new("in-place operators",
            () =>
            {
                using var scope = NewDisposeScope();
                adam.Step(g);
            },
            () => new()
            {
                ["p"] = Layout.Values(p),
                ["m"] = Layout.Values(adam.M),
                ["v"] = Layout.Values(adam.V),
                ["ema"] = Layout.Values(ema),
            },
            p, g, ema, adam);
    }
}

/// <summary>Clipping, Adam and the moving average by operators that work in place, each over all parameters at once.</summary>
internal sealed class FlatAdam(Tensor p, Tensor ema) : IDisposable
{
    private readonly Tensor _denominator = zeros_like(p);
    private int _step;

    public Tensor M { get; } = zeros_like(p);

    public Tensor V { get; } = zeros_like(p);

    /// <summary>Scales <paramref name="g"/> where it is too long, and returns by what; the caller has a dispose scope.</summary>
    public float Step(Tensor g)
    {
        using var _ = no_grad();
        _step++;
        float norm = g.norm().item<float>();
        float factor = Math.Min(1f, AdamEma.ClipNorm / norm);
        if (factor < 1f)
            g.mul_(factor);
        M.mul_(AdamEma.Beta1).add_(g, alpha: 1 - AdamEma.Beta1);
        V.mul_(AdamEma.Beta2).addcmul_(g, g, 1 - AdamEma.Beta2);
        // lr (m / b1) / (sqrt(v / b2) + eps) = (lr sqrt(b2) / b1) m / (sqrt(v) + eps sqrt(b2))
        double b1 = 1 - Math.Pow(AdamEma.Beta1, _step), root = Math.Sqrt(1 - Math.Pow(AdamEma.Beta2, _step));
        _denominator.copy_(V).sqrt_().add_(AdamEma.Epsilon * root);
        p.addcdiv_(M, _denominator, -AdamEma.LearningRate * root / b1);
        ema.mul_(AdamEma.Decay).add_(p, alpha: 1 - AdamEma.Decay);
        return factor;
    }

    public void Dispose()
    {
        M.Dispose();
        V.Dispose();
        _denominator.Dispose();
    }
}
