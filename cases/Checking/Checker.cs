using BDense.Kernels;

namespace BDense.Cases.Checking;

/// <summary>
/// Says what is wrong with an operation on a device. Nothing here depends on a test framework, and nothing throws but for a fault of the
/// device: a test asserts that the list is empty, a program prints it.
/// </summary>
public static class Checker
{
    /// <summary>A row with more elements has no NaN check: the oracle runs once for every operand.</summary>
    public const int MostElementsForNaN = 40_000;

    /// <summary>Floats that a pool may hold idle before they are given back: all of them are filled with NaN for each row.</summary>
    private const long MostIdle = 1 << 22;

    /// <summary>A row on a device: right, the same bits again, right from views that start anywhere.</summary>
    public static IReadOnlyList<Finding> Row(Backend backend, OpCase row) => Row([backend], row);

    /// <summary>
    /// A row on several backends that must give the same bits, such as the reference with one, two and three threads. Each runs it twice,
    /// the second time over scratch memory full of NaN: an operation that reads it before it writes it may else find right values there.
    /// </summary>
    public static IReadOnlyList<Finding> Row(IReadOnlyList<Backend> same, OpCase row)
    {
        var findings = new List<Finding>();
        var start = row.Start();
        float[][]? first = null;
        foreach (var backend in same)
        {
            Guard(findings, row, () =>
            {
                if (backend.Pool.FreeLengths.Sum(length => (long)length) > MostIdle)
                    backend.Pool.Trim();
                using var tensors = new CaseTensors(backend, row, start);
                for (int run = 0; run < 2; run++)
                {
                    if (run > 0)
                    {
                        tensors.Reset();
                        Poison(backend);
                    }
                    row.Run(backend, tensors.Operands);
                    var results = tensors.Results();
                    first ??= results;
                    if (Changed(row, first, results) is { } change)
                        findings.Add(new(row.Name, Check.Repeats, $"{change} (run {run + 1} on {backend.Description})"));
                }
            });
        }
        if (first is null)
            return findings;
        double[][] expected = row.Expected(start);
        Add(findings, row, Check.Oracle, Comparison.Difference(row, expected, first));
        Guard(findings, row, () =>
        {
            using var shifted = new CaseTensors(same[^1], row, start, aligned: false);
            row.Run(same[^1], shifted.Operands);
            Add(findings, row, Check.Unaligned, Comparison.Difference(row, expected, shifted.Results()));
        });
        return findings;
    }

    /// <summary>A NaN in any operand that is read must be in every element that depends on it: nothing may swallow it.</summary>
    public static IReadOnlyList<Finding> NaN(Backend backend, OpCase row)
    {
        var findings = new List<Finding>();
        for (int k = 0; k < row.Operands.Length; k++)
        {
            var operand = row.Operands[k];
            if (operand.Role == Role.Output)
                continue;
            var start = row.Start();
            start[k][start[k].Length / 2] = float.NaN;
            Guard(findings, row, () =>
            {
                using var tensors = new CaseTensors(backend, row, start);
                row.Run(backend, tensors.Operands);
                string? missing = Comparison.Difference(row, row.Expected(start), tensors.Results(), nanOnly: true);
                Add(findings, row, Check.NaN, missing is null ? null : $"{missing} (NaN in {operand.Name})");
            });
        }
        return findings;
    }

