using System.Globalization;
using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>A convolution with what is around it; the oracle does one thing after the other.</summary>
public static class FusedConv2dCases
{
    /// <param name="Shape">After resampling.</param>
    /// <param name="Normalised">Whether scale and shift come before it.</param>
    /// <param name="InputSilu">And SiLU.</param>
    /// <param name="Resampling">Of its input.</param>
    /// <param name="Terms">Which of b(ias), e(mbedding) and r(esidual) are added; m(oments) of the result are written.</param>
    /// <param name="Scale">Of the sum.</param>
    /// <param name="Silu">At the end.</param>
    /// <param name="Size">Where it runs.</param>
    public sealed record Setting(Conv2dShape Shape, bool Normalised, bool InputSilu, Resampling Resampling, string Terms, float Scale,
        bool Silu, CaseSize Size)
    {
        /// <summary>Before resampling.</summary>
        public Shape Input => Resampling switch
        {
            Resampling.Up => new(Shape.N, Shape.H / 2, Shape.W / 2, Shape.C),
            Resampling.Down => new(Shape.N, 2 * Shape.H, 2 * Shape.W, Shape.C),
            _ => Shape.Input,
        };

        /// <summary>Of the prologue.</summary>
        public Shape ScaleShift => new(Shape.N, 2 * Shape.C);

        /// <summary>Of the epilogue.</summary>
        public Shape Embedding => new(Shape.N, Shape.K);

        /// <summary>Unique among the settings.</summary>
        public string Label => string.Create(CultureInfo.InvariantCulture,
            $"{Shape.R}x{Shape.S} {Shape.N}x{Shape.H}x{Shape.W}x{Shape.C}->{Shape.K} stride {Shape.Stride}{(Normalised ? " norm" : "")}"
                + $"{(InputSilu ? " silu" : "")} {Resampling} {Terms} scale {Scale}{(Silu ? " silu" : "")}");
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static double SiluDerivative(double x)
    {
        double s = 1 / (1 + Math.Exp(-x));
        return s * (1 + x * (1 - s));
    }

    /// <summary>scale x + shift of element i.</summary>
    private static double Scaled(Setting s, double[] x, double[] scaleShift, int i)
    {
        int c = i % s.Shape.C, n = i / (s.Input.Length / s.Shape.N), at = n * 2 * s.Shape.C + c;
        return scaleShift[at] * x[i] + scaleShift[at + s.Shape.C];
    }

    /// <summary>What the convolution sees.</summary>
    private static double[] Seen(Setting s, double[] x, double[] scaleShift)
    {
        var v = new double[x.Length];
        for (int i = 0; i < v.Length; i++)
        {
            v[i] = s.Normalised ? Scaled(s, x, scaleShift, i) : x[i];
            v[i] = s.InputSilu ? Silu(v[i]) : v[i];
        }
        if (s.Resampling == Resampling.None)
            return v;
        var u = new double[s.Shape.Input.Length];
        ForEachResampled(s, (small, large) =>
        {
            if (s.Resampling == Resampling.Up)
                u[large] = v[small];
            else
                u[small] += v[large] / 4;
        });
        return u;
    }

    private static void ForEachResampled(Setting s, Action<int, int> pair)
    {
        var (h, w, c) = s.Resampling == Resampling.Up ? (s.Shape.H, s.Shape.W, s.Shape.C) : (2 * s.Shape.H, 2 * s.Shape.W, s.Shape.C);
        for (int i = 0; i < s.Shape.N * h * w * c; i++)
        {
            int channel = i % c, q = i / c % w, p = i / c / w % h, n = i / (c * w * h);
            pair(((n * (h / 2) + p / 2) * (w / 2) + q / 2) * c + channel, i);
        }
    }

    private static void Forward(Setting s, double[] x, double[] scaleShift, double[] w, double[] bias, double[] embedding,
        double[] residual, double[] y)
    {
        Conv2dCases.Forward(s.Shape, Seen(s, x, scaleShift), w, s.Terms.Contains('b') ? bias : null, y);
        int k = s.Shape.K, image = s.Shape.P * s.Shape.Q * k;
        for (int i = 0; i < y.Length; i++)
        {
            if (s.Terms.Contains('e'))
                y[i] += embedding[i / image * k + i % k];
            if (s.Terms.Contains('r'))
                y[i] += residual[i];
            y[i] *= s.Scale;
            y[i] = s.Silu ? Silu(y[i]) : y[i];
        }
    }

    private static void Dgrad(Setting s, double[] dy, double[] w, double[] dv)
    {
        var du = new double[s.Shape.Input.Length];
        Conv2dCases.Dgrad(s.Shape, dy, w, du);
        if (s.Resampling == Resampling.None)
        {
            du.CopyTo(dv, 0);
            return;
        }
        Array.Clear(dv);
        ForEachResampled(s, (small, large) =>
        {
            if (s.Resampling == Resampling.Up)
                dv[small] += du[large];
            else
                dv[large] = du[small] / 4;
        });
    }

    private static IEnumerable<Setting> Settings()
    {
        float half = (float)Math.Sqrt(0.5);
        Conv2dShape tiny = Conv2dShape.Same(2, 4, 2, 4, 8, 3), odd = Conv2dShape.Same(2, 2, 4, 3, 5, 3),
            one = Conv2dShape.Same(2, 2, 2, 8, 4, 1);
        foreach (var resampling in Enum.GetValues<Resampling>())
        {
            foreach (var shape in new[] { tiny, odd, one })
            {
                yield return new(shape, true, true, resampling, "ber", half, true, CaseSize.Tiny);
                yield return new(shape, true, false, resampling, "b", 1, false, CaseSize.Tiny);
                yield return new(shape, false, false, resampling, "er", half, false, CaseSize.Tiny);
            }
            // Several images a task, several steps of depth, register tiles that end within a panel; then a band of rows of one image.
            yield return new(Conv2dShape.Same(3, 4, 4, resampling == Resampling.None ? 40 : 24, 20, 3), true, true, resampling, "ber", half,
                true, CaseSize.Small);
            yield return new(Conv2dShape.Same(2, 4, 4, 12, 24, 3), false, false, resampling, "br", half, false, CaseSize.Small);
            yield return new(Conv2dShape.Same(1, 20, 18, 6, 7, 3), true, true, resampling, "be", 1, false, CaseSize.Small);
            yield return new(Conv2dShape.Same(2, 6, 6, 9, 16, 1), true, true, resampling, "er", -2, false, CaseSize.Small);
        }
        yield return new(new(2, 5, 7, 4, 8, 3, 3, 2, 1, 1), true, true, Resampling.None, "ber", half, true, CaseSize.Tiny);
        yield return new(new(2, 6, 6, 8, 8, 3, 3, 2, 0, 1), true, false, Resampling.Down, "be", 1, false, CaseSize.Tiny);
        yield return new(Conv2dShape.Same(4, 16, 16, 64, 64, 3), true, true, Resampling.None, "ber", half, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 16, 16, 96, 24, 3), true, true, Resampling.None, "be", 1, true, CaseSize.Small);
        yield return new(Conv2dShape.Same(3, 16, 16, 32, 96, 1), true, false, Resampling.None, "r", half, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 16, 16, 32, 3, 3), true, true, Resampling.None, "b", 1, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 16, 16, 130, 66, 3), true, true, Resampling.None, "ber", half, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(1, 6, 6, 150, 160, 3), true, true, Resampling.None, "b", 1, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 4, 4, 16, 24, 3), false, false, Resampling.None, "berm", half, true, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 8, 4, 12, 14, 3), true, true, Resampling.None, "bm", 1, false, CaseSize.Small);
        yield return new(new(1, 8, 8, 12, 10, 3, 3, 2, 1, 1), false, false, Resampling.None, "m", 1, false, CaseSize.Tiny);
        yield return new(Conv2dShape.Same(1, 8, 8, 4, 6, 3), false, false, Resampling.Up, "bm", 1, false, CaseSize.Tiny);
        // Sixteen channels a thread, with weights in blocks and as they lie.
        yield return new(Conv2dShape.Same(8, 8, 8, 4, 16, 3), false, false, Resampling.Up, "be", half, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(1, 6, 6, 4, 32, 3), false, false, Resampling.Up, "b", 1, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(32, 16, 16, 128, 128, 3), true, true, Resampling.None, "ber", half, false, CaseSize.Large);
        yield return new(Conv2dShape.Same(32, 32, 32, 64, 64, 3), false, false, Resampling.Up, "be", 1, false, CaseSize.Large);
    }

    private static ConvolutionPrologue Prologue(Setting s, Tensor scaleShift) =>
        new(s.Normalised ? scaleShift : null, s.InputSilu, s.Resampling);

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows() =>
        [.. Settings().Select(Forward),
            .. Settings().Where(s => (s.Silu || s.Terms == "b" || s.Size == CaseSize.Large) && !s.Terms.Contains('m'))
                .SelectMany(Backward)];

    /// <summary>The operation itself.</summary>
    public static OpCase Forward(Setting s)
    {
        // What is not part of a setting is not among its operands: the declared bytes are held to them.
        var terms = new List<Operand> { In("x", s.Input), In("w", s.Shape.Weight), Out("y", s.Shape.Output) };
        int[] at = [Add(s.Normalised, In("scaleShift", s.ScaleShift)), Add(s.Terms.Contains('b'), In("bias", new(s.Shape.K))),
            Add(s.Terms.Contains('e'), In("embedding", s.Embedding)), Add(s.Terms.Contains('r'), In("residual", s.Shape.Output)),
            Add(s.Terms.Contains('m'), Out("moments", s.Shape.OutputBlocks.Moments))];
        return new("FusedConv2d", s.Label, [.. terms],
            (b, t) => b.FusedConv2d(s.Shape, t[0], t[1], new ConvolutionPrologue(Of(t, at[0]), s.InputSilu, s.Resampling),
                new ConvolutionEpilogue(Of(t, at[1]), Of(t, at[2]), Of(t, at[3]), s.Scale, s.Silu, Of(t, at[4])), t[2]),
            d =>
            {
                Forward(s, d[0], Of(d, at[0])!, d[1], Of(d, at[1])!, Of(d, at[2])!, Of(d, at[3])!, d[2]);
                if (Of(d, at[4]) is { } moments)
                    MomentsCases.Of(s.Shape.OutputBlocks, d[2], moments);
            })
        { Size = s.Size, Setting = s, Multiplied = d => Seen(s, d[0], Of(d, at[0])!) };

        int Add(bool wanted, Operand operand)
        {
            if (!wanted)
                return -1;
            terms.Add(operand);
            return terms.Count - 1;
        }

        static T? Of<T>(T[] all, int i)
            where T : class => i < 0 ? null : all[i];
    }

    /// <summary>Its gradients of weights and of what the convolution sees.</summary>
    public static IEnumerable<OpCase> Backward(Setting s)
    {
        Operand[] wgrad = [In("x", s.Input), In("scaleShift", s.ScaleShift), In("dy", s.Shape.Output), InOut("dw", s.Shape.Weight),
            InOut("dbias", new(s.Shape.K))];
        bool bias = s.Terms.Contains('b');
        yield return new("FusedConv2dWgrad", s.Label, bias ? wgrad : wgrad[..4],
            (b, t) => b.FusedConv2dWgrad(s.Shape, t[0], Prologue(s, t[1]), t[2], t[3], bias ? t[4] : null),
            d => Conv2dCases.Wgrad(s.Shape, Seen(s, d[0], d[1]), d[2], d[3], bias ? d[4] : null))
        { Size = s.Size, Setting = s, Multiplied = d => Seen(s, d[0], d[1]) };
        yield return new("FusedConv2dDgrad", s.Label, [In("dy", s.Shape.Output), In("w", s.Shape.Weight), Out("dv", s.Input)],
            (b, t) => b.FusedConv2dDgrad(s.Shape, t[0], t[1], s.Resampling, t[2]), d => Dgrad(s, d[0], d[1], d[2]))
        { Size = s.Size, Setting = s };
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        foreach (var s in Settings().Where(s => s.Size == CaseSize.Tiny && !s.Terms.Contains('m')))
        {
            double[][] at = [Values.NormalArray(1, s.Input.Length), Values.NormalArray(2, s.ScaleShift.Length),
                Values.NormalArray(3, s.Shape.Weight.Length),
                Values.NormalArray(4, s.Shape.K), Values.NormalArray(5, s.Embedding.Length), Values.NormalArray(6, s.Shape.Output.Length)];
            var linear = s with { Silu = false };
            double[] F(double[][] d)
            {
                var y = new double[s.Shape.Output.Length];
                Forward(linear, d[0], d[1], d[2], d[3], d[4], d[5], y);
                return y;
            }
            // The gradient of what is scaled and added is scale dy; x's goes on through SiLU and scale.
            yield return new("FusedConv2dDgrad", s.Label, at, F, (d, dy) =>
            {
                double[] sum = [.. dy.Select(v => s.Scale * v)], dv = new double[s.Input.Length];
                Dgrad(s, sum, d[2], dv);
                for (int i = 0; i < dv.Length && s.Normalised; i++)
                {
                    int c = i % s.Shape.C, n = i / (dv.Length / s.Shape.N);
                    dv[i] *= (s.InputSilu ? SiluDerivative(Scaled(s, d[0], d[1], i)) : 1) * d[1][n * 2 * s.Shape.C + c];
                }
                return [dv, null, null, null, null, s.Terms.Contains('r') ? sum : null];
            });
            yield return new("FusedConv2dWgrad", s.Label, at, F, (d, dy) =>
            {
                var (dw, dbias) = (new double[s.Shape.Weight.Length], new double[s.Shape.K]);
                Conv2dCases.Wgrad(s.Shape, Seen(s, d[0], d[1]), [.. dy.Select(v => s.Scale * v)], dw, s.Terms.Contains('b') ? dbias : null);
                return [null, null, dw, s.Terms.Contains('b') ? dbias : null, null, null];
            });
        }
    }
}
