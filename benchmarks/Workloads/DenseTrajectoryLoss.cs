using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>The dense-trajectory loss with its gradient for chained Euler steps (a lower triangular map).</summary>
/// <param name="N">Batch.</param>
/// <param name="C">Channels of a state.</param>
/// <param name="Size">Rows and columns.</param>
/// <param name="Branches">K</param>
/// <param name="Distance">rho</param>
public sealed record DenseTrajectoryLoss(int N, int C, int Size, int Branches, Distance Distance) : Workload
{
    /// <summary>Of the pseudo-Huber distance.</summary>
    public const float Delta = 0.03f;

    /// <summary>Of a shape of the case list.</summary>
    public static DenseTrajectoryLoss Of(in TrajectoryShape s, Distance distance) =>
        new(s.N, s.C, (int)Math.Sqrt(s.Pixels), s.Branches, distance);

    public override string Name =>
        $"trajectory loss {N}x{C}x{Size} K={Branches} "
            + $"{(Distance == Distance.PseudoHuber ? "pseudo-huber" : Distance.ToString().ToLowerInvariant())}";

    public TrajectoryShape Shape => new(N, Size * Size, C, Branches);

    public float[] X0 => Uniform(Shape.State.Length, 1);
    public float[] Heads => Uniform(Shape.Heads.Length, 2);
    public float[] Targets => Uniform(Shape.States.Length, 3);
    public float[] Skip => Uniform(Shape.PerBranch.Length, 4);
    public float[] Weights => Array.ConvertAll(Uniform(Shape.PerBranch.Length, 5), w => (1.5f + w) / Shape.State.Length);

    /// <summary>[N,K,K], zero where j > b.</summary>
    public float[] Map
    {
        get
        {
            var map = Uniform(Shape.Map.Length, 6);
            for (int i = 0; i < map.Length; i++)
            {
                if (i % Branches > i / Branches % Branches)
                    map[i] = 0f;
            }
            return map;
        }
    }

    public override Running Start(Backend backend)
    {
        var s = Shape;
        Tensor x0 = backend.FromArray(X0, s.State), heads = backend.FromArray(Heads, s.Heads),
            targets = backend.FromArray(Targets, s.States),
            skip = backend.FromArray(Skip, s.PerBranch), map = backend.FromArray(Map, s.Map),
            weights = backend.FromArray(Weights, s.PerBranch),
            dheads = backend.Empty(s.Heads), losses = backend.Empty(s.Losses);
        return new("",
            () =>
            {
                backend.TrajectoryLoss(s, Distance, Delta, x0, heads, targets, skip, map, weights, dheads, losses);
                backend.Synchronize();
            },
            () => new() { ["dheads"] = dheads.ToArray(), ["losses"] = losses.ToArray() },
            x0, heads, targets, skip, map, weights, dheads, losses);
    }
}
