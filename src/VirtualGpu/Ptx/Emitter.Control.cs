using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Control;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Instructions of control flow.</summary>
internal sealed unsafe partial class Emitter
{
    private Instruction Branch(Statement s)
    {
        bool uniform = s.Op is [_, "uni"];
        if (s.Operands is not [Operand.Label label] || !uniform && s.Op.Length > 1)
            throw s.Refuse("a branch goes to a label");
        return Control(s, uniform ? &Branches.Uniform : &Branches.Branch, target: Target(s, label));
    }

    /// <summary>brx.idx{.uni} index, list;</summary>
    private Instruction IndexedBranch(Statement s)
    {
        if (s.Op is not [_, "idx"] and not [_, "idx", "uni"] || s.Operands is not [_, Operand.Label list] || !list.Scope.TryFind(c => c.Lists, list.Name, out string[]? labels))
            throw s.Refuse("brx.idx takes an index and a list of labels");
        return new Instruction
        {
            Run = &Branches.Indexed,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            A = Source(s, s.Operands[0], 'w'),
            Vector = [.. labels.Select(name => Target(s, list with { Name = name }))],
            Immediate = s.Op.Length - 2,
            Class = InstructionClass.Branch,
        };
    }

    private Instruction Return(Statement s)
    {
        bool uniform = s.Op is ["ret", "uni"];
        if (s.Operands.Length > 0 || !uniform && s.Op.Length > 1)
            throw s.Refuse("takes no operands");
        return Control(s, uniform ? &Branches.UniformReturn : &Branches.Return);
    }

    /// <summary>bar.sync, bar.cta.sync, barrier.sync.aligned and so on, with a constant barrier of the block.</summary>
    private Instruction Barrier(Statement s)
    {
        string[] rest = [.. s.Op[1..].Where(part => part is not "cta" and not "aligned")];
        if (rest is not ["sync"] || s.Operands is not [Operand.Constant { Value: { Kind: LiteralKind.Integer, Bits: < 16 } number }])
            throw s.Refuse("of barriers this GPU knows .sync with a constant number below 16");
        return Control(s, &Barriers.Wait, InstructionClass.Barrier, immediate: (long)number.Bits, ofBlock: true);
    }

    private Instruction Control(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind = InstructionClass.Branch, int target = 0, long immediate = 0, bool ofBlock = false) => new()
    {
        Run = run,
        Place = _code.Count,
        Guard = Guard(s),
        GuardNegated = s.GuardNegated,
        D = target,
        Immediate = immediate,
        OfBlock = ofBlock,
        Class = kind,
    };

    private static int Target(Statement s, Operand.Label label) =>
        label.Scope.TryFind(c => c.Labels, label.Name, out int place) ? place : throw s.Refuse($"no label {label.Name}");
}
