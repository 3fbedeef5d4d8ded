using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Means and sums of squared deviations of blocks.</summary>
public static class MomentsCases
{
    private const int Elements = MomentsShape.BlockPixels * MomentsShape.BlockChannels;

    /// <summary>Of x [N,Pixels,C], block by block.</summary>
    public static void Of(MomentsShape s, double[] x, double[] moments)
    {
        for (int i = 0; i < moments.Length; i += 2)
        {
            int row = i / s.C, channel = i % s.C;
            var block = Enumerable.Range(0, Elements)
                .Select(e => x[(row * MomentsShape.BlockPixels + e / 2) * s.C + channel + e % 2]).ToArray();
            double mean = block.Average();
            (moments[i], moments[i + 1]) = (mean, block.Sum(v => (v - mean) * (v - mean)));
        }
    }

    /// <summary>Mean and variance of a group of a sample from its blocks.</summary>
    /// <param name="s">Of the activation.</param>
    /// <param name="moments">Of all its blocks.</param>
    /// <param name="n">Sample.</param>
    /// <param name="first">Channel of the group.</param>
    /// <param name="channels">Of the group.</param>
    public static (double Mean, double Variance) Merge(MomentsShape s, double[] moments, int n, int first, int channels)
    {
        int rows = s.Pixels / MomentsShape.BlockPixels;
        var blocks = (from row in Enumerable.Range(0, rows)
                      from pair in Enumerable.Range(0, channels / 2)
                      let at = (n * rows + row) * s.C + first + 2 * pair
                      select (Mean: moments[at], Squares: moments[at + 1])).ToArray();
        double mean = blocks.Average(block => block.Mean);
        return (mean, blocks.Average(block => block.Squares / Elements + (block.Mean - mean) * (block.Mean - mean)));
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (s, size) in new (MomentsShape, CaseSize)[]
        {
            (new(1, 16, 2), CaseSize.Tiny), (new(2, 48, 6), CaseSize.Tiny), (new(3, 64, 10), CaseSize.Small),
            (new(2, 256, 96), CaseSize.Small), (new(32, 1024, 128), CaseSize.Large),
        })
        {
            foreach (var (note, x) in new[] { ("", Values.Around(0.5f, 2f)), (" mean 1000", Values.Around(1000f, 1f)) })
            {
                yield return new("Moments", $"{s.N}x{s.Pixels}x{s.C}{note}", [In("x", s.Activation, x), Out("moments", s.Moments)],
                    (b, t) => b.Moments(s, t[0], t[1]), d => Of(s, d[0], d[1]))
                { Size = size, Setting = s };
            }
        }
    }
}
