using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

namespace BDense.Training.Distillation.Methods.BranchDistillation;

/// <summary>
/// What the authors' own progressive distillation does differently, in the variance-preserving coordinates that it works in,
/// z = alpha_t x + sigma_t noise. Every number of steps N has a schedule of its own, beta linear from 1e-4 to 0.02 over N steps,
/// and the network is told the step in that schedule. A step t -> t - 1 is DDIM's, z' = alpha' clamp(x^, -1, 1) + sigma' eps with
/// x^ = (z - sigma eps) / alpha. Read in the authors' published code (BranchDistillation).
/// </summary>
/// <remarks>
/// Not progressive distillation as published: a schedule of few steps ends far from noise (abar_N = 4e-5, .0064, .080, .282 for
/// 1000, 500, 250, 125 steps) while sampling starts from pure noise, and the student's schedule at k is not the teacher's at 2k.
/// It is here so that the authors' numbers can be checked, under the name of the preset <c>branch-distillation</c>.
/// </remarks>
public static class LinearBetaDdim
{
    /// <summary>Network evaluations of the authors' sampler, whatever the schedule's length.</summary>
    public const int SampleSteps = 100;

    private const double BetaMin = 1e-4, BetaMax = 0.02;

    /// <summary>alpha_t and sigma_t, t = 0..steps-1: alpha_t^2 = prod_{s &lt;= t} (1 - beta_s), sigma_t^2 = 1 - alpha_t^2.</summary>
    public static (double[] Alpha, double[] Sigma) Schedule(int steps)
    {
        var (alpha, sigma) = (new double[steps], new double[steps]);
        double abar = 1;
        for (int t = 0; t < steps; t++)
        {
            abar *= 1 - (BetaMin + (BetaMax - BetaMin) * t / Math.Max(1, steps - 1));
            (alpha[t], sigma[t]) = (Math.Sqrt(abar), Math.Sqrt(1 - abar));
        }
        return (alpha, sigma);
    }

    /// <summary>The steps that the sampler visits: multiples of floor(N / count), from the largest down, count of them.</summary>
    public static int[] Timesteps(int steps, int count)
    {
        int ratio = steps / count;
        return [.. Enumerable.Range(0, count).Select(i => (count - 1 - i) * ratio)];
    }

    /// <summary>eps of the last head at (z, t), [N,H,W,C]; the caller disposes it.</summary>
    /// <param name="network">Predicts the noise and embeds the step t itself.</param>
    /// <param name="z">[N,H,W,C]</param>
    /// <param name="t">The step of each sample, or of all.</param>
    public static Tensor Noise(INetwork network, Tensor z, ReadOnlySpan<int> t)
    {
        int n = z.Shape[0], k = network.Config.Branches, c = network.Config.ImageChannels;
        using var tape = Tape.For(network, recording: false);
        using var numbers = Numbers(network.Backend, t, n);
        var heads = network.Forward(tape, tape.Input(z), numbers);
        var eps = network.Backend.Empty(z.Shape);
        if (k == 1)
        {
            network.Backend.Copy(heads.Data, eps);
            return eps;
        }
        using var others = network.Backend.Empty(new Shape(n, z.Shape[1], z.Shape[2], (k - 1) * c));
        network.Backend.Split(heads.Data, others, eps);
        return eps;
    }

    /// <summary>The step of each sample as the network takes it, [N]; the caller disposes it.</summary>
    internal static Tensor Numbers(Backend backend, ReadOnlySpan<int> t, int n)
    {
        var numbers = new float[n];
        for (int i = 0; i < n; i++)
            numbers[i] = t[t.Length == 1 ? 0 : i];
        return backend.FromArray(numbers, new Shape(n));
    }

