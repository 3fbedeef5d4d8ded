namespace BDense.Kernels;

/// <summary>
/// What products of convolutions, matrices and attention are computed in. Sums are float32 always; with <see cref="Bf16"/> activations are
/// BF16 in memory (<see cref="Backend.ActivationType"/>), and everything else is float32.
/// </summary>
public enum Precision
{
    /// <summary>float32, on every device.</summary>
    Fp32,

    /// <summary>Tensor cores, factors rounded to 10 bits of mantissa: relative error of a product up to 2^-10.</summary>
    Tf32,

    /// <summary>Tensor cores, factors rounded to 7 bits of mantissa: relative error of a product up to 2^-7.</summary>
    Bf16,
}

/// <summary>Names of precisions.</summary>
public static class PrecisionText
{
    /// <summary>As <c>--precision</c> takes it: fp32, tf32, bf16.</summary>
    public static string Text(this Precision precision) => precision.ToString().ToLowerInvariant();
}
