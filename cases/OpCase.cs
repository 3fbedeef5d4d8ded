using BDense.Kernels;

namespace BDense.Cases;

/// <summary>
/// One row of the case list: an operation, its shapes and options, how a backend runs it, and the double-precision loops that
/// say what is right. Tests, the checker, parity with libtorch and benchmarks walk the same list.
/// </summary>
/// <param name="Op">The method of <see cref="Backend"/> that the case is about, or an operation's name from outside.</param>
/// <param name="Label">Shapes and options, unique within the operation.</param>
/// <param name="Operands">All tensor arguments; the two delegates take them in this order.</param>
/// <param name="Run">Calls the operation.</param>
/// <param name="Oracle">Does the same to arrays of double. Outputs start as NaN here as well.</param>
public sealed record OpCase(string Op, string Label, Operand[] Operands, Action<Backend, Tensor[]> Run, Action<double[][]> Oracle)
{
    /// <summary>Where it runs.</summary>
    public CaseSize Size { get; init; } = CaseSize.Small;

    /// <summary>How far results may be from the oracle.</summary>
    public Tolerance Tolerance { get; init; } = Tolerance.Default;

    /// <summary>
    /// The shape or setting that the row was made of (a <see cref="Conv2dShape"/>, an <see cref="AdamStep"/>): for those who do the same
    /// elsewhere, as libtorch does in tests/Parity. Null where operands say all.
    /// </summary>
    public object? Setting { get; init; }

    /// <summary>
    /// Computes inputs that come from a forward pass (statistics, log-sum-exp) from the other inputs; they are then rounded to float.
    /// </summary>
    public Action<double[][]>? Prepare { get; init; }

    /// <summary>
    /// What the operation multiplies in place of its input, of the starting values, where something is done to the input first.
    /// </summary>
    public Func<double[][], double[]>? Multiplied { get; init; }

    /// <summary>Operation and label.</summary>
    public string Name => $"{Op} {Label}";

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Elements of all operands.</summary>
    public long Elements => Operands.Sum(o => (long)o.Shape.Length);

    /// <summary>The starting values of all operands: the same in every process.</summary>
    public float[][] Start()
    {
        var random = new Random(Seed(Name));
        var start = new float[Operands.Length][];
        for (int k = 0; k < start.Length; k++)
        {
            start[k] = new float[Operands[k].Shape.Length];
            for (int i = 0; i < start[k].Length; i++)
                start[k][i] = Operands[k].Value(random, i);
        }
        Round(start);
        if (Prepare is not null)
        {
            var values = Widen(start);
            Prepare(values);
            for (int k = 0; k < start.Length; k++)
                start[k] = Array.ConvertAll(values[k], v => (float)v);
            Round(start);
        }
        return start;
    }

    /// <summary>To what each operand's type holds.</summary>
    private void Round(float[][] start)
    {
        for (int k = 0; k < start.Length; k++)
        {
            if (Operands[k].Type == ElementType.BFloat16)
                start[k] = Array.ConvertAll(start[k], BFloat16.Rounded);
        }
    }

    /// <summary>What the oracle makes of <paramref name="start"/>.</summary>
    public double[][] Expected(float[][] start)
    {
        var values = Widen(start);
        Oracle(values);
        return values;
    }

    /// <summary>The same values in double precision.</summary>
    public static double[][] Widen(float[][] values) => Array.ConvertAll(values, x => Array.ConvertAll(x, v => (double)v));

    /// <summary>FNV-1a, because string hashes differ from process to process.</summary>
    private static int Seed(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
            hash = (hash ^ c) * 16777619;
        return (int)(hash & 0x7fffffff);
    }
}
