using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Control;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

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
        if (s.Op is not [_, "idx"] and not [_, "idx", "uni"] || s.Operands is not [_, Operand.Label list]
            || !list.Scope.TryFind(c => c.Lists, list.Name, out string[]? labels))
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
        if (!uniform && s.Op.Length > 1)
            throw s.Refuse("an instruction that this GPU does not know");
        Nothing(s);
        return Control(s, uniform ? &Branches.UniformReturn : &Branches.Return);
    }

    /// <summary>bar.sync a{, b}, bar.arrive a, b, bar.red.op.type d, a{, b}, {!}c; also as barrier and with .cta and .aligned.</summary>
    private Instruction Barrier(Statement s)
    {
        string op = string.Join('.', s.Op[1..].Where(part => part is not "cta" and not "aligned"));
        if (op == "warp.sync")
            return s.Operands is [var mask] ? Synchronize(s, &WarpBarrier.Run, InstructionClass.Barrier, mask)
                : throw s.Refuse("takes a mask of members");
        var reduction = op switch
        {
            "red.popc.u32" => BarrierReductions.Kind.Count,
            "red.and.pred" => BarrierReductions.Kind.And,
            "red.or.pred" => BarrierReductions.Kind.Or,
            _ => BarrierReductions.Kind.None,
        };
        bool reduces = reduction != BarrierReductions.Kind.None;
        Operand[] numbers = reduces && s.Operands.Length > 2 ? s.Operands[1..^1] : s.Operands;
        if (op is not "sync" and not "arrive" && !reduces || numbers.Length is < 1 or > 2 || op == "arrive" && numbers.Length < 2)
            throw s.Refuse("not a barrier that this GPU knows");
        long threads = numbers.Length == 2 ? Number(s, numbers[1], 1024) : 0;
        if (threads % Warp.Lanes != 0 || numbers.Length == 2 && threads == 0)
            throw s.Refuse("a barrier's threads are a multiple of 32, and not 0");
        return new Instruction
        {
            Run = op == "arrive" ? &Barriers.Arrive : &Barriers.Wait,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            Immediate = Number(s, numbers[0], 15),
            SecondImmediate = threads,
            OfBlock = op != "arrive",
            D = reduces ? Destination(s, s.Operands[0], reduction == BarrierReductions.Kind.Count ? 'w' : 'p') : -1,
            A = reduces ? SourcePredicate(s, s.Operands[^1], out bool negated) : False(out negated),
            Vector = [(int)reduction, negated ? 1 : 0],
            Class = InstructionClass.Barrier,
        };
    }

    /// <summary>membar.level; fence{.order}.scope; of either, .proxy.kind.</summary>
    private static bool IsFence(string[] op) => op is ["membar", "cta" or "gl" or "sys"]
        or ["fence", "cta" or "cluster" or "gpu" or "sys"]
        or ["fence", "sc" or "acq_rel" or "acquire" or "release", "cta" or "cluster" or "gpu" or "sys"]
        or [_, "proxy", "alias"] or [_, "proxy", "async", "global"];

    /// <summary>nanosleep.u32 t;</summary>
    private Instruction Sleep(Statement s)
    {
        if (s.Operands is not [var time])
            throw s.Refuse("takes a time");
        Source(s, time, 'w');
        return Plain(s, &Fences.Nothing, InstructionClass.Branch);
    }

    /// <summary>One without operands.</summary>
    private Instruction Alone(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind)
    {
        Nothing(s);
        return Plain(s, run, kind);
    }

    private static void Nothing(Statement s)
    {
        if (s.Operands.Length > 0)
            throw s.Refuse("takes no operands");
    }

    private static int False(out bool negated)
    {
        negated = false;
        return KernelCode.False;
    }

    /// <summary>A predicate or its negation, or a constant one.</summary>
    private int SourcePredicate(Statement s, Operand operand, out bool negated)
    {
        negated = operand is Operand.Of { Negated: true };
        return Source(s, operand is Operand.Of of ? of with { Negated = false } : operand, 'p');
    }

    private static long Number(Statement s, Operand operand, ulong most) =>
        operand is Operand.Constant { Value: { Kind: LiteralKind.Integer } value } && value.Bits <= most ? (long)value.Bits
            : throw s.Refuse("a constant of a barrier is missing or too large");

    private Instruction Control(Statement s, delegate*<Warp, Instruction, void> run, int target = 0) => new()
    {
        Run = run,
        Place = _code.Count,
        Guard = Guard(s),
        GuardNegated = s.GuardNegated,
        D = target,
        Class = InstructionClass.Branch,
    };

    private static int Target(Statement s, Operand.Label label) =>
        label.Scope.TryFind(c => c.Labels, label.Name, out int place) ? place : throw s.Refuse($"no label {label.Name}");
}
