using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>What a kernel's statements read and write, and where they lead.</summary>
internal sealed class Flow
{
    private readonly KernelText _kernel;

    public Flow(KernelText kernel)
    {
        _kernel = kernel;
        int count = kernel.Statements.Count;
        var starts = new SortedSet<int> { 0 };
        for (int k = 0; k < count; k++)
        {
            var targets = Targets(kernel.Statements[k]);
            foreach (int target in targets)
                starts.Add(target);
            if (targets.Count > 0 || Ends(kernel.Statements[k]))
                starts.Add(k + 1);
        }
        starts.Remove(count);
        int[] first = [.. starts];
        var byStart = first.Select((start, number) => (start, number)).ToDictionary(b => b.start, b => b.number);
        for (int b = 0; b < first.Length; b++)
        {
            int end = b + 1 < first.Length ? first[b + 1] : count;
            var successors = new List<int>();
            if (end > first[b])
            {
                var last = kernel.Statements[end - 1];
                successors.AddRange(Targets(last).Where(byStart.ContainsKey).Select(t => byStart[t]));
                if (end < count && (last.Guard is not null || !Ends(last)))
                    successors.Add(byStart[end]);
            }
            Blocks.Add(new Part(first[b], end, successors));
        }
    }

    /// <summary>Statements that run one after the other.</summary>
    public List<Part> Blocks { get; } = [];

    public static IEnumerable<Register> Reads(Statement s)
    {
        if (s.Guard is { } guard)
            yield return guard;
        for (int k = 0; k < s.Operands.Length; k++)
        {
            // The address of a destination in memory is read, and so are accumulators of wgmma.
            if (k == 0 && HasDestination(s) && s.Op[0] != "wgmma")
                continue;
            foreach (var register in RegistersOf(s.Operands[k]))
                yield return register;
        }
    }

    public static IEnumerable<Register> Writes(Statement s) => s.Operands.Length > 0 && HasDestination(s) ? RegistersOf(s.Operands[0]) : [];

    /// <summary>Accumulators and fragments of wgmma's: they are used after the instruction that names them.</summary>
    public static IEnumerable<Register> OfProducts(KernelText kernel) => kernel.Statements.Where(s => s.Op is ["wgmma", "mma_async", ..])
        .SelectMany(s => s.Operands.Take(2).OfType<Operand.Vector>()).SelectMany(RegistersOf).Distinct();

    private static bool HasDestination(Statement s) => s.Op[0] switch
    {
        "st" or "red" or "bra" or "brx" or "ret" or "exit" or "cp" or "prefetch" or "prefetchu" or "membar" or "fence" or "nanosleep"
            or "trap" or "stmatrix" or "setmaxnreg" or "griddepcontrol" => false,
        "bar" or "barrier" => s.Op.Contains("red"),
        "wgmma" => s.Op is [_, "mma_async", ..],
        "mbarrier" => s.Op is [_, "arrive" or "arrive_drop" or "test_wait" or "try_wait", ..],
        _ => true,
    };

    /// <summary>Whether what follows is reached only where a guard keeps lanes from it.</summary>
    private static bool Ends(Statement s) => s.Op[0] is "ret" or "exit" or "bra" or "brx" or "trap";

    private static IEnumerable<Register> RegistersOf(Operand operand) => operand switch
    {
        Operand.Of of => [of.Register],
        Operand.Vector vector => vector.Elements.SelectMany(RegistersOf),
        Operand.Pair pair => RegistersOf(pair.First).Concat(RegistersOf(pair.Second)),
        Operand.Address { Base: { } start } => RegistersOf(start),
        Operand.TensorAddress tensor => RegistersOf(tensor.Map).Concat(tensor.Coordinates.SelectMany(RegistersOf)),
        _ => [],
    };

    private List<int> Targets(Statement s)
    {
        if (s.Op[0] == "bra" && s.Operands is [Operand.Label label])
            return label.Scope.TryFind(c => c.Labels, label.Name, out int place) ? [place] : [];
        if (s.Op[0] == "brx" && s.Operands is [_, Operand.Label list] && list.Scope.TryFind(c => c.Lists, list.Name, out string[]? names))
            return [.. names.Where(n => list.Scope.TryFind(c => c.Labels, n, out int _))
                .Select(n => list.Scope.TryFind(c => c.Labels, n, out int at) ? at : _kernel.Statements.Count)];
        return [];
    }

    /// <param name="First">Statement.</param>
    /// <param name="End">The statement after the last.</param>
    /// <param name="Successors">Blocks that may follow.</param>
    public sealed record Part(int First, int End, List<int> Successors);
}