    /// <summary>
    /// One DDIM step of every sample in place: z = alpha' clamp((z - sigma eps) / alpha, -1, 1) + sigma' eps.
    /// </summary>
    /// <param name="z">[N,H,W,C], overwritten.</param>
    /// <param name="eps">[N,H,W,C], overwritten with what is of no use.</param>
    /// <param name="from">(alpha, sigma) of each sample.</param>
    /// <param name="to">(alpha', sigma').</param>
    internal static void Step(Tensor z, Tensor eps, (double Alpha, double Sigma)[] from, (double Alpha, double Sigma)[] to)
    {
        var backend = z.Backend;
        int n = from.Length;
        var (image, step) = (new float[2 * n], new float[2 * n]);
        for (int i = 0; i < n; i++)
        {
            (image[2 * i], image[2 * i + 1]) = ((float)(1 / from[i].Alpha), (float)(-from[i].Sigma / from[i].Alpha));
            (step[2 * i], step[2 * i + 1]) = ((float)to[i].Alpha, (float)to[i].Sigma);
        }
        using Tensor a = backend.FromArray(image, new Shape(n, 2)), b = backend.FromArray(step, new Shape(n, 2));
        backend.LinearCombinationPerSample(a, [z, eps], z);
        backend.Clamp(z, -1f, 1f, z);
        backend.LinearCombinationPerSample(b, [z, eps], z);
    }

    /// <summary>
    /// The authors' sampler: <see cref="SampleSteps"/> DDIM steps (all, where the schedule has fewer) of the schedule of
    /// <paramref name="steps"/> steps, the last to alpha = 1. The caller disposes the images.
    /// </summary>
    /// <param name="network">K heads; the last counts.</param>
    /// <param name="steps">N.</param>
    /// <param name="z">[N,H,W,C] standard normal noise; stays as it is.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public static Tensor Sample(INetwork network, int steps, Tensor z, CancellationToken cancellation = default)
    {
        var (alpha, sigma) = Schedule(steps);
        int[] timesteps = Timesteps(steps, Math.Min(SampleSteps, steps));
        int n = z.Shape[0];
        var x = z.Backend.Empty(z.Shape);
        z.Backend.Copy(z, x);
        for (int i = 0; i < timesteps.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            int t = timesteps[i];
            using var eps = Noise(network, x, [t]);
            var to = i + 1 < timesteps.Length ? (alpha[timesteps[i + 1]], sigma[timesteps[i + 1]]) : (1.0, 0.0);
            Step(x, eps, [.. Enumerable.Repeat((alpha[t], sigma[t]), n)], [.. Enumerable.Repeat(to, n)]);
        }
        return x;
    }

    /// <summary>
    /// sum_b mean w (z'_b - y_b)^2, w = 1 + alpha / sigma at the student's step, and its gradient with respect to the heads. All branches
    /// take the same step of the student's schedule, k -> k - 1, as the authors have it; the clamp passes no gradient where it cuts.
    /// </summary>
    /// <remarks>On the host, in doubles: the one loss that is no linear trajectory map.</remarks>
    /// <param name="z">[N,P,C]</param>
    /// <param name="heads">eps: [N,P,K*C]</param>
    /// <param name="targets">y: [K,N,P,C]</param>
    /// <param name="from">(alpha, sigma) of each sample.</param>
    /// <param name="to">(alpha', sigma').</param>
    /// <param name="branches">K</param>
    /// <param name="channels">C</param>
    internal static (double[] Losses, float[] Gradient) Loss(float[] z, float[] heads, float[] targets,
        (double Alpha, double Sigma)[] from, (double Alpha, double Sigma)[] to, int branches, int channels)
    {
        var losses = new double[branches];
        var gradient = new float[heads.Length];
        int image = z.Length / from.Length;
        for (int i = 0; i < z.Length; i++)
        {
            int n = i / image, pixel = i / channels, c = i % channels;
            var ((alpha, sigma), (alphaTo, sigmaTo)) = (from[n], to[n]);
            double w = (1 + alpha / sigma) / z.Length;
            for (int b = 0; b < branches; b++)
            {
                int at = (pixel * branches + b) * channels + c;
                double eps = heads[at], x = (z[i] - sigma * eps) / alpha;
                double difference = alphaTo * Math.Clamp(x, -1, 1) + sigmaTo * eps - targets[b * z.Length + i];
                losses[b] += w * difference * difference;
                double slope = sigmaTo - (Math.Abs(x) <= 1 ? alphaTo * sigma / alpha : 0);
                gradient[at] = (float)(2 * w * difference * slope);
            }
        }
        return (losses, gradient);
    }
}
