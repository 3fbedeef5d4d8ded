using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;
using BDense.Model.Networks;
using BDense.Training.Runs;

namespace BDense.Benchmarks.Workloads;

/// <summary>
/// A whole training step: forward, gradient of L = ||F - target||^2 / 2 per element, backward, clipping, Adam and moving average.
/// </summary>
/// <param name="Network">What the row calls it.</param>
/// <param name="Config">The network.</param>
/// <param name="Batch">Images.</param>
public sealed record TrainingStep(string Network, UNetConfig Config, int Batch) : Workload
{
    public override string Name => $"training step {Network} {Batch}x{Config.Resolution}x{Config.Resolution}";

    /// <summary>Rounding differences grow through some thirty layers, twice.</summary>
    public override double Tolerance => 2e-3;

    public Shape Images => new(Batch, Config.Resolution, Config.Resolution, Config.ImageChannels);

    public float[] X => Uniform(Images.Length, 1);
    public float[] Noise => Uniform(Batch, 2);
    public float[] Target => Uniform(Images.Length, 3);

    /// <summary>
    /// Values for every parameter, the same for each side: Networks start with layers near zero, whose gradients would say little
    /// about whether two implementations agree.
    /// </summary>
    public static float[] Values(Parameter parameter, int index)
    {
        var s = parameter.Shape;
        float fanIn = s.Length / s[0], bound = s.Rank == 1 ? 0.1f : MathF.Sqrt(1.5f / fanIn);
        bool isScale = s.Rank == 1 && parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
        return Array.ConvertAll(Uniform(s.Length, 100 + index), u => bound * u + (isScale ? 1f : 0f));
    }

    public override Running Start(Backend backend)
    {
        var network = new Network(backend, Config, seed: null);
        for (int i = 0; i < network.Parameters.All.Count; i++)
            network.Parameters.All[i].Value.Upload(Values(network.Parameters.All[i], i));
        network.Parameters.EnableGradients();
        Tensor p = network.Parameters.Values, g = network.Parameters.Gradients!;
        Tensor x = backend.FromArray(X, Images), noise = backend.FromArray(Noise, new(Batch)), target = backend.FromArray(Target, Images),
            f = backend.Empty(Images), df = backend.Empty(Images), m = backend.Zeros(p.Shape), v = backend.Zeros(p.Shape),
            ema = network.Parameters.CopyValues(), norm = backend.Empty(new(1));
        float scale = 1f / Images.Length;
        int step = 0;
        // The composition of the optimizer clips the gradient in place; results are compared as they were before.
        double clipped = 1;
        return new("",
            () =>
            {
                network.Parameters.ZeroGradients();
                using (var tape = new Tape(backend, recording: true) { Execution = new Execution(Fusions) })
                {
                    var y = network.Forward(tape, tape.Input(x), noise);
                    backend.Copy(y.Data, f);
                    backend.LinearCombination([scale, -scale], [f, target], df);
                    tape.Backward(y, df);
                }
                backend.SumOfSquares(g, norm);
                var update = new AdamStep(AdamEma.LearningRate, ++step, AdamEma.Beta1, AdamEma.Beta2, AdamEma.Epsilon,
                    ClipNorm: AdamEma.ClipNorm, EmaDecay: AdamEma.Decay);
                if (Fusions.Has(Optimizer.FusedAdam))
                {
                    backend.Adam(update, p, g, m, v, ema, norm);
                }
                else
                {
                    double squared = norm.ToArray()[0];
                    clipped = Math.Max(1, Math.Sqrt(squared) / AdamEma.ClipNorm);
                    PlainAdam.Run(update, network.Parameters.All, p, g, m, v, ema, norm, squared);
                }
                backend.Synchronize();
            },
            () =>
            {
                var results = new Dictionary<string, float[]>
                {
                    ["F"] = f.ToArray(),
                    ["p"] = [.. network.Parameters.All.SelectMany(q => q.Value.ToArray())],
                };
                foreach (var q in network.Parameters.All)
                    results[$"gradient of {q.Name}"] = Array.ConvertAll(q.Gradient!.ToArray(), value => (float)(clipped * value));
                return results;
            },
            network, x, noise, target, f, df, m, v, ema, norm);
    }
}

/// <summary>Evaluations of a network without gradients: what sampling consists of.</summary>
/// <param name="Network">What the row calls it.</param>
/// <param name="Config">The network.</param>
/// <param name="Batch">Images.</param>
public sealed record Sampling(string Network, UNetConfig Config, int Batch) : Workload
{
    public override string Name => $"sampling {Network} {Batch}x{Config.Resolution}x{Config.Resolution}";

    public override double Tolerance => 1e-3;

    public TrainingStep Training => new(Network, Config, Batch);

    public override Running Start(Backend backend)
    {
        var network = new Network(backend, Config, seed: null);
        for (int i = 0; i < network.Parameters.All.Count; i++)
            network.Parameters.All[i].Value.Upload(TrainingStep.Values(network.Parameters.All[i], i));
        var images = Training.Images;
        Tensor x = backend.FromArray(Training.X, images), noise = backend.FromArray(Training.Noise, new(Batch)),
            next = backend.Empty(images);
        return new("",
            () =>
            {
                using var tape = new Tape(backend, recording: false) { Execution = new Execution(Fusions) };
                var f = network.Forward(tape, tape.Input(x), noise);
                backend.LinearCombination([0.5f, 0.5f], [x, f.Data], next);
                backend.Synchronize();
            },
            () => new() { ["next"] = next.ToArray() }, network, x, noise, next);
    }
}
