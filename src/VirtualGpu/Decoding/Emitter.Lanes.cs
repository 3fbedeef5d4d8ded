using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Control;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>Instructions by which lanes of a warp exchange something. C is the register of the members' mask.</summary>
internal sealed unsafe partial class Emitter
{
    private Instruction Synchronize(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind, Operand members, int d = -1,
        int a = -1, bool negated = false) => new()
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = d,
            A = a,
            C = Source(s, members, 'w'),
            Immediate = negated ? 1 : 0,
            Class = kind,
        };

    /// <summary>shfl.sync.mode.b32 d{|p}, a, b, c, members;</summary>
    private Instruction Shuffle(Statement s)
    {
        if (s.Op is not ["shfl", "sync", var mode, "b32"] || s.Operands.Length != 5)
            throw s.Refuse("not a shuffle that this GPU knows");
        var (to, holds) = s.Operands[0] is Operand.Pair pair ? (pair.First, pair.Second) : (s.Operands[0], new Operand.Sink());
        return new Instruction
        {
            Run = mode switch
            {
                "up" => &Shuffles.Run<Shuffles.Up>,
                "down" => &Shuffles.Run<Shuffles.Down>,
                "bfly" => &Shuffles.Run<Shuffles.Butterfly>,
                "idx" => &Shuffles.Run<Shuffles.Indexed>,
                _ => throw s.Refuse("not a shuffle that this GPU knows"),
            },
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = to is Operand.Sink ? -1 : AnyWord(s, to),
            A = s.Operands[1] is Operand.Of ? AnyWord(s, s.Operands[1]) : Source(s, s.Operands[1], 'w'),
            B = Source(s, s.Operands[2], 'w'),
            C = Source(s, s.Operands[4], 'w'),
            Vector = [Source(s, s.Operands[3], 'w'), PredicateOrSink(s, holds)],
            Class = InstructionClass.Shuffle,
        };
    }

    private static int AnyWord(Statement s, Operand operand) => Destination(s, operand, 'w');

    /// <summary>vote.sync.mode d, {!}a, members;</summary>
    private Instruction Vote(Statement s)
    {
        if (s.Operands.Length != 3)
            throw s.Refuse("takes a destination, a predicate and a mask of members");
        int predicate = SourcePredicate(s, s.Operands[1], out bool negated);
        delegate*<Warp, Instruction, void> run = string.Join('.', s.Op) switch
        {
            "vote.sync.all.pred" => &Votes.AllOf,
            "vote.sync.any.pred" => &Votes.AnyOf,
            "vote.sync.uni.pred" => &Votes.Agree,
            "vote.sync.ballot.b32" => &Votes.Ballot,
            _ => throw s.Refuse("not a vote that this GPU knows"),
        };
        return Synchronize(s, run, InstructionClass.Predicate, s.Operands[2], Destination(s, s.Operands[0], s.Op[^1] == "pred" ? 'p' : 'w'),
            predicate, negated);
    }
}
