using BDense.Experiments;
using BDense.Training.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class PowerSpectrumTests
{
    [Test]
    public void A_wave_has_its_power_at_its_frequency()
    {
        // a cos(2 pi 3 x / 16): |F|^2 = (a 256 / 2)^2 at two of the frequencies that round to 3.
        const int Side = 16;
        float[] wave =
            [.. Enumerable.Range(0, Side * Side).Select(p => (float)(0.5 * Math.Cos(2 * Math.PI * 3 * (p % Side) / Side) + 0.25))];
        double[] power = PowerSpectrum.Of(wave, Side, 1);
        int members = Enumerable.Range(-7, 16).SelectMany(y => Enumerable.Range(-7, 16).Select(x => Math.Sqrt(x * x + y * y)))
            .Count(r => Math.Round(r) == 3);
        Assert.That(power, Has.Length.EqualTo(9));
        Assert.That(power[0], Is.EqualTo(0.25 * 0.25 * 256).Within(1e-4));
        Assert.That(power[3], Is.EqualTo(2 * (0.5 * 128) * (0.5 * 128) / 256 / members).Within(1e-4));
        Assert.That(power.Where((_, k) => k is not (0 or 3)).Max(), Is.LessThan(1e-8));
        Assert.That(PowerSpectrum.Decibels([1, 20, 20], [1, 2, 2], 1, 2), Is.EqualTo(10).Within(1e-12));
    }

    [Test]
    public void White_noise_is_flat_at_its_variance_in_every_channel()
    {
        float[] noise =
            [.. Enumerable.Range(0, 200 * 8 * 8 * 3).Select(i => 2 * (float)Kernels.Philox.Normal(new Kernels.RandomKey(1, 1), i))];
        foreach (double p in PowerSpectrum.Of(noise, 8, 3))
            Assert.That(p, Is.EqualTo(4).Within(0.6));
    }

    [Test]
    public void An_error_that_is_the_teachers_own_is_called_inherited()
    {
        float[] fine = new float[4], finer = [0.1f, 0, 0, 0];
        var whole = ArtefactShare.Of([2, 0, 0, 0], [1, 0, 0, 0], fine, finer);
        Assert.That(whole.Inherited, Is.EqualTo(1).Within(1e-12));
        Assert.That((whole.StudentToTeacher, whole.StudentToFine, whole.TeacherToFine), Is.EqualTo((0.5, 1.0, 0.5)));
        Assert.That(whole.FineToFiner, Is.EqualTo(0.05).Within(1e-8));
        Assert.That(ArtefactShare.Of([0, 2, 0, 0], [1, 0, 0, 0], fine, finer).Inherited, Is.Zero);
        Assert.That(ArtefactShare.Of([1, 1, 0, 0], [1, 0, 0, 0], fine, finer).Inherited, Is.EqualTo(0.5).Within(1e-12));
    }
}
