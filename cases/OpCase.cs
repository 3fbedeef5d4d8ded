using BDense.Kernels;

namespace BDense.Cases;

/// <summary>What a backend does with an operand.</summary>
public enum Role
{
    /// <summary>Read only: its bits must be the same afterwards.</summary>
    Input,

    /// <summary>Overwritten: starts as NaN, so that an element nobody wrote shows.</summary>
    Output,

    /// <summary>Read and changed: accumulated gradients, optimizer states, work in place.</summary>
    InOut,
}

/// <summary>How large a case is, hence where it runs.</summary>
public enum CaseSize
{
    /// <summary>Everywhere, ILGPU's CPU accelerator included (a group barrier costs a millisecond there).</summary>
    Tiny,

    /// <summary>On the CPU reference and on real devices.</summary>
    Small,

    /// <summary>In benchmarks, and in tests that are asked for by name: the double-precision loops take seconds.</summary>
    Large,
}

/// <summary>One tensor argument of an operation.</summary>
/// <param name="Name">As the contract calls it.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Role">What happens to it.</param>
/// <param name="Value">Element i of the starting values, drawn from the case's own generator; ignored for outputs.</param>
public sealed record Operand(string Name, Shape Shape, Role Role, Func<Random, int, float> Value)
{
    public static Operand In(string name, Shape shape, Func<Random, int, float>? value = null) =>
        new(name, shape, Role.Input, value ?? Values.Normal);

    public static Operand Out(string name, Shape shape) => new(name, shape, Role.Output, Values.NaN);

    public static Operand InOut(string name, Shape shape, Func<Random, int, float>? value = null) =>
        new(name, shape, Role.InOut, value ?? Values.Normal);
}

/// <summary>How far a result may be from the oracle.</summary>
/// <param name="Nmse">Largest sum of squared errors over the sum of squared expected values.</param>
/// <param name="MaxAbs">Largest error of one element, in units of the expected values' root mean square. 0: the same float.</param>
public readonly record struct Tolerance(double Nmse, double MaxAbs)
{
    /// <summary>float32 with some hundred additions an element.</summary>
    public static Tolerance Default => new(1e-10, 1e-4);

    /// <summary>A handful of float32 operations an element.</summary>
    public static Tolerance Tight => new(1e-13, 3e-6);

    /// <summary>Moved or chosen, not computed.</summary>
    public static Tolerance Exact => new(0, 0);
}

/// <summary>
/// One row of the case list: an operation, its shapes and options, how a backend runs it, and the double-precision loops that
/// say what is right. Tests and benchmarks walk the same list. Nothing here depends on a test framework.
/// </summary>
/// <param name="Op">The method of <see cref="Backend"/> that the case is about.</param>
/// <param name="Label">Shapes and options, unique within the operation.</param>
/// <param name="Operands">All tensor arguments; the two delegates take them in this order.</param>
/// <param name="Run">Calls the operation.</param>
/// <param name="Oracle">Does the same to arrays of double. Outputs start as NaN here as well.</param>
public sealed record OpCase(string Op, string Label, Operand[] Operands, Action<Backend, Tensor[]> Run, Action<double[][]> Oracle)
{
    public CaseSize Size { get; init; } = CaseSize.Small;

    public Tolerance Tolerance { get; init; } = Tolerance.Default;

    /// <summary>Computes inputs that come from a forward pass (statistics, log-sum-exp) from the other inputs; they are then rounded to
    /// float.</summary>
    public Action<double[][]>? Prepare { get; init; }

    /// <summary>What the operation multiplies in place of its input, of the starting values, where something is done to the input first.</summary>
    public Func<double[][], double[]>? Multiplied { get; init; }

    public string Name => $"{Op} {Label}";

    public override string ToString() => Name;

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
        if (Prepare is not null)
        {
            var values = Widen(start);
            Prepare(values);
            for (int k = 0; k < start.Length; k++)
                start[k] = Array.ConvertAll(values[k], v => (float)v);
        }
        return start;
    }

    /// <summary>What the oracle makes of <paramref name="start"/>.</summary>
    public double[][] Expected(float[][] start)
    {
        var values = Widen(start);
        Oracle(values);
        return values;
    }

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
