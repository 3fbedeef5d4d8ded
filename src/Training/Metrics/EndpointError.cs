namespace BDense.Training.Metrics;

/// <summary>Errors of paired samples, one number a sample.</summary>
/// <param name="Rmse">sqrt(mean over the sample's elements of (a - b)^2).</param>
/// <param name="L1">mean over the sample's elements of |a - b|.</param>
public sealed record SampleErrors(double[] Rmse, double[] L1);

/// <summary>How far a student's endpoints are from a teacher's, each pair from the same starting noise.</summary>
public static class EndpointError
{
    /// <param name="a">Samples one after the other.</param>
    /// <param name="b">Their partners, in the same order.</param>
    /// <param name="sampleLength">Elements of one sample.</param>
    /// <exception cref="ArgumentException">The two differ in length, or hold no whole number of samples.</exception>
    public static SampleErrors Between(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int sampleLength)
    {
        if (a.Length != b.Length || sampleLength <= 0 || a.Length == 0 || a.Length % sampleLength != 0)
            throw new ArgumentException($"{a.Length} and {b.Length} values are no pairs of samples of {sampleLength}");
        int count = a.Length / sampleLength;
        var errors = new SampleErrors(new double[count], new double[count]);
        for (int n = 0; n < count; n++)
        {
            double squares = 0, absolutes = 0;
            for (int i = n * sampleLength; i < (n + 1) * sampleLength; i++)
            {
                double difference = (double)a[i] - b[i];
                squares += difference * difference;
                absolutes += Math.Abs(difference);
            }
            errors.Rmse[n] = Math.Sqrt(squares / sampleLength);
            errors.L1[n] = absolutes / sampleLength;
        }
        return errors;
    }
}
