using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Networks;

/// <summary>A network with its preconditioning: D(x; sigma) = c_skip x + c_out F(c_in x; c_noise). Karras et al. 2022, eq. 7.</summary>
public sealed class Denoiser(INetwork network)
{
    /// <summary>F.</summary>
    public INetwork Network { get; } = network;

    /// <summary>Where the network is.</summary>
    public Backend Backend => Network.Backend;

    /// <summary>
    /// The coefficients at a noise level, with the number that this network embeds for it (<see cref="NetworkConfig.NoiseInput"/>).
    /// </summary>
    public Preconditioning At(double sigma)
    {
        var config = Network.Config;
        return Preconditioning.At(config.Prediction, sigma, config.SigmaData) with { Noise = NoiseNumber.Of(config.NoiseInput, sigma) };
    }

    /// <summary>F(c_in x; c_noise): the raw heads. How they become states is the linear trajectory map's business.</summary>
    /// <param name="tape">Records, or not.</param>
    /// <param name="x">[N,H,W,C] noisy images; the caller keeps them.</param>
    /// <param name="sigmas">One noise level a sample, or one for all.</param>
    /// <param name="options">Dropout and conditions.</param>
    /// <returns>[N,H,W,K*C], branch-major; of the prediction "both" merged to v = alpha noise - sigma_vp image. Of a captured pass valid
    /// until the next pass of the same network.</returns>
    public Variable Heads(Tape tape, Tensor x, ReadOnlySpan<double> sigmas, in ForwardOptions options = default)
    {
        int n = x.Shape[0];
        if (sigmas.Length != n && sigmas.Length != 1)
            throw new BDenseException($"{sigmas.Length} noise levels for {n} images");
        Span<float> scale = n <= 256 ? stackalloc float[n] : new float[n], noise = n <= 256 ? stackalloc float[n] : new float[n];
        Numbers(sigmas, scale, noise);
        if (!tape.Recording && Network is Network { Execution.Graph: true } network && options is { Augment: null, Step: null }
            && Network.Config.Prediction != Prediction.Both)
            return tape.Input(network.PassGraph(n, options.Labels is not null).Run(x, scale, noise, options.Labels));
        var scaled = tape.Own(Backend.Empty(x.Shape));
        if (sigmas.Length == 1)
        {
            Backend.Scale(x, scale[0], scaled.Data);
        }
        else
        {
            using var c = Backend.FromArray(scale, new Shape(n, 1));
            Backend.LinearCombinationPerSample(c, [x], scaled.Data);
        }
        using var cNoise = Backend.FromArray(noise, new Shape(n));
        var heads = Network.Forward(tape, scaled, cNoise, options);
        tape.Drop(scaled);
        return Merged(tape, heads, sigmas);
    }

    /// <summary>
    /// Of the prediction "both", whose heads have two parts: v = alpha noise - sigma_vp image, which takes their place; else the heads as
    /// they are.
    /// </summary>
    public Variable Merged(Tape tape, Variable heads, ReadOnlySpan<double> sigmas)
    {
        if (Network.Config.Prediction == Prediction.Both)
            tape.Replace(ref heads, tape.MergeHalves(heads, Merging(sigmas, heads.Shape[0])));
        return heads;
    }

    /// <summary>
    /// The same with c_in [N,1] and c_noise [N] on the device, not yet <see cref="Merged"/>: it uploads nothing, so that it can be
    /// captured.
    /// </summary>
    public Variable Heads(Tape tape, Tensor x, Tensor scale, Tensor noise, in ForwardOptions options = default)
    {
        var scaled = tape.Own(Backend.Empty(x.Shape));
        Backend.LinearCombinationPerSample(scale, [x], scaled.Data);
        var heads = Network.Forward(tape, scaled, noise, options);
        tape.Drop(scaled);
        return heads;
    }

    /// <summary>c_in and c_noise of each sample; one noise level counts for all.</summary>
    public void Numbers(ReadOnlySpan<double> sigmas, Span<float> scale, Span<float> noise)
    {
        for (int i = 0; i < scale.Length; i++)
        {
            var p = At(sigmas[sigmas.Length == 1 ? 0 : i]);
            (scale[i], noise[i]) = ((float)p.In, (float)p.Noise);
        }
    }

    /// <summary>Factors of image and noise for each sample: -sigma_vp and alpha.</summary>
    private static float[] Merging(ReadOnlySpan<double> sigmas, int n)
    {
        var c = new float[2 * n];
        for (int i = 0; i < n; i++)
        {
            double sigma = sigmas[sigmas.Length == 1 ? 0 : i], alpha = 1 / Math.Sqrt(1 + sigma * sigma);
            (c[2 * i], c[2 * i + 1]) = ((float)(-sigma * alpha), (float)alpha);
        }
        return c;
    }

    /// <summary>D(x; sigma), without a gradient, of a network with one branch. The caller disposes it.</summary>
    /// <param name="x">[N,H,W,C]; the caller keeps it.</param>
    /// <param name="sigma">The noise level of all samples.</param>
    /// <param name="options">Conditions.</param>
    /// <exception cref="BDenseException">
    /// The network has several branches: fold them first (<see cref="BranchHead.Fold(INetwork, ReadOnlySpan{double})"/>).
    /// </exception>
    public Tensor Denoise(Tensor x, double sigma, in ForwardOptions options = default)
    {
        if (Network.Config.Branches != 1)
            throw new BDenseException(
                $"a network of {Network.Config.Branches} branches has no single denoised image; fold its heads first");
        using var tape = Tape.For(Network, recording: false);
        var f = Heads(tape, x, [sigma], options);
        var p = At(sigma);
        var d = Backend.Empty(x.Shape);
        Backend.LinearCombination([(float)p.Skip, (float)p.Out], [x, f.Data], d);
        return d;
    }
}
