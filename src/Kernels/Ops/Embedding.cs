using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// Sinusoidal or Fourier features of a scalar per sample: with a = t[n] * frequencies[j],
    /// y[n, j] = cos(a), y[n, J + j] = sin(a), or sin first. The caller chooses the frequencies: 10000^(-j/(J - endpoint)) for
    /// positional embeddings (Vaswani et al. 2017), 2 pi times normal numbers for Fourier features (Song et al. 2021).
    /// </summary>
    /// <remarks>
    /// |a| up to 10^5 is reduced to one period before the device's fast sine sees it. Absolute error at most 5e-5 for |a| to 1000,
    /// most of it the rounding of the product t * frequency itself.
    /// </remarks>
    /// <param name="t">[N]</param>
    /// <param name="frequencies">[J], radians per unit of t.</param>
    /// <param name="y">[N,2J], overwritten.</param>
    /// <param name="sinFirst">Sines before cosines.</param>
    public void Embedding(Tensor t, Tensor frequencies, Tensor y, bool sinFirst)
    {
        Expect(t, t.Shape);
        Expect(frequencies, frequencies.Shape);
        Expect(y, new Shape(t.Length, 2 * frequencies.Length));
        Report(OpCost.Of((long)t.Length + frequencies.Length, y.Length, 2L * y.Length));
        Writes(y);
        if (Computes)
            EmbeddingCore(t, frequencies, y, sinFirst);
    }

    private protected abstract void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> EmbeddingByName()
    {
        yield return new("embedding", ["N", "FREQUENCIES"], [64, 128], (t, e) =>
        {
            Tensor times = t.Uniform(new(e[0])), frequencies = t.Uniform(new(e[1])), y = t.Empty(new(e[0], 2 * e[1]));
            return [new("forward", () => t.Backend.Embedding(times, frequencies, y, sinFirst: false))];
        });
    }
}
