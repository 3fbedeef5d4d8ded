namespace BDense.Cases;

/// <summary>
/// A backward oracle beside its forward oracle, both in double precision: with L = sum_k v_k Forward(x)_k for a random v,
/// the gradients that <see cref="Backward"/> gives must equal central differences of L.
/// </summary>
/// <param name="Op">The backward operation of the contract that this oracle stands for.</param>
/// <param name="Label">Shapes and options.</param>
/// <param name="At">The inputs, the point of the derivative.</param>
/// <param name="Forward">One output from the inputs.</param>
/// <param name="Backward">One gradient for each input from the inputs and v = dL/d(output); null for an input without gradient.</param>
public sealed record GradientCase(string Op, string Label, double[][] At, Func<double[][], double[]> Forward,
    Func<double[][], double[], double[]?[]> Backward)
{
    private const double Step = 1e-5;
    private const int MostElements = 150;

    /// <summary>Operation and label.</summary>
    public string Name => $"{Op} {Label}";

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Null if all gradients agree; else one line that names the first that does not.</summary>
    public string? Disagreement(double tolerance = 1e-7)
    {
        var v = Values.NormalArray(99, Forward(At).Length);
        var analytic = Backward(At, v);
        for (int k = 0; k < At.Length; k++)
        {
            if (analytic[k] is not { } gradient)
                continue;
            if (gradient.Length != At[k].Length)
                return $"{Name}: input {k} has {At[k].Length} elements, its gradient {gradient.Length}";
            // Large inputs are sampled with a stride that is coprime to the usual extents.
            int stride = At[k].Length <= MostElements ? 1 : At[k].Length / MostElements | 1;
            for (int i = 0; i < At[k].Length; i += stride)
            {
                double numeric = (Loss(k, i, Step, v) - Loss(k, i, -Step, v)) / (2 * Step);
                if (!(Math.Abs(numeric - gradient[i]) <= tolerance * (1 + Math.Abs(numeric))))
                    return $"{Name}: input {k}, element {i}: backward gives {gradient[i]:g9}, central difference {numeric:g9}";
            }
        }
        return null;
    }

    private double Loss(int input, int element, double step, double[] v)
    {
        var x = (double[][])At.Clone();
        x[input] = (double[])At[input].Clone();
        x[input][element] += step;
        var y = Forward(x);
        double loss = 0;
        for (int i = 0; i < y.Length; i++)
            loss += v[i] * y[i];
        return loss;
    }
}
