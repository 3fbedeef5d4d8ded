using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Channels of two images beside each other, and apart again.</summary>
public static class ConcatCases
{
    /// <summary>For every channel of y: whether it comes from a, and from where.</summary>
    private static void ForEach(int ca, int cb, int length, Action<int, bool, int> element)
    {
        for (int i = 0; i < length; i++)
        {
            int pixel = i / (ca + cb), c = i % (ca + cb);
            element(i, c < ca, c < ca ? pixel * ca + c : pixel * cb + c - ca);
        }
    }

    private static void Concat(int ca, int cb, double[] a, double[] b, double[] y) =>
        ForEach(ca, cb, y.Length, (i, first, j) => y[i] = first ? a[j] : b[j]);

    private static void Split(int ca, int cb, double[] y, double[] a, double[] b) =>
        ForEach(ca, cb, y.Length, (i, first, j) => (first ? a : b)[j] = y[i]);

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int N, int Side, int Ca, int Cb, CaseSize Size)[] rows =
        [
            (1, 1, 1, 1, CaseSize.Tiny), (2, 3, 5, 3, CaseSize.Tiny), (2, 8, 12, 96, CaseSize.Small), (3, 7, 64, 1, CaseSize.Small),
            (2, 16, 64, 64, CaseSize.Small),
            (32, 32, 128, 128, CaseSize.Large),
        ];
        foreach (var (n, side, ca, cb, size) in rows)
        {
            Shape a = new(n, side, side, ca), b = new(n, side, side, cb), y = new(n, side, side, ca + cb);
            string label = $"{n}x{side}x{side}x{ca}+{cb}";
            yield return new("Concat", label, [In("a", a), In("b", b), Out("y", y)],
                (k, t) => k.Concat(t[0], t[1], t[2]), d => Concat(ca, cb, d[0], d[1], d[2]))
            { Size = size, Tolerance = Tolerance.Exact };
            yield return new("Split", label, [In("y", y), Out("a", a), Out("b", b)],
                (k, t) => k.Split(t[0], t[1], t[2]), d => Split(ca, cb, d[0], d[1], d[2]))
            { Size = size, Tolerance = Tolerance.Exact };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("Split", "4x2+3", [Values.NormalArray(1, 8), Values.NormalArray(2, 12)],
            d =>
            {
                var y = new double[20];
                Concat(2, 3, d[0], d[1], y);
                return y;
            },
            (d, dy) =>
            {
                var (da, db) = (new double[8], new double[12]);
                Split(2, 3, dy, da, db);
                return [da, db];
            });
    }
}
