using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Distillation;

/// <summary>
/// The weights w_b of the branch losses, b = 1..K. As text: a kind, and for some of them numbers after a colon.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>quadrature</c>: w_b = c_{b-1}, the fold coefficients of a chain over the same nodes: each branch counts as much as its
/// head does in the endpoint. No tuning; the default for chained heads.</item>
/// <item><c>exponential</c>, <c>exponential:a</c>: proportional to exp(a b), summing to 1; a = 1.23 is what the authors' search
/// found. <c>exponential:a,b</c>: exp(a i + b), i = 0..K-1, as it is. The default for parallel heads, which equal weights harm.</item>
/// <item><c>fixed:w1,...,wK</c>: as given.</item>
/// <item><c>ramp</c>: from equal weights at the start of training to the endpoint alone at its end, linearly; <c>ramp:p</c>: at the
/// fraction p of it.</item>
/// <item><c>annealed</c>, <c>annealed:p</c>: as ramp, from the quadrature: w_b = max(0, 1 - s / p) c_{b-1} for b below K at the fraction s
/// of training, the endpoint the rest to 1; p = 0.5.</item>
/// <item><c>uniform</c>: 1 / K. <c>endpoint</c>: 0, ..., 0, 1.</item>
/// <item><c>learned</c>: from a per-branch log-scale of a likelihood; see <see cref="LearnedScales"/>, which is harmful by itself.</item>
/// <item><c>projected</c>, <c>projected:n</c>: the layout's default, and in every n-th iteration the others' gradient is projected off the
/// endpoint's where they conflict; n = 4. Short for <see cref="Distill.Projection"/>.</item>
/// <item><c>aligned</c>: learned from gradients, the endpoint's as the anchor; see <see cref="AlignedWeights"/>.</item>
/// </list>
/// </remarks>
public sealed record BranchWeights
{
    /// <summary>The kinds, as <see cref="Parse"/> takes them.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["quadrature", "exponential", "fixed", "ramp", "annealed", "uniform", "endpoint",
        "projected", "learned", "aligned"];

    // The authors' best set on CIFAR-10 rises by exp(1.23014) from branch to branch.
    private const double SearchedRate = 1.23014;

    private BranchWeights(string kind, double[] values) => (Kind, Values) = (kind, values);

    /// <summary>What they are called, as configurations name it.</summary>
    public string Kind { get; }

    /// <summary>The numbers of the name, where it has any.</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>Whether they are parameters that training changes.</summary>
    public bool IsLearned => Kind == "learned";

    /// <summary>Whether they follow from how far each head's gradient points where the others' do.</summary>
    public bool IsAligned => Kind == "aligned";

    /// <summary>Whether they change with the fraction of training that is done.</summary>
    public bool FollowsProgress => Kind is "ramp" or "annealed";

    /// <summary>Of <c>projected</c>: in every so many-th iteration; 0 of all others.</summary>
    public int Projection => Kind != "projected" ? 0 : Values.Count == 1 ? (int)Values[0] : 4;

    /// <exception cref="UsageException">An unknown kind, or numbers that the kind does not take.</exception>
    public static BranchWeights Parse(string text)
    {
        int colon = text.IndexOf(':');
        string kind = colon < 0 ? text : text[..colon];
        if (!Kinds.Contains(kind))
            throw new UsageException($"there are no branch weights '{kind}'{Suggestion.OrAll(kind, Kinds)}");
        string[] parts = colon < 0 ? [] : text[(colon + 1)..].Split(',');
        var values = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]) || !double.IsFinite(values[i]))
                throw new UsageException($"branch weights '{text}': '{parts[i]}' is no number");
        }
        bool fits = kind switch
        {
            "exponential" => values.Length <= 2,
            "ramp" or "annealed" or "projected" => values.Length <= 1,
            "fixed" => values.Length > 0,
            _ => values.Length == 0
        };
        if (!fits)
            throw new UsageException(
                $"branch weights '{text}': give "
                    + $"{(kind switch
                    {
                        "exponential" => "exponential:a or exponential:a,b",
                        "ramp" or "annealed" => kind + ":p",
                        "projected" => "projected:n",
                        "fixed" => "fixed:w1,w2,..., one a branch",
                        _ => kind + " without numbers"
                    })}");
        if (kind is "ramp" or "annealed" && values is [<= 0 or > 1])
            throw new UsageException($"branch weights '{text}': the others' weights reach 0 at a fraction of training above 0 and up to 1");
        if (kind == "projected" && values is [var n] && (n != Math.Floor(n) || n is < 1 or > int.MaxValue))
            throw new UsageException(
                $"branch weights '{text}': gradients are projected in every n-th iteration, n a whole number of 1 or more");
        if (kind == "fixed" && (values.Any(v => v < 0) || values.Sum() <= 0))
            throw new UsageException($"branch weights '{text}': weights are 0 or more, and one is above 0");
        return new BranchWeights(kind, values);
    }

    /// <summary>w_1 .. w_K for one sample's nodes. Learned and aligned weights start from the quadrature.</summary>
    /// <param name="nodes">sigma_0 .. sigma_K.</param>
    /// <param name="progress">0 at the first update, 1 at the last.</param>
    public double[] At(ReadOnlySpan<double> nodes, double progress)
    {
        int k = nodes.Length - 1;
        var w = new double[k];
        switch (Kind)
        {
            case "fixed":
                if (Values.Count != k)
                    throw new UsageException($"{Values.Count} fixed branch weights for {k} branches");
                return [.. Values];
            case "exponential" when Values.Count == 2:
                for (int b = 0; b < k; b++)
                    w[b] = Math.Exp(Values[0] * b + Values[1]);
                return w;
            case "exponential":
                for (int b = 0; b < k; b++)
                    w[b] = Math.Exp((Values.Count == 1 ? Values[0] : SearchedRate) * (b - k + 1));
                break;
            case "ramp":
                double rest = Math.Max(0, 1 - progress / (Values.Count == 1 ? Values[0] : 1));
                for (int b = 0; b < k; b++)
                    w[b] = rest / k + (b == k - 1 ? 1 - rest : 0);
                break;
            case "annealed":
                Quadrature(nodes, w);
                for (int b = 0; b < k - 1; b++)
                    w[b] *= Math.Max(0, 1 - progress / (Values.Count == 1 ? Values[0] : 0.5));
                w[^1] = 1 - w.Take(k - 1).Sum();
                break;
            case "uniform":
                Array.Fill(w, 1);
                break;
            case "endpoint":
                w[^1] = 1;
                break;
            default:
                Quadrature(nodes, w);
                break;
        }
        double sum = w.Sum();
        return [.. w.Select(v => v / sum)];
    }

    // c_j ~ sigma_K (1/sigma_{j+1} - 1/sigma_j), which is finite where sigma_K = 0: then the endpoint alone counts.
    private static void Quadrature(ReadOnlySpan<double> nodes, double[] c)
    {
        int k = c.Length;
        for (int j = 0; j < k; j++)
            c[j] = (j == k - 1 ? 1 : nodes[k] / nodes[j + 1]) - nodes[k] / nodes[j];
        double sum = c.Sum();
        for (int j = 0; j < k; j++)
            c[j] /= sum;
    }

    /// <summary>As configurations and <c>--weights</c> take them.</summary>
    public override string ToString() =>
        Values.Count == 0 ? Kind : $"{Kind}:{string.Join(",", Values.Select(v => v.ToString("R", CultureInfo.InvariantCulture)))}";
}