    /// <summary>
    /// The declared cost against the operands: each input is read once and each output written once. In place, the same tensor may count
    /// twice; parameters beside activations may be left out.
    /// </summary>
    /// <param name="backend">One that only counts will do (<see cref="Kernels.Devices.DryRunBackend"/>).</param>
    /// <param name="row">Of some ten thousand elements or more: small ones are all parameters.</param>
    public static IReadOnlyList<Finding> Cost(Backend backend, OpCase row)
    {
        var findings = new List<Finding>();
        Guard(findings, row, () =>
        {
            var (cost, calls) = Declared.Of(backend, row);
            long read = calls * row.Operands.Where(o => o.Role != Role.Output).Sum(o => o.Bytes);
            long written = calls * row.Operands.Where(o => o.Role != Role.Input).Sum(o => o.Bytes);
            if (cost.BytesRead < 0.75 * read || cost.BytesRead > 2.01 * read)
                Add(findings, row, Check.Cost, $"{row.Name}: declares {cost.BytesRead} bytes read, its operands have {read}");
            if (cost.BytesWritten < 0.75 * written || cost.BytesWritten > 1.001 * written)
                Add(findings, row, Check.Cost, $"{row.Name}: declares {cost.BytesWritten} bytes written, its operands have {written}");
        });
        return findings;
    }

    /// <summary>The backward oracle against central differences of the forward oracle, in double precision.</summary>
    public static IReadOnlyList<Finding> Gradient(GradientCase row) =>
        row.Disagreement() is { } message ? [new(row.Name, Check.Gradient, message)] : [];

    /// <summary>All checks of a set: rows up to a size, gradients, kernels.</summary>
    /// <param name="backend">Where the rows run.</param>
    /// <param name="cases">Which.</param>
    /// <param name="largest">Tiny on ILGPU's simulation, small on a device, large where minutes do not matter.</param>
    /// <param name="progress">Told the name of what comes next.</param>
    public static IReadOnlyList<Finding> All(Backend backend, CaseSet cases, CaseSize largest, Action<string>? progress = null)
    {
        var findings = new List<Finding>();
        foreach (var row in cases.Rows.Where(row => row.Size <= largest))
        {
            progress?.Invoke(row.Name);
            findings.AddRange(Row(backend, row));
            if (row.Elements < MostElementsForNaN)
                findings.AddRange(NaN(backend, row));
        }
        foreach (var row in cases.Gradients)
        {
            progress?.Invoke($"{row.Name}, finite differences");
            findings.AddRange(Gradient(row));
        }
        foreach (string kernel in cases.Kernels)
        {
            progress?.Invoke(kernel);
            findings.AddRange(KernelChecks.Of(kernel));
        }
        return findings;
    }

    /// <summary>
    /// Fills every free block of the pool with NaN. An operation that reads scratch memory before it writes it, or leaves part of it
    /// unwritten, may else find the right values of an equal run before it.
    /// </summary>
    public static void Poison(Backend backend)
    {
        var blocks = backend.Pool.FreeLengths.Select(length => backend.Empty(new Shape(length))).ToList();
        foreach (var block in blocks)
        {
            backend.Fill(block, float.NaN);
            block.Dispose();
        }
    }

    /// <summary>Null for the same bits; else the first element that has others.</summary>
    private static string? Changed(OpCase row, float[][] a, float[][] b)
    {
        for (int k = 0; k < a.Length; k++)
        {
            for (int i = 0; i < a[k].Length; i++)
            {
                if (BitConverter.SingleToInt32Bits(a[k][i]) != BitConverter.SingleToInt32Bits(b[k][i]))
                    return FormattableString.Invariant($"{row.Name}: {row.Operands[k].Name} differs at {i}: {a[k][i]:g9} and {b[k][i]:g9}");
            }
        }
        return null;
    }

    private static void Add(List<Finding> findings, OpCase row, Check check, string? message)
    {
        if (message is not null)
            findings.Add(new(row.Name, check, message));
    }

    /// <summary>An error is a finding, too. After a fault of the device nothing more can be said.</summary>
    private static void Guard(List<Finding> findings, OpCase row, Action check)
    {
        try
        {
            check();
        }
        catch (Exception e) when (e is BDenseException and not DeviceFaultException or InvalidOperationException)
        {
            string message = e.Message.Split('\n')[0].Trim();
            if (!message.StartsWith(row.Name, StringComparison.Ordinal))
                message = $"{row.Name}: {message}";
            findings.Add(new(row.Name, Check.Runs, message));
        }
    }
}
