using BDense.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    private const int UniPCOrder = 3;

    /// <summary>UniPC with B(h) = h. Zhao et al. 2023; see <see cref="UniPCBh2"/>.</summary>
    public static Tensor UniPCBh1(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) => UniPC(hh => hh, denoise, x, t, o);

    /// <summary>
    /// UniPC with B(h) = e^h - 1, its authors' default for few steps: UniPC-3 in data prediction, of order 4, one evaluation a step.
    /// </summary>
    public static Tensor UniPCBh2(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        UniPC(hh => Math.Exp(hh) - 1, denoise, x, t, o);

    /// <summary>
    /// The unified predictor-corrector, Zhao et al. 2023, algorithms 5 to 8, multistep, in data prediction and sigma space. With
    /// lambda = -ln t, h = lambda' - lambda, g = -h, r_k = (lambda_{i-k} - lambda_i) / h for k below p and r_p = 1:
    /// y = (t'/t) x - (e^g - 1) D_0; predictor x' = y - B(g) sum_{k&lt;p} a_k (D_k - D_0) / r_k; D' = D(x'; t');
    /// corrector x' = y - B(g) (sum_{k&lt;p} c_k (D_k - D_0) / r_k + c_p (D' - D_0)). D' is the next step's D_0.
    /// </summary>
    /// <remarks>
    /// a and c solve sum_k r_k^(n-1) a_k = n! phi_{n+1}(g) / B(g), n = 1..p-1 for a and 1..p for c, phi_2 = (e^g - 1) / g - 1 and
    /// phi_{n+1} = phi_n / g - 1 / n!; as published, a = 1/2 at p = 2 and c = 1/2 at p = 1. The last step is not corrected, so that N steps
    /// cost N evaluations; orders rise from 1, and fall back at the end if <see cref="SolverOptions.LowerOrderFinal"/>.
    /// </remarks>
    private static Tensor UniPC(Func<double, double> b, Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o)
    {
        int steps = t.Length - 1, max = o.Order > 0 ? Math.Min(o.Order, UniPCOrder) : UniPCOrder;
        using var x = Start(x0, t);
        using var y = x.Backend.Empty(x.Shape);
        using var d = new History(max + 1);
        d.Push(Evaluate(denoise, x, t[0], 0, o));
        for (int i = 0; i < steps; i++)
        {
            o.Cancellation.ThrowIfCancellationRequested();
            double ratio = t[i + 1] / t[i];
            int order = t[i + 1] == 0 ? 1 : Math.Min(Math.Min(i + 1, max), o.LowerOrderFinal ? steps - i : max);
            Combine(y, (ratio, x), (1 - ratio, d[0]));
            var r = Ratios(t, i, order);
            double g = Math.Log(ratio), scale = order > 1 || i + 1 < steps ? b(g) : 0;
            Correct(order == 2 ? [0.5] : Solve(r, g, scale, order - 1), first: 0);
            if (i + 1 < steps)
            {
                d.Push(denoise(x, t[i + 1]));
                Correct(order == 1 ? [0.5] : Solve(r, g, scale, order), first: 1);
            }
            o.OnStep?.Invoke(new SolverStep(i + 1, t[i + 1], x, d[i + 1 < steps ? 1 : 0]));

            // x = y - B sum_k weight_k (D_k - D_0) / r_k; in the corrector d[0] is D', and D_0 is d[1].
            void Correct(double[] weights, int first)
            {
                var terms = new List<(double, Tensor)> { (1, y) };
                double sum = 0;
                for (int k = 0; k < weights.Length; k++)
                {
                    bool isNew = first == 1 && k == order - 1;
                    double c = -scale * weights[k] / r[k];
                    terms.Add((c, isNew ? d[0] : d[k + 1 + first]));
                    sum += c;
                }
                if (weights.Length > 0)
                    terms.Add((-sum, d[first]));
                Combine(x, [.. terms]);
            }
        }
        return x.Share();
    }

    /// <summary>r_1 .. r_{p-1}, and 1.</summary>
    private static double[] Ratios(ReadOnlySpan<double> t, int i, int order)
    {
        var r = new double[order];
        for (int k = 1; k < order; k++)
            r[k - 1] = Math.Log(t[i] / t[i - k]) / Math.Log(t[i] / t[i + 1]);
        r[order - 1] = 1;
        return r;
    }

    private static double[] Solve(double[] r, double g, double scale, int count)
    {
        if (count == 0)
            return [];
        var right = new double[count];
        double phi = (Math.Exp(g) - 1) / g - 1, factorial = 1;
        for (int n = 1; n <= count; n++)
        {
            right[n - 1] = phi * factorial / scale;
            factorial *= n + 1;
            phi = phi / g - 1 / factorial;
        }
        var matrix = Matrix<double>.Build.Dense(count, count, (n, k) => Math.Pow(r[k], n));
        return matrix.Solve(Vector<double>.Build.Dense(right)).ToArray();
    }
}
