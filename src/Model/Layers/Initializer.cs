using System.Text;
using BDense.Kernels;

namespace BDense.Model;

/// <summary>How a parameter starts: uniform in [-Bound, Bound], or a constant.</summary>
/// <param name="Bound">Half the width of the uniform distribution; 0 for a constant.</param>
/// <param name="Constant">The value if <paramref name="Bound"/> is 0.</param>
public readonly record struct Initializer(double Bound, float Constant = 0f)
{
    public static Initializer Zero => new(0);

    public static Initializer One => new(0, 1f);

    /// <summary>gain * sqrt(6 / (fanIn + fanOut)): Glorot and Bengio 2010, eq. 16.</summary>
    public static Initializer XavierUniform(int fanIn, int fanOut, double gain) => new(gain * Math.Sqrt(6.0 / (fanIn + fanOut)));

    /// <summary>Fills <paramref name="values"/> from the random sequence of (seed, name), whatever other parameters there are.</summary>
    public void Fill(Span<float> values, ulong seed, string name)
    {
        if (Bound == 0)
        {
            values.Fill(Constant);
            return;
        }
        uint stream = StreamOf(name);
        for (int i = 0; i < values.Length; i += 4)
        {
            var block = Philox.Block(seed, stream, (ulong)i / 4);
            for (int lane = 0; lane < 4 && i + lane < values.Length; lane++)
                values[i + lane] = (float)(Bound * (2.0 * Philox.ToUniform(block[lane]) - 1.0));
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
}
