using BDense.Kernels.Ptx;

namespace BDense.Tests.Ptx;

/// <summary>The prologue in double precision, rounded as kernels round it.</summary>
internal static class Prologue
{
    public const float MinusLog2E = -1.44269504f;

    public static double Activated(double x, double scale, double shift, MmaShape shape)
    {
        double value = Silu(x * scale + shift);
        if (shape == MmaShape.Tf32)
            return value;
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return BitConverter.UInt32BitsToSingle(bits + 0x7fff + (bits >> 16 & 1) & 0xffff0000);
    }

    public static double Silu(double x) => x / (1 + Math.Exp(-x));
}
