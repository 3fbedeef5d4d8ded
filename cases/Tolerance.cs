namespace BDense.Cases;

/// <summary>How far a result may be from the oracle.</summary>
/// <param name="Nmse">Largest sum of squared errors over the sum of squared expected values.</param>
/// <param name="MaxAbs">Largest error of one element, in units of the expected values' root mean square. 0: the same float.</param>
public readonly record struct Tolerance(double Nmse, double MaxAbs)
{
    /// <summary>float32 with some hundred additions an element.</summary>
    public static Tolerance Default => new(1e-10, 1e-4);

    /// <summary>A handful of float32 operations an element.</summary>
    public static Tolerance Tight => new(1e-13, 3e-6);

    /// <summary>Moved or chosen, not computed.</summary>
    public static Tolerance Exact => new(0, 0);
}
