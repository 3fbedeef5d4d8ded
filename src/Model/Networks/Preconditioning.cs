namespace BDense.Model.Networks;

/// <summary>What the raw network predicts, in sigma space (x = image + sigma * noise).</summary>
public enum Prediction
{
    /// <summary>EDM's mixture (Karras et al. 2022, table 1).</summary>
    Edm,

    /// <summary>The noise.</summary>
    Eps,

    /// <summary>The image.</summary>
    X,

    /// <summary>v = alpha * noise - sigma_vp * image (Salimans and Ho 2022).</summary>
    V,

    /// <summary>
    /// Image and noise, 2C channels a head, merged as image^ = sigma_vp^2 image + alpha^2 x(noise), x(noise) = x - sigma noise
    /// (Salimans and Ho 2022, section 4, "predicting x and eps"): v-prediction of v = alpha noise - sigma_vp image
    /// (<see cref="Denoiser"/>).
    /// </summary>
    Both,
}

/// <summary>D(x; sigma) = Skip * x + Out * F(In * x; Noise). Karras et al. 2022, eq. 7.</summary>
public readonly record struct Preconditioning(double Skip, double Out, double In, double Noise)
{
    /// <summary>
    /// The coefficients at one noise level, with s = sigma, d = sigmaData; Noise = ln(s) / 4 (networks may ask for
    /// another number, <see cref="NetworkConfig.NoiseInput"/>):
    /// Edm: d^2/(s^2+d^2), s d/sqrt(s^2+d^2), 1/sqrt(s^2+d^2). V: 1/(1+s^2), -s/sqrt(1+s^2), 1/sqrt(1+s^2).
    /// Eps: 1, -s, 1/sqrt(1+s^2). X: 0, 1, 1/sqrt(1+s^2). Both: as V, after its halves are merged. All but the first are the
    /// variance-preserving predictions at alpha = 1/sqrt(1+s^2), sigma_vp = s/sqrt(1+s^2), z = alpha x.
    /// </summary>
    /// <param name="prediction">What F predicts.</param>
    /// <param name="sigma">Standard deviation of the noise, above 0.</param>
    /// <param name="sigmaData">Standard deviation of the images' values; used by Edm alone.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigma"/> is not a positive number.</exception>
    public static Preconditioning At(Prediction prediction, double sigma, double sigmaData)
    {
        if (!(sigma > 0) || double.IsInfinity(sigma))
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "a noise level is positive and finite");
        double noise = Math.Log(sigma) / 4, s2 = sigma * sigma, d2 = sigmaData * sigmaData;
        double unit = 1 / Math.Sqrt(1 + s2), edm = 1 / Math.Sqrt(s2 + d2);
        return prediction switch
        {
            Prediction.Edm => new(d2 * edm * edm, sigma * sigmaData * edm, edm, noise),
            Prediction.Eps => new(1, -sigma, unit, noise),
            Prediction.X => new(0, 1, unit, noise),
            Prediction.V or Prediction.Both => new(unit * unit, -sigma * unit, unit, noise),
            _ => throw new ArgumentOutOfRangeException(nameof(prediction)),
        };
    }
}
