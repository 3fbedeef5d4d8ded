using System.Text;
using BDense.Kernels;

namespace BDense.Model.Layers;

/// <summary>What an initial value is drawn from.</summary>
public enum InitialDistribution
{
    /// <summary>Scale itself.</summary>
    Constant,

    /// <summary>Uniform in [-Scale, Scale].</summary>
    Uniform,

    /// <summary>Normal with standard deviation Scale.</summary>
    Normal,

    /// <summary>Scale times a standard normal number that is drawn again until it lies in [-2, 2].</summary>
    TruncatedNormal,
}

/// <summary>How a parameter starts.</summary>
/// <param name="Distribution">What its values are drawn from.</param>
/// <param name="Scale">The constant, half the width, or the standard deviation.</param>
public readonly record struct Initializer(InitialDistribution Distribution, double Scale)
{
    /// <summary>Standard deviation of a standard normal number that is cut at +-2.</summary>
    private const double TruncatedDeviation = 0.87962566103423978;

    /// <summary>All zeros: biases, and last layers whose branch is to start as nothing.</summary>
    public static Initializer Zero => new(InitialDistribution.Constant, 0);

    /// <summary>All ones: the scales of a normalisation.</summary>
    public static Initializer One => new(InitialDistribution.Constant, 1);

    /// <summary>gain * sqrt(6 / (fanIn + fanOut)): Glorot and Bengio 2010, eq. 16.</summary>
    public static Initializer XavierUniform(int fanIn, int fanOut, double gain) =>
        new(InitialDistribution.Uniform, gain * Math.Sqrt(6.0 / (fanIn + fanOut)));

    /// <summary>
    /// gain * sqrt(3 / fanIn): variance gain^2 / fanIn, as EDM's code names it. With gain sqrt(1/3) PyTorch's own start, 1 / sqrt(fanIn).
    /// </summary>
    public static Initializer KaimingUniform(int fanIn, double gain) => new(InitialDistribution.Uniform, gain * Math.Sqrt(3.0 / fanIn));

    /// <summary>Variance 1 / fanIn from a normal distribution cut at two standard deviations: LeCun et al. 1998, as Flax has it.</summary>
    public static Initializer LecunNormal(int fanIn) => new(InitialDistribution.TruncatedNormal, 1 / Math.Sqrt(fanIn) / TruncatedDeviation);

    /// <summary>Fills <paramref name="values"/> from the random sequence of (seed, name), whatever other parameters there are.</summary>
    public void Fill(Span<float> values, ulong seed, string name)
    {
        var key = new RandomKey(seed, StreamOf(name));
        switch (Scale == 0 ? InitialDistribution.Constant : Distribution)
        {
            case InitialDistribution.Constant:
                values.Fill((float)Scale);
                break;
            case InitialDistribution.Uniform:
                FillUniform(values, key);
                break;
            case InitialDistribution.Normal:
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)(Scale * Philox.Normal(key, i));
                break;
            default:
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)(Scale * Truncated(key, i));
                break;
        }
    }

    /// <summary>FNV-1a of the name with the top bit set: streams below 2^31 remain for a run's other uses of its seed.</summary>
    public static uint StreamOf(string name)
    {
        uint hash = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ b) * 16777619;
        return hash | 0x80000000;
    }

    private void FillUniform(Span<float> values, RandomKey key)
    {
        for (int i = 0; i < values.Length; i += 4)
        {
            var block = Philox.Block(key.Seed, key.Stream, (ulong)i / 4);
            for (int lane = 0; lane < 4 && i + lane < values.Length; lane++)
                values[i + lane] = (float)(Scale * (2.0 * Philox.ToUniform(block[lane]) - 1.0));
        }
    }

    // Each new try reads another part of the sequence, 2^40 blocks further on.
    private static double Truncated(RandomKey key, int i)
    {
        while (true)
        {
            double z = Philox.Normal(key, i);
            if (Math.Abs(z) <= 2)
                return z;
            key = key.Skip(1ul << 40);
        }
    }
}
