using System.Numerics;
using MathNet.Numerics.IntegralTransforms;

namespace BDense.Training.Metrics;

/// <summary>
/// Radially averaged power spectrum: P(k) = mean of |F(kx, ky)|^2 / (H W) over the frequencies whose distance from 0 rounds to k cycles an
/// image, over channels and images; F is the discrete Fourier transform of the square image. k = 0 .. side / 2.
/// </summary>
public static class PowerSpectrum
{
    /// <param name="images">[N,H,W,C], H = W.</param>
    /// <param name="side">H</param>
    /// <param name="channels">C</param>
    public static double[] Of(ReadOnlySpan<float> images, int side, int channels)
    {
        int length = side * side * channels, count = images.Length / length;
        if (count == 0 || images.Length % length != 0)
            throw new ArgumentException($"{images.Length} values are no whole images of {side} x {side} x {channels}");
        var (power, members) = (new double[side / 2 + 1], new long[side / 2 + 1]);
        var plane = new Complex[side * side];
        for (int image = 0; image < count * channels; image++)
        {
            var source = images.Slice(image / channels * length, length);
            for (int p = 0; p < plane.Length; p++)
                plane[p] = source[p * channels + image % channels];
            Transform(plane, side);
            for (int p = 0; p < plane.Length; p++)
            {
                int y = Math.Min(p / side, side - p / side), x = Math.Min(p % side, side - p % side);
                int k = (int)Math.Round(Math.Sqrt(x * x + y * y));
                if (k >= power.Length)
                    continue;
                power[k] += (plane[p].Real * plane[p].Real + plane[p].Imaginary * plane[p].Imaginary) / plane.Length;
                members[k]++;
            }
        }
        return [.. power.Zip(members, (p, n) => p / n)];
    }

    /// <summary>
    /// 10 log10 of the ratio of the powers of two spectra in a band first .. last, in decibels: how much more power a has.
    /// </summary>
    public static double Decibels(double[] a, double[] b, int first, int last) =>
        10 * Math.Log10(a[first..(last + 1)].Sum() / b[first..(last + 1)].Sum());

    private static void Transform(Complex[] plane, int side)
    {
        var line = new Complex[side];
        for (int axis = 0; axis < 2; axis++)
        {
            int step = axis == 0 ? 1 : side, next = axis == 0 ? side : 1;
            for (int i = 0; i < side; i++)
            {
                for (int j = 0; j < side; j++)
                    line[j] = plane[i * next + j * step];
                Fourier.Forward(line, FourierOptions.NoScaling);
                for (int j = 0; j < side; j++)
                    plane[i * next + j * step] = line[j];
            }
        }
    }
}
