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
        Tensor p = Layout.Make(work.P, work.Parameters), g = Layout.Make(work.G, work.Parameters), ema = Layout.Make(work.P, work.Parameters),
            m = zeros_like(g), v = zeros_like(g), denominator = zeros_like(g);
        int step = 0;
        return new("in-place operators",
            () =>
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                step++;
                float norm = g.norm().item<float>();
                if (norm > AdamEma.ClipNorm)
                    g.mul_(AdamEma.ClipNorm / norm);
                m.mul_(AdamEma.Beta1).add_(g, alpha: 1 - AdamEma.Beta1);
                v.mul_(AdamEma.Beta2).addcmul_(g, g, 1 - AdamEma.Beta2);
                // lr (m / b1) / (sqrt(v / b2) + eps) = (lr sqrt(b2) / b1) m / (sqrt(v) + eps sqrt(b2))
                double b1 = 1 - Math.Pow(AdamEma.Beta1, step), root = Math.Sqrt(1 - Math.Pow(AdamEma.Beta2, step));
                denominator.copy_(v).sqrt_().add_(AdamEma.Epsilon * root);
                p.addcdiv_(m, denominator, -AdamEma.LearningRate * root / b1);
                ema.mul_(AdamEma.Decay).add_(p, alpha: 1 - AdamEma.Decay);
            },
            () => new() { ["p"] = Layout.Values(p), ["m"] = Layout.Values(m), ["v"] = Layout.Values(v), ["ema"] = Layout.Values(ema) },
            p, g, ema, m, v, denominator);
    }
}
