namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>Operands worth trying, and their combinations.</summary>
internal static class Values
{
    public static ulong[] Whole(int bits)
    {
        ulong mask = bits == 64 ? ulong.MaxValue : (1ul << bits) - 1, top = 1ul << bits - 1;
        return [.. ((ulong[])[0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 100, 255, 256, top - 1, top, top + 1, mask, mask - 1, mask - 6, mask / 3,
            0x1234_5678_9ABC_DEF0, 0x0F0F_F0F0_3C3C_C3C3])
            .Select(v => v & mask).Distinct()];
    }

    public static ulong[] Singles { get; } =
    [
        .. ((float[])[0, -0f, 1, -1, 0.5f, 1.5f, 2.5f, -2.5f, 3, 1 / 3f, -7.25f, 1e-3f, 1e10f, -1e20f, 3e38f, 1e-38f, float.Epsilon,
            -1e-40f, 8388607.5f, 16777217, 65519.5f, 2147483648f, -2147483648f, 4294967296f, 1e19f,
            float.MaxValue, float.PositiveInfinity, float.NegativeInfinity,
            float.NaN]).Select(v => (ulong)BitConverter.SingleToUInt32Bits(v)),
    ];

    public static ulong[] Doubles { get; } =
    [
        .. ((double[])[0, -0d, 1, -1, 0.5, 1.5, 2.5, -2.5, 3, 1 / 3d, 1e-3, 1e10, -1e200, 1e300, 1e-310, double.Epsilon, 1 + 1e-9,
            4503599627370495.5, 9.3e18, -9.3e18, 1.9e19, 65519.99, 3.5e38,
            double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN]).Select(BitConverter.DoubleToUInt64Bits),
    ];

    /// <summary>All combinations of the values, as columns.</summary>
    public static ulong[][] Combine(params ulong[][] values)
    {
        int count = values.Aggregate(1, (n, v) => n * v.Length);
        ulong[][] columns = [.. values.Select(_ => new ulong[count])];
        for (int row = 0; row < count; row++)
        {
            for (int column = 0, rest = row; column < values.Length; rest /= values[column].Length, column++)
                columns[column][row] = values[column][rest % values[column].Length];
        }
        return columns;
    }

    /// <summary>What a column has at a letter of a shape.</summary>
    public static ulong[] Of(char letter) =>
        letter switch { 'f' => Singles, 'd' => Doubles, 'l' => Whole(64), 'h' => Whole(16), 'p' => [0, 1], _ => Whole(32) };
}
