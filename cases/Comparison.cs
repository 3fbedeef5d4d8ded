using System.Globalization;
using BDense.Kernels;

namespace BDense.Cases;

/// <summary>
/// Holds results to the oracle: normalised mean-square error and largest error, NaN and infinity where they belong. A result in BF16 may
/// also be off by what rounding it takes: half a unit in its last place, and is the rounded oracle itself where a row is exact.
/// </summary>
public static class Comparison
{
    /// <summary>Runs a case once on a backend and compares every operand. Null if all is right; else one line: case, operand, index,
    /// expected, got.</summary>
    public static string? Difference(Backend backend, OpCase row)
    {
        var start = row.Start();
        using var tensors = new CaseTensors(backend, row, start);
        row.Run(backend, tensors.Operands);
        return Difference(row, row.Expected(start), tensors.Results());
    }

    /// <param name="row">Gives names and tolerance.</param>
    /// <param name="expected">Of every operand.</param>
    /// <param name="got">Of every operand.</param>
    /// <param name="nanOnly">Only ask that each expected NaN is there; a backend may spread it further (0 * NaN in padding).</param>
    public static string? Difference(OpCase row, double[][] expected, float[][] got, bool nanOnly = false)
    {
        for (int k = 0; k < expected.Length; k++)
        {
            var operand = row.Operands[k];
            if (operand.Role == Role.Input)
                continue;
            if (nanOnly ? MissingNaN(expected[k], got[k]) is { } at : Worst(expected[k], got[k], operand.Type, row.Tolerance, out at))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{row.Name}: {operand.Name}[{Index(operand.Shape, at)}] "
                    + $"expected {expected[k][at]:g9}, got {got[k][at]:g9}{Summary(expected[k], got[k], row.Tolerance)}");
            }
        }
        return null;
    }

    private static int? MissingNaN(double[] expected, float[] got)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (double.IsNaN(expected[i]) && !float.IsNaN(got[i]))
                return i;
        }
        return null;
    }

    /// <summary>Whether it fails, and where it is worst.</summary>
    private static bool Worst(double[] expected, float[] got, ElementType type, Tolerance tolerance, out int at)
    {
        (at, double worst) = (0, 0);
        if (type == ElementType.BFloat16)
            return WorstRounded(expected, got, tolerance, out at);
        for (int i = 0; i < expected.Length; i++)
        {
            if (double.IsFinite(expected[i]) != float.IsFinite(got[i])
                || (!double.IsFinite(expected[i]) && !expected[i].Equals((double)got[i])))
            {
                at = i;
                return true;
            }
            double error = double.IsFinite(expected[i]) ? Math.Abs(expected[i] - got[i]) : 0;
            if (error > worst)
                (at, worst) = (i, error);
        }
        var (nmse, rms) = Errors(expected, got);
        return worst > tolerance.MaxAbs * rms || nmse > tolerance.Nmse;
    }

    /// <summary>The same for a result in BF16.</summary>
    private static bool WorstRounded(double[] expected, float[] got, Tolerance tolerance, out int at)
    {
        double allowed = tolerance.MaxAbs * Errors(expected, got).Rms;
        for (at = 0; at < expected.Length; at++)
        {
            float nearest = BFloat16.Rounded((float)expected[at]);
            if (nearest.Equals(got[at]) || nearest == got[at])
                continue;
            double error = Math.Abs(expected[at] - got[at]);
            if (!float.IsFinite(nearest) || !float.IsFinite(got[at]) || allowed == 0 || error > allowed + HalfUnit(expected[at]))
                return true;
        }
        return false;
    }

    /// <summary>Of the eighth significant bit.</summary>
    private static double HalfUnit(double x) => x == 0 ? 0 : Math.ScaleB(1, Math.ILogB(x) - 8);

    private static (double Nmse, double Rms) Errors(double[] expected, float[] got)
    {
        double error = 0, signal = 0;
        int count = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (!double.IsFinite(expected[i]))
                continue;
            error += (expected[i] - got[i]) * (expected[i] - got[i]);
            signal += expected[i] * expected[i];
            count++;
        }
        return (error == 0 ? 0 : error / signal, Math.Sqrt(signal / Math.Max(1, count)));
    }

    private static string Summary(double[] expected, float[] got, Tolerance tolerance)
    {
        var (nmse, rms) = Errors(expected, got);
        return string.Create(CultureInfo.InvariantCulture,
            $" (NMSE {nmse:g3}, at most {tolerance.Nmse:g3}; an element may be off by {tolerance.MaxAbs * rms:g3})");
    }

    private static string Index(Shape shape, int flat)
    {
        var index = new int[shape.Rank];
        for (int d = shape.Rank - 1; d >= 0; d--)
            (flat, index[d]) = Math.DivRem(flat, shape[d]);
        return string.Join(",", index);
    }
}
